#!/usr/bin/env python3
"""An interactive lab: build it, break it, watch traffic.  Needs root."""

import argparse
import cmd
import glob
import inspect
import json
import os
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

from lab import Lab, LabError, sweep

MODES = ("udp", "tcp", "stream", "dns", "http", "bulk")


class Watch:
    """A labflow in the background and the line that tells how it fares."""

    def __init__(self, lab, words):
        self.words = words
        mode, rest = words[0], words[1:]
        self.role = "lan"
        if "--role" in rest:
            at = rest.index("--role")
            self.role = rest[at + 1]
            del rest[at : at + 2]
        if "--to" not in rest:
            rest += ["--to", "1.1.1.1" if mode in ("dns", "http") else lab.echo_addr]
        self.process = lab.popen(
            self.role, ["labflow", mode, "--live", *rest], stdout=subprocess.PIPE, text=True,
            start_new_session=True,  # an interrupt is for the console alone
        )
        self.lab = lab
        self.live = {}
        self.summary = None
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            entry = json.loads(line)
            if "live_us" in entry:
                self.live = entry
            else:
                self.summary = entry

    def line(self):
        live = self.live
        if not live:
            return f"{' '.join(self.words)}: starting"
        via = self.lab.link_of(live.get("via")) or "-"
        return (
            f"{' '.join(self.words)}: {live['answered']}/{live['sent']} answered, over {via}, "
            f"last answer {live['silence_us'] / 1000:.0f} ms ago"
        )

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        self.thread.join(2)
        return self.summary


def describe(summary):
    rtt = summary["rtt_us"]
    text = f"{summary['answered']}/{summary['sent']} answered"
    text += f", longest silence {summary['longest_silence_us'] / 1000:.1f} ms"
    if rtt:
        text += f", round trip {rtt['p50'] / 1000:.1f} ms (99 %: {rtt['p99'] / 1000:.1f})"
    if summary["resets"] or summary["stalls"]:
        text += f", {summary['resets']} resets, {summary['stalls']} stalls"
    if summary["bytes"]:
        seconds = (summary["end_us"] - summary["start_us"]) / 1e6
        text += f", {summary['bytes'] * 8 / seconds / 1e6:.1f} Mbit/s"
    return text


def on_off(word):
    if word not in ("on", "off"):
        raise LabError(f"say on or off, not {word}")
    return word == "on"


def up_down(word):
    if word not in ("up", "down"):
        raise LabError(f"say up or down, not {word}")
    return word == "up"


class Console(cmd.Cmd):
    prompt = "lab> "

    def __init__(self, lab):
        super().__init__()
        self.lab = lab
        self.watches = []

    # -- how commands run

    def onecmd(self, line):
        try:
            return super().onecmd(line)
        except (LabError, OSError, ValueError) as error:
            print(error)
        return False

    def emptyline(self):
        self.do_status("")

    def default(self, line):
        """Whatever is not a command of its own is a fault."""
        if line == "EOF":
            print()
            return True
        name, *words = shlex.split(line)
        if name not in self.faults():
            print(f"no such command: {name}; try help")
            return False
        call, usage, _ = self.faults()[name]
        try:
            inspect.signature(call).bind(*words)
        except TypeError:
            print(f"usage: {name} {usage}")
            return False
        at_us = call(*words)
        if at_us is not None:
            print(f"at {at_us} us")
        return False

    def faults(self):
        """name -> (what to call with the words behind it, usage, text)"""
        lab = self.lab
        return {
            "blackhole": (
                lambda link, direction="both", state="on": lab.blackhole(link, direction, on_off(state)),
                "LINK [up|down|both] [on|off]",
                "all frames vanish",
            ),
            "upstream": (
                lambda link, state="off": lab.upstream_dead(link, not on_off(state)),
                "LINK [on|off]",
                "off: only the gateway answers",
            ),
            "loss": (
                lambda link, pct, burst=None: lab.loss(link, float(pct), burst),
                "LINK PERCENT [BURST]",
                "lose frames, in bursts of a mean length",
            ),
            "delay": (
                lambda link, ms, jitter="0": lab.delay(link, float(ms), float(jitter)),
                "LINK MS [JITTER_MS]",
                "one-way delay",
            ),
            "rate": (
                lambda link, mbit, queue="100": lab.rate(link, None if mbit == "off" else float(mbit), float(queue)),
                "LINK MBIT|off [QUEUE_MS]",
                "bottleneck with a queue",
            ),
            "carrier": (
                lambda link, state: lab.carrier(link, up_down(state)),
                "LINK up|down",
                "the router's cable",
            ),
            "mtu": (
                lambda link, size: lab.mtu_blackhole(link, None if size == "off" else int(size)),
                "LINK BYTES|off",
                "longer packets vanish",
            ),
            "family": (
                lambda link, family, state="off": lab.family_blackhole(link, family, not on_off(state)),
                "LINK 4|6 [on|off]",
                "off: this family vanishes",
            ),
            "dns": (
                lambda link, state="off": lab.dns_dead(link, not on_off(state)),
                "LINK [on|off]",
                "off: port 53 vanishes",
            ),
            "portal": (
                lambda link, state="on": lab.portal(link, on_off(state)),
                "LINK [on|off]",
                "captive portal",
            ),
            "target": (
                lambda address, state="off": lab.target_dead(address, not on_off(state)),
                "ADDRESS [on|off]",
                "off: dead over every link",
            ),
            "icmp": (
                lambda rate: lab.icmp_ratelimit(None if rate == "off" else int(rate)),
                "PER_S|off",
                "limit echo requests per destination",
            ),
            "renumber": (lab.renumber, "LINK", "new address and gateway"),
            "gateway": (lab.change_gateway, "LINK", "another gateway"),
            "unplug": (lab.unplug, "LINK", "delete the router's device"),
            "plug": (lab.plug, "LINK", "and make it again"),
            "play": (
                lambda link, path, offset="0", speed="1": lab.play(link, path, float(offset), float(speed)),
                "LINK FILE [OFFSET_S] [SPEED]",
                "play a recorded trace",
            ),
            "clear": (lambda link=None: lab.clear(link), "[LINK]", "healthy again"),
        }

    def completenames(self, text, *ignored):
        return super().completenames(text, *ignored) + [n for n in self.faults() if n.startswith(text)]

    def completedefault(self, text, line, begin, end):
        words = line[:begin].split()
        if words[0] not in self.faults():
            return []
        usage = self.faults()[words[0]][1].split()
        kind = usage[min(len(words), len(usage)) - 1].strip("[]")
        if kind == "LINK":
            choices = self.lab.links
        elif kind == "ADDRESS":
            choices = self.lab.targets + self.lab.targets6
        elif kind == "FILE":
            choices = glob.glob(text + "*") + glob.glob(str(Path(__file__).parent / "traces" / "*.gz"))
        else:
            choices = [word for word in kind.split("|") if word.islower() or word.isdigit()]
        return [choice for choice in choices if choice.startswith(text)]

    # -- the other commands

    def do_help(self, arg):
        if arg in self.faults():
            print(f"{arg} {self.faults()[arg][1]}: {self.faults()[arg][2]}")
            return
        if arg:
            super().do_help(arg)
            return
        print("faults:")
        for name, (_, usage, text) in self.faults().items():
            print(f"  {name + ' ' + usage:<40} {text}")
        print("more:")
        for usage, text in (
            ("map", "what is where"),
            ("status", "links and traffic (or just press return)"),
            ("flow MODE [OPTION...]", f"traffic from the LAN; {' '.join(MODES)}; --role rtr"),
            ("watch [SECONDS]", "a live line a second"),
            ("stop", "end the traffic and sum it up"),
            ("shell ROLE [COMMAND]", f"{' '.join(self.lab.roles())}"),
            ("emu COMMAND", "to the link emulator"),
            ("quit", "remove the lab"),
        ):
            print(f"  {usage:<40} {text}")

    def do_map(self, _):
        """map: what is where"""
        print(self.lab.map())

    def do_status(self, _):
        """status: links and traffic"""
        shown, stats = self.lab.show(), self.lab.stats()
        for name in self.lab.links:
            info = self.lab.link_info(name)
            state = "unplugged" if not info["plugged"] else "up" if info["carrier"] else "no carrier"
            extras = [word for word in ("portal",) if info[word]]
            extras += ["playing a trace"] if shown[name]["playing"] else []
            print(f"{name}  {state}  {info['address']} via {info['gateway']}  {' '.join(extras)}")
            for direction in ("up", "down"):
                counters = stats[name][direction]
                print(
                    f"      {direction:<4} {shown[name][direction]}  "
                    f"({counters['frames']} frames, {counters['dropped']} dropped)"
                )
        for watch in self.watches:
            print(watch.line())

    def do_flow(self, words):
        """flow MODE [OPTION...]: traffic from the LAN; labflow's options, and --role rtr"""
        words = shlex.split(words)
        if not words or words[0] not in MODES:
            raise LabError(f"flow needs one of {' '.join(MODES)}")
        self.watches.append(Watch(self.lab, words))

    def complete_flow(self, text, line, begin, end):
        return [mode for mode in MODES if mode.startswith(text)]

    def do_watch(self, words):
        """watch [SECONDS]: a live line a second, until interrupted"""
        end = time.monotonic() + float(words or 1e9)
        try:
            while self.watches and time.monotonic() < end:
                time.sleep(1)
                for watch in self.watches:
                    print(watch.line(), flush=True)
        except KeyboardInterrupt:
            print()

    def do_stop(self, _):
        """stop: end the traffic and sum it up"""
        for watch in self.watches:
            summary = watch.stop()
            print(f"{' '.join(watch.words)}: {describe(summary) if summary else 'failed'}")
        self.watches.clear()

    def do_shell(self, words):
        """shell ROLE [COMMAND]: a shell, or one command, in a namespace"""
        role, *command = shlex.split(words) or ["rtr"]
        env = {**os.environ, "PS1": f"{role}# "}
        self.lab.run(role, command or ["bash", "--norc"], env=env)

    def complete_shell(self, text, line, begin, end):
        return [role for role in self.lab.roles() if role.startswith(text)]

    def do_emu(self, words):
        """emu COMMAND: to the link emulator; try emu help"""
        print(self.lab.emu(words))

    def do_quit(self, _):
        """quit: remove the lab"""
        return True


def main():
    parser = argparse.ArgumentParser(description="An Internet, providers, a router and a LAN to try failover in.")
    parser.add_argument("--links", type=int, default=3, help="number of uplinks (3)")
    parser.add_argument("--delay-ms", type=float, default=20, help="one-way delay of each link (20)")
    parser.add_argument("--build", help="build folder of the project: its programs, also for the shells")
    parser.add_argument("--no-ipv6", action="store_true", help="IPv4 only")
    parser.add_argument("--netifd", action="store_true", help="addresses go with the carrier, as on OpenWrt")
    arguments = parser.parse_args()
    if arguments.build:
        os.environ["PATH"] = f"{os.path.abspath(arguments.build)}:{os.environ['PATH']}"
        os.environ.setdefault("AUTONOMY_LAB_PROGRAMS", os.path.abspath(arguments.build) + "/tests/lab")
    sweep()
    try:
        with Lab(arguments.links, arguments.delay_ms, ipv6=not arguments.no_ipv6, netifd=arguments.netifd) as lab:
            print(lab.map())
            print(f"\nnamespaces {lab.prefix}-*; help lists the commands")
            console = Console(lab)
            while True:
                try:
                    console.cmdloop()
                    break
                except KeyboardInterrupt:
                    print()
            console.do_stop("")
    except LabError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
