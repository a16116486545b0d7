#!/usr/bin/env python3
"""Runs the fault stories against failover systems in the lab and prints one league table.

    bench.py                                 every story, every system that is installed
    bench.py --story blackhole --sut autonomy,oracle --trials 100 --json out.json
    bench.py --quick                         3 trials each
    bench.py --peers                         installs the Debian packages of the peers first
    bench.py --list                          the stories and systems there are
"""
import argparse
import os
import platform
import random
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

import adapter  # noqa: E402
import report  # noqa: E402
import story as stories  # noqa: E402
from lab import Lab  # noqa: E402
from router import Router  # noqa: E402
from trial import Observer, Skip, Trial  # noqa: E402

DELAY_MS = 20  # one way, so 40 ms round trip, as in the budgets
QUICK_TRIALS = 3
STILL_S = 0.5  # settled is: on the preferred uplink for so long
TRIES = 3  # a trial that could not be measured is tried again so often
ORDER = (stories.SWITCH, stories.RECOVER, stories.STAY, stories.UNHARMED)


class Progress:
    """One line that says where the run is and when it will be done."""

    def __init__(self, total):
        self.total, self.done, self.begun = total, 0, time.monotonic()
        self.spent = {}  # system -> [trials, seconds]
        self.ahead = {}  # system -> trials to come
        self._shown = 0.0
        self._live = sys.stderr.isatty()

    def expect(self, system, trials):
        self.ahead[system] = self.ahead.get(system, 0) + trials

    def trial(self, system, seconds, text):
        self.done += 1
        entry = self.spent.setdefault(system, [0, 0.0])
        entry[0] += 1
        entry[1] += seconds
        self.ahead[system] -= 1
        self.show(text)

    def skip(self, system, trials):
        self.ahead[system] -= trials
        self.done += trials

    def eta_s(self):
        known = [seconds / n for n, seconds in self.spent.values() if n]
        usual = sum(known) / len(known) if known else 6.0
        return sum(left * (self.spent[s][1] / self.spent[s][0] if s in self.spent else usual)
                   for s, left in self.ahead.items())

    def show(self, text, force=False):
        now = time.monotonic()
        if not self._live and not force and now - self._shown < 10 and self.done < self.total:
            return
        self._shown = now
        left = self.eta_s()
        line = f"[{self.done}/{self.total}] {text}  ({int(left // 60)}:{int(left % 60):02d} left)"
        sys.stderr.write(f"\r\033[K{line}" if self._live else line + "\n")
        sys.stderr.flush()

    def end(self):
        if self._live:
            sys.stderr.write("\r\033[K")


class Bench:
    def __init__(self, chosen_stories, systems, args):
        self.stories, self.systems, self.args = chosen_stories, systems, args
        self.rng = random.Random(args.seed)
        self.run = {"facts": facts(args), "stories": chosen_stories, "systems": {}}
        self.progress = Progress(0)

    def trials_of(self, story, system):
        if self.args.trials:
            return self.args.trials
        wanted = min(story.trials, QUICK_TRIALS) if self.args.quick else story.trials
        return min(wanted, system.trials) if system.trials else wanted

    def all(self):
        for name, cls in self.systems.items():
            for story in self.stories.values():
                self.progress.expect(name, self.trials_of(story, cls))
        self.progress.total = sum(self.progress.ahead.values())
        for name, cls in self.systems.items():
            self.run["systems"][name] = {"title": cls.title or name, "about": cls.about, "stories": {}}
        with make_lab() as lab:
            prepare_lab(lab)
            observer = Observer(lab)
            try:
                for name, cls in self.systems.items():
                    self._system(lab, observer, name, cls)
            finally:
                observer.stop()
        self.progress.end()
        return self.run

    def _system(self, lab, observer, name, cls):
        entry = self.run["systems"][name]
        router = Router(lab)
        before = router.state()
        for story_name, story in self.stories.items():
            system = cls(lab)
            system.profile = story.profile
            total = self.trials_of(story, cls)
            result = entry["stories"][story_name] = {"trials": []}
            try:
                self._story(lab, observer, system, story, result, total, f"{story_name} / {name}")
            except adapter.NotApplicable as why:
                entry["stories"][story_name] = {"not_applicable": str(why)}
                self.progress.skip(name, total - len(result["trials"]))
            except adapter.Failed as why:
                self.progress.skip(name, total - len(result["trials"]))
                result["trials"].append({"skipped": str(why), "figures": {}})
            finally:
                attempt(system.stop)
                heal(lab)
                system.forget()
            left = router.added(before)
            if left:
                entry.setdefault("left_behind", []).extend(x for x in left if x not in entry.get("left_behind", ()))
                router.remove(left)

    def _story(self, lab, observer, system, story, result, total, label):
        name = system.name()
        if not story.from_start:
            system.start()
            self.settle(lab, observer, system)
        for number in range(total):
            begun = time.monotonic()
            for _ in range(TRIES):
                trial = Trial(lab, system, observer, story, number, self.rng)
                try:
                    outcome = trial.run()
                except Skip as why:
                    outcome = {"skipped": str(why), "figures": {}}
                    if why.unprovoked is not None:
                        self.run["systems"][name].setdefault("unprovoked", []).append(
                            {"trial": f"{label} {number + 1}", "what": str(why), "account": why.unprovoked})
                if self.args.verbose:
                    self.progress.end()
                    print(label, number + 1, brief(outcome), flush=True)
                if story.from_start:
                    system.stop()
                heal(lab)
                if not story.from_start:
                    self.settle(lab, observer, system)
                if outcome.get("skipped") is None:
                    break
            result["trials"].append(outcome)
            last = outcome["figures"].get(story.metric) if story.metric else outcome["figures"].get("switches")
            self.progress.trial(name, time.monotonic() - begun,
                                f"{label}  trial {number + 1}/{total}  last {report.text(last)}")

    def settle(self, lab, observer, system):
        """Back to the preferred uplink, by itself where the system does that, else by reset()."""
        preferred = lab.links[0]
        moved = observer.device(4) != preferred or observer.device(6) not in (preferred, None)
        if moved and system.resets:
            system.reset()
        if not self._wait_settled(observer, system, preferred):
            system.reset()
            if not self._wait_settled(observer, system, preferred):
                raise adapter.Failed(f"does not settle on {preferred}: v4 over {observer.device(4)}, v6 over "
                                     f"{observer.device(6)}, says {'settled' if system.settled() else 'not settled'}")
        if moved:
            time.sleep(system.age_s)

    def _wait_settled(self, observer, system, preferred):
        end = time.monotonic() + system.settle_s
        since = None
        while time.monotonic() < end:
            good = (observer.device(4) == preferred and observer.device(6) in (preferred, None) and system.settled())
            since = (since or time.monotonic()) if good else None
            if since and time.monotonic() - since >= STILL_S:
                return True
            time.sleep(0.05)
        return False


def attempt(call):
    try:
        call()
    except Exception as problem:  # the next system must still get its turn
        print(f"\nbench: {problem}", file=sys.stderr)


def brief(outcome):
    if outcome.get("skipped"):
        return "skipped: " + outcome["skipped"]
    shown = {k: report.text(v) for k, v in outcome["figures"].items() if v is not None}
    return " ".join(f"{k}={v}" for k, v in shown.items()) + (f"  WRONG: {outcome['wrong']}" if outcome["wrong"] else "")


def make_lab(links=3):
    return Lab(n_links=links, delay_ms=DELAY_MS)


def prepare_lab(lab):
    # A fresh flow that gets the port of a recent one is not fresh: let there be many.
    lab.run("lan", ["sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535"], check=True)
    # Fills a queue, as most clients and servers do; BBR would hardly.
    for role in ("lan", "inet"):
        lab.run(role, ["sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno"], check=True)


def heal(lab):
    """Every fault gone, every link carrying, and no flow of one trial left for the next to meet:
    minutes pass between faults in life."""
    for link in lab.links:
        if not lab.link_info(link)["carrier"]:
            lab.carrier(link, True)
    lab.clear()
    for role in ("rtr", *(lab.link_info(link)["isp"] for link in lab.links)):
        lab.run(role, ["conntrack", "-F"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # The kernel asks for a neighbour it has given up on once a second.
    for link in lab.links:
        for _ in range(20):
            if lab.run("rtr", ["ping", "-n", "-q", "-c1", "-W1", "-I", link, lab.echo_addr], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL).returncode == 0:
                break


def facts(args):
    def output(*argv):
        done = subprocess.run(argv, cwd=HERE, capture_output=True, text=True, check=False)
        return done.stdout.strip()
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "kernel": platform.release(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "commit": output("git", "rev-parse", "--short", "HEAD"),
        "seed": getattr(args, "seed", None),
        "delay_ms": DELAY_MS,
        "arguments": sys.argv[1:],
    }


def choose(kind, known, asked):
    if not asked:
        return dict(known)
    names = [n for text in asked for n in text.split(",") if n]
    unknown = [n for n in names if n not in known]
    if unknown:
        sys.exit(f"bench: no {kind} {', '.join(unknown)}; there are: {', '.join(known)}")
    return {n: known[n] for n in names}


def parse_arguments(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--story", action="append", metavar="NAME[,NAME]", help="only these stories")
    p.add_argument("--sut", action="append", metavar="NAME[,NAME]", help="only these systems")
    p.add_argument("--trials", type=int, help="so many of each, whatever the story says")
    p.add_argument("--quick", action="store_true", help=f"{QUICK_TRIALS} trials each")
    p.add_argument("--json", metavar="FILE", help="everything, for machines")
    p.add_argument("--peers", action="store_true", help="install what the peers need (apt), without starting it")
    p.add_argument("--build", metavar="DIR", help="where autonomyd was built")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--list", action="store_true")
    p.add_argument("-v", "--verbose", action="store_true", help="a line per trial")
    return p.parse_args(argv)


def main():
    args = parse_arguments(sys.argv[1:])
    if args.build:
        os.environ["AUTONOMY_BUILD"] = os.path.abspath(args.build)
    everything = stories.find()
    known = {n: s for n, (s, _) in sorted(everything.items(), key=lambda kv: (ORDER.index(kv[1][0].expect), kv[0]))}
    found = adapter.find()
    if args.list:
        for name, story in known.items():
            print(f"{name:20} {story.expect:9} {story.title}")
        for name, cls in found.items():
            lacks = cls.missing()
            print(f"{name:20} system    {cls.title}{'  (needs ' + ', '.join(lacks) + ')' if lacks else ''}")
        return 0
    systems = choose("system", found, args.sut)
    if args.peers:
        adapter.install(systems.values())
    for name in list(systems):
        lacks = systems[name].missing()
        if lacks:
            print(f"bench: {name} is left out, it needs {', '.join(lacks)}: {systems[name].how_to_get()}", file=sys.stderr)
            del systems[name]
    if not systems:
        return 1
    bench = Bench(choose("story", known, args.story), systems, args)
    interrupted = False
    try:
        bench.all()
    except (KeyboardInterrupt, SystemExit):
        interrupted = True
        bench.progress.end()
    print(report.table(bench.run))
    print()
    print(report.side_table(bench.run))
    print(report.reasons(bench.run))
    if args.json:
        Path(args.json).write_text(report.document(bench.run) + "\n")
    return 130 if interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
