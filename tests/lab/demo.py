#!/usr/bin/env python3
"""The built-in demonstration: three uplinks play recordings and suffer faults, autonomyd steers them.

Everything happens in the lab's namespaces; the machine's own network is not touched.  On a
terminal it is the live view (`autonomyctl watch`) with the story of faults below it, until q;
elsewhere one round of faults as a plain log.  What is measured is what traffic of the LAN saw.
"""

import argparse
import bisect
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import namedtuple
from pathlib import Path

from lab import HERE, Lab, LabError, now_us, sweep
from screen import Screen

# name, device, trace, where in it to begin (a calm stretch: the faults are ours)
LINKS = (
    ("starlink", "wan1", "starlink", 190),
    ("dsl", "wan2", "dsl", 200),
    ("lte", "wan3", "lte-car", 180),
)

CONFIG = """\
# Made by ./dev run.  Only names and wishes: links, gateways and targets are found by themselves.
config autonomy 'main'
	option log_syslog '0'

# Times short enough to be watched; as shipped they are 10 s and 10 min.
config defaults 'defaults'
	option hold '3s'
	option hold_max '6s'

config link 'starlink'
	option device 'wan1'
	option kind 'starlink'
	option preference '20'

config link 'dsl'
	option device 'wan2'
	option kind 'wired'
	option preference '10'

config link 'lte'
	option device 'wan3'
	option kind 'cellular'
	option metered '1'
"""

MOVE_WITHIN_S = 12
SETTLED_WITHIN_S = 10


class Traffic:
    """One labflow of the LAN, read while it writes."""

    def __init__(self, lab, mode, **options):
        self.lab = lab
        self.flow = lab.flow(mode, **options)
        self.samples = {}
        self.order = []
        self.file = None
        self.rest = ""

    def read(self):
        if self.file is None:
            if not os.path.exists(self.flow.log):
                return
            self.file = open(self.flow.log)
        self.rest += self.file.read()
        *lines, self.rest = self.rest.split("\n")
        for line in lines:
            entry = json.loads(line)
            if "seq" not in entry or "event" in entry:
                continue
            if entry["seq"] not in self.samples:
                self.order.append((entry["sent_us"], entry["seq"]))
            self.samples[entry["seq"]] = entry

    def since(self, at_us):
        """What was sent after a moment, oldest first."""
        start = bisect.bisect_left(self.order, (at_us, -1))
        return [self.samples[seq] for _, seq in self.order[start:]]

    def first_answer(self, at_us, except_for=None):
        """To what was sent after a moment: (when, over which device), or None."""
        best = None
        for sample in self.since(at_us):
            if not sample.get("answered_us"):
                continue
            via = self.lab.link_of(sample.get("via"))
            if except_for and via == except_for:
                continue
            if best is None or sample["answered_us"] < best[0]:
                best = (sample["answered_us"], via)
        return best

    def lost(self, at_us, until_us):
        """(lost, sent) of what was sent between two moments."""
        sent = [s for s in self.since(at_us) if s["sent_us"] < until_us]
        return sum(1 for s in sent if not s.get("answered_us")), len(sent)

    def stop(self):
        with contextlib.suppress(LabError, subprocess.TimeoutExpired):
            self.flow.stop()
        if self.file:
            self.file.close()
        with contextlib.suppress(OSError):
            os.unlink(self.flow.log)


class Ended(Exception):
    """Somebody wants to leave."""


class Site:
    """The lab, autonomyd in its router, and traffic from its LAN."""

    def __init__(self, build, lab, folder):
        self.lab = lab
        self.build = build
        self.folder = folder
        self.socket = str(folder / "run" / "autonomy.sock")
        self.name_of = {device: name for name, device, _, _ in LINKS}
        self.device_of = {name: device for name, device, _, _ in LINKS}
        self.traffic = {}
        self.daemon = None
        self.ended = threading.Event()

    def start(self):
        for _, device, trace, offset_s in LINKS:
            self.lab.play(device, HERE / "traces" / f"{trace}.csv.gz", offset_s)
        config = self.folder / "autonomy"
        config.write_text(CONFIG)
        argv = [self.build / "autonomyd", "--config", config, "--run-dir", self.folder / "run"]
        argv += ["--state-dir", self.folder / "state", "--log-level", "warning"]
        # so that a port that a fresh flow happens to use again is fresh to the router too
        self.lab.run("rtr", ["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=2"], check=True)
        with open(self.folder / "log", "w") as log:
            # a session of its own: an interrupt at the terminal is for the demonstration
            self.daemon = self.lab.popen("rtr", argv, stderr=log, start_new_session=True)
        self.wait(lambda: os.path.exists(self.socket), 5)
        self.wait(lambda: self.in_use() and self.n_up(self.status()) == len(LINKS), 20)
        self.start_traffic()

    def start_traffic(self):
        """All anew: the established flow then is on the link in use, and no log grows for ever."""
        self.stop_traffic()
        echo, echo6 = self.lab.echo_addr, self.lab.echo6_addr
        self.traffic = {
            "fresh": Traffic(self.lab, "udp", to=echo, period_ms=10, fresh=True),
            "established": Traffic(self.lab, "udp", to=echo, period_ms=10),
            "fresh6": Traffic(self.lab, "udp", to=echo6, period_ms=20, fresh=True),
            "dns": Traffic(self.lab, "dns", to="1.1.1.1", period_ms=50, fresh=True),
        }

    def stop_traffic(self):
        for traffic in self.traffic.values():
            traffic.stop()
        self.traffic = {}

    def control(self, *words):
        argv = [str(self.build / "autonomyctl"), "--socket", self.socket, *words]
        return subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout

    def status(self):
        if self.daemon.poll() is not None:
            raise LabError(f"autonomyd ended:\n{(self.folder / 'log').read_text()}")
        try:
            return json.loads(self.control("status", "--json"))
        except ValueError:
            return {}

    def in_use(self, family="ipv4"):
        """The name of the link in use, or None."""
        for chosen in self.status().get("classes", []):
            if chosen["family"] == family and chosen["links"]:
                return chosen["links"][0]["link"]
        return None

    def n_up(self, status):
        """How many links are well in both families."""
        links = status.get("links", [])
        return sum(1 for link in links if all(path["health"] == "up" for path in link["paths"]))

    def settled(self):
        """A fault can only be answered where there is another link; and nothing is on its way back."""
        status = self.status()
        waiting = any(chosen["wanted"] for chosen in status.get("classes", []))
        return self.n_up(status) >= 2 and not waiting

    def pause(self, seconds):
        if self.ended.wait(seconds):
            raise Ended

    def wait(self, condition, seconds):
        """What condition() answers once it is true; after so many seconds None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = condition()
            if answer:
                return answer
            self.pause(0.05)
        return None


# What a fault did: text for people, and whether that is what ought to happen.
Outcome = namedtuple("Outcome", "text good")


def milliseconds(us):
    return f"{us / 1000:.0f} ms"


def moves(site, device, at_us, which="fresh"):
    """New flows are answered over another link, and what was established is too."""

    def answer(name):
        site.traffic[name].read()
        return site.traffic[name].first_answer(at_us, except_for=device)

    found = site.wait(lambda: answer(which), MOVE_WITHIN_S)
    if not found:
        lost, sent = site.traffic[which].lost(at_us, now_us())
        return Outcome(f"did not move within {MOVE_WITHIN_S} s; {lost} of {sent} packets lost", False)
    text = f"first answer over {site.name_of[found[1]]} after {milliseconds(found[0] - at_us)}"
    if which != "fresh":
        return Outcome(text, True)
    found = site.wait(lambda: answer("established"), 2)
    if not found:
        return Outcome(f"{text}; the established flow stays where it was", True)
    return Outcome(f"{text}, of the established flow after {milliseconds(found[0] - at_us)}", True)


def resolves_again(site, at_us):
    """A name is answered: there is only one way on which it can be."""
    dns = site.traffic["dns"]

    def answer():
        dns.read()
        return dns.first_answer(at_us)

    found = site.wait(answer, MOVE_WITHIN_S)
    if not found:
        return Outcome(f"no name resolved within {MOVE_WITHIN_S} s", False)
    return Outcome(f"first name resolved over {site.in_use()} after {milliseconds(found[0] - at_us)}", True)


def stays(site, device, at_us, seconds=7):
    """Traffic must not notice."""
    site.pause(seconds)
    fresh = site.traffic["fresh"]
    fresh.read()
    used = site.in_use()
    # what was sent last may still be answered
    lost, sent = fresh.lost(at_us, now_us() - 500000)
    if site.device_of.get(used) != device:
        return Outcome(f"moved to {used}, without need", False)
    return Outcome(f"stays on {used}; {lost} of {sent} packets lost", True)


def lives_on_the_last(site, device):
    """Everything is dead, then one link returns."""
    site.pause(3)
    back_us = site.lab.blackhole(device, on=False)
    fresh = site.traffic["fresh"]

    def answer():
        fresh.read()
        return fresh.first_answer(back_us)

    found = site.wait(answer, MOVE_WITHIN_S)
    if not found:
        return Outcome(f"no answer within {MOVE_WITHIN_S} s after its return", False)
    link = site.name_of[found[1]]
    return Outcome(f"first answer over {link} {milliseconds(found[0] - back_us)} after its return", True)


# One fault of the story: what it is, how it is made and undone, and what ought to follow.
Fault = namedtuple("Fault", "title text make undo follow family", defaults=("ipv4",))


def everything_dead(lab, _):
    return [lab.blackhole(device) for _, device, _, _ in LINKS][-1]


def everything_back(lab, _):
    for _, device, _, _ in LINKS:
        lab.blackhole(device, on=False)


STORY = (
    Fault(
        "black hole",
        "every packet on {link} vanishes, while carrier and lights stay on",
        lambda lab, device: lab.blackhole(device),
        lambda lab, device: lab.blackhole(device, on=False),
        moves,
    ),
    Fault(
        "carrier",
        "the cable of {link} is pulled",
        lambda lab, device: lab.carrier(device, False),
        lambda lab, device: lab.carrier(device, True),
        moves,
    ),
    Fault(
        "brown-out",
        "{link} loses 30 % of all packets",
        lambda lab, device: lab.loss(device, 16.3),  # in each direction
        lambda lab, device: lab.loss(device, 0),
        moves,
    ),
    Fault(
        "one target dead",
        "8.8.8.8 answers nobody any more, over no link: not {link}'s fault",
        lambda lab, device: lab.target_dead("8.8.8.8"),
        lambda lab, device: lab.target_dead("8.8.8.8", False),
        stays,
    ),
    Fault(
        "captive portal",
        "{link} wants a log-in: ping and DNS live, pages are redirected, the rest is dropped",
        lambda lab, device: lab.portal(device),
        lambda lab, device: lab.portal(device, False),
        moves,
    ),
    Fault(
        "DNS dead",
        "no name server can be reached over {link}; everything else works",
        lambda lab, device: lab.dns_dead(device),
        lambda lab, device: lab.dns_dead(device, False),
        lambda site, device, at_us: resolves_again(site, at_us),
    ),
    Fault(
        "IPv6 only",
        "IPv6 on {link} is dead, IPv4 works",
        lambda lab, device: lab.family_blackhole(device, 6),
        lambda lab, device: lab.family_blackhole(device, 6, False),
        lambda site, device, at_us: moves(site, device, at_us, "fresh6"),
        family="ipv6",
    ),
    Fault(
        "everything dead",
        "all three links die at once; three seconds later lte alone returns",
        everything_dead,
        everything_back,
        lambda site, device, at_us: lives_on_the_last(site, "wan3"),
    ),
)


class Show:
    """Plays rounds of the story and tells a view of it."""

    def __init__(self, site, view, rounds, end_s):
        self.site = site
        self.view = view
        self.rounds = rounds
        self.end_s = end_s
        self.results = []
        self.error = None

    def run(self):
        """All rounds; also what a thread runs, so an error is kept for who waits for it."""
        try:
            played = 0
            while self.rounds is None or played < self.rounds:
                for number, fault in enumerate(STORY, 1):
                    self.play(number, fault)
                played += 1
        except Ended:
            pass
        except (LabError, OSError, RuntimeError) as error:
            if not self.site.ended.is_set():
                self.error = error
        self.view.finished()

    def play(self, number, fault):
        site = self.site
        site.wait(site.settled, SETTLED_WITHIN_S)
        if self.end_s is not None and time.monotonic() >= self.end_s:
            raise Ended
        site.start_traffic()
        site.pause(2)
        link = site.in_use(fault.family)
        if not link:
            raise LabError(f"autonomyd uses no link for {fault.family}; see autonomyctl explain")
        device = site.device_of[link]
        self.view.fault(number, len(STORY), fault.title, fault.text.format(link=link))
        at_us = fault.make(site.lab, device)
        outcome = fault.follow(site, device, at_us)
        self.results.append((fault.title, link, outcome))
        self.view.outcome(outcome)
        site.pause(2)
        fault.undo(site.lab, device)
        self.view.note(f"{fault.title}: over")

    def good(self):
        return not self.error and all(outcome.good for _, _, outcome in self.results)


class PlainView:
    """A log on standard output."""

    def __init__(self):
        self.start_s = time.monotonic()
        self.lock = threading.Lock()

    def print(self, mark, text):
        with self.lock:
            print(f"{time.monotonic() - self.start_s:6.2f} s  {mark:<8} {text}", flush=True)

    def fault(self, number, total, title, text):
        self.print("FAULT", f"{number} of {total}, {title}: {text}")

    def outcome(self, outcome):
        self.print("MEASURED" if outcome.good else "MISSED", outcome.text)

    def note(self, text):
        self.print("", text)

    def finished(self):
        pass

    def follow_events(self, site):
        """The daemon's own sentences, as they come, in a thread."""
        argv = [str(site.build / "autonomyctl"), "--socket", site.socket, "--json", "events", "--follow"]
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

        def read():
            for line in process.stdout:
                with contextlib.suppress(ValueError):
                    event = json.loads(line)
                    if event.get("level", 6) <= 5:
                        self.print("autonomy", event["text"])

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return process, thread


def print_summary(results):
    if not results:
        return
    print("\nFAULT            LINK      WHAT TRAFFIC SAW")
    for title, link, outcome in results:
        print(f"{title:<16} {link:<9} {outcome.text}")


def run_plain(site, arguments, end_s):
    view = PlainView()
    process, thread = view.follow_events(site)
    show = Show(site, view, arguments.rounds or 1, end_s)
    try:
        show.run()
    finally:
        process.terminate()
        process.wait()
        thread.join(2)
    return show


def run_screen(site, arguments, end_s):
    argv = [str(site.build / "autonomyctl"), "--socket", site.socket, "watch"]
    with Screen(argv) as screen:
        show = Show(site, screen, arguments.rounds, end_s)
        thread = threading.Thread(target=show.run, daemon=True)
        thread.start()
        screen.run()
        site.ended.set()
        thread.join()
    return show


def read_arguments():
    parser = argparse.ArgumentParser(prog="./dev run", description=__doc__.partition("\n")[0])
    parser.add_argument("--build", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.add_argument("--once", dest="rounds", action="store_const", const=1, help="end after one round of faults")
    parser.add_argument("--plain", action="store_true", help="a log, also on a terminal")
    arguments = parser.parse_args()
    arguments.build = arguments.build.resolve()
    return arguments


def main():
    arguments = read_arguments()
    os.environ.setdefault("AUTONOMY_LAB_PROGRAMS", str(arguments.build / "tests" / "lab"))
    folder = Path(tempfile.mkdtemp(prefix="autonomy-demo-"))
    show = None
    try:
        sweep()
        with Lab(len(LINKS)) as lab:
            print("three uplinks (starlink, dsl, lte) in network namespaces; this machine's network is not touched")
            site = Site(arguments.build, lab, folder)
            site.start()
            end_s = time.monotonic() + arguments.seconds if arguments.seconds else None
            plain = arguments.plain or not (sys.stdin.isatty() and sys.stdout.isatty())
            show = (run_plain if plain else run_screen)(site, arguments, end_s)
    except KeyboardInterrupt:
        pass
    except LabError as error:
        sys.exit(str(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if show:
        print_summary(show.results)
        if show.error:
            sys.exit(str(show.error))
        sys.exit(0 if show.good() else 1)


if __name__ == "__main__":
    main()
