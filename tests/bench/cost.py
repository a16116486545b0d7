#!/usr/bin/env python3
"""What autonomyd costs, measured in the lab against the budgets of the design.

    cost.py [--build DIR] [--links 4,8] [--seconds 60] [--sut autonomy|netifd_autonomy] [--json FILE]

Per number of links, after the daemon has settled: idle (nobody uses the line, all standby links are
metered), then busy (100 packets/s of fresh flows and 50 Mbit/s of download).  CPU is the process's
run time, wake-ups are its voluntary context switches.  Probe bytes are what the providers of the idle
standby links forwarded, both ways, as they would meter it; the mean of those links.  They are probed so
rarely that this wants --seconds 600 or more.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

import adapter  # noqa: E402
import bench  # noqa: E402
import stats  # noqa: E402

MONTH_S = 30 * 86400
API_CALLS = 500
SYSTEMS = ("autonomy", "netifd_autonomy")
SETTLE_S = 20  # what is examined at the start is over

# what: (limit, unit); the first four lines are for 8 links, the others for 4, as the design has it
BUDGET = {
    ("rss_kb", 8): (4096, "kB"),
    ("cpu_idle_pct", 4): (0.5, "%"),
    ("probe_bytes_month", 4): (5e6, "bytes / 30 days"),
    ("api_p99_ms", 4): (5, "ms"),
    ("stripped_bytes", 0): (400_000, "bytes"),
}
METER = """
table inet bench_meter {
	counter carried { }
	chain forward {
		type filter hook forward priority 10
		counter name carried
	}
}
"""
METERED = """
config defaults 'defaults'
	option metered '1'

config link 'wan1'
	option metered '0'
"""


class Process:
    """What the kernel knows of a process."""

    def __init__(self, pid):
        self._proc = Path(f"/proc/{pid}")

    def run_us(self):
        return sum(int((task / "schedstat").read_text().split()[0]) for task in self._proc.glob("task/*")) // 1000

    def memory_kb(self):
        found = {}
        for line in (self._proc / "smaps_rollup").read_text().splitlines()[1:]:
            key, value = line.split(":")
            found[key] = int(value.split()[0])
        return found["Rss"], found["Pss"], found["Private_Clean"] + found["Private_Dirty"]

    def wakeups(self):
        total = 0
        for task in self._proc.glob("task/*"):
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
        return total


def metered_bytes(lab):
    """{link: bytes its provider has forwarded since the meters were set}"""
    found = {}
    for link in lab.links:
        done = lab.run(lab.link_info(link)["isp"], ["nft", "-j", "list", "counter", "inet", "bench_meter", "carried"],
                       capture_output=True, text=True, check=True)
        found[link] = next(row["counter"]["bytes"] for row in json.loads(done.stdout)["nftables"] if "counter" in row)
    return found


def watch(process, lab, seconds):
    """(CPU %, wake-ups/s, bytes/s per link) over so many seconds."""
    begun, run, woken, carried = time.monotonic(), process.run_us(), process.wakeups(), metered_bytes(lab)
    time.sleep(seconds)
    spent = time.monotonic() - begun
    rates = {link: (now - carried[link]) / spent for link, now in metered_bytes(lab).items()}
    return (process.run_us() - run) / spent / 1e4, (process.wakeups() - woken) / spent, rates


def api_ms(path, method, calls):
    """The times of so many calls over one connection."""
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode() + b"\n"
    times = []
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        answers = sock.makefile("rb")
        for _ in range(calls):
            begun = time.monotonic_ns()
            sock.sendall(request)
            answers.readline()
            times.append((time.monotonic_ns() - begun) / 1e6)
            time.sleep(0.002)
    return times


def stripped_bytes(program):
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "stripped"
        shutil.copy(program, copy)
        subprocess.run(["strip", str(copy)], check=True)
        return copy.stat().st_size


def measure(links, seconds, autonomy):
    """The figures for a router with so many links."""
    figures = {}
    with bench.make_lab(links) as lab:
        bench.prepare_lab(lab)
        for link in lab.links:
            lab.run(lab.link_info(link)["isp"], ["nft", "-f", "-"], input=METER, text=True, check=True)
        system = autonomy(lab)
        system.extra = METERED
        try:
            system.start()
            system.wait(system.settled, 20, "settled")
            process = Process(system.daemon.pid)
            time.sleep(SETTLE_S)
            figures["cpu_idle_pct"], figures["wakeups_idle"], rates = watch(process, lab, seconds)
            standby = [rates[link] for link in lab.links[1:]]
            figures["probe_active_bytes_s"] = rates[lab.links[0]]
            figures["probe_bytes_s"] = sum(standby) / len(standby)
            figures["probe_bytes_s_max"] = max(standby)
            figures["probe_bytes_month"] = figures["probe_bytes_s"] * MONTH_S
            figures["switches_idle"] = sum(c["switches"] for c in system.ctl("status")["classes"])
            for method in ("status", "explain"):
                times = api_ms(system.run_dir / "autonomy.sock", method, API_CALLS)
                figures["api_p99_ms"] = max(figures.get("api_p99_ms", 0), stats.percentile(times, 99))
            flows = [lab.flow("udp", fresh=True, period_ms=10), lab.flow("bulk", down=True, rate_mbit=50)]
            time.sleep(2)
            figures["cpu_busy_pct"], figures["wakeups_busy"], _ = watch(process, lab, seconds)
            for flow in flows:
                flow.stop()
            figures["rss_kb"], figures["pss_kb"], figures["private_kb"] = process.memory_kb()
        finally:
            system.stop()
            system.forget()
    return figures


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", metavar="DIR", help="where autonomyd was built")
    p.add_argument("--links", default="4,8")
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--sut", default="autonomy", choices=SYSTEMS, help="alone, or connected to ubusd and netifd")
    p.add_argument("--json", metavar="FILE")
    args = p.parse_args()
    if args.build:
        os.environ["AUTONOMY_BUILD"] = os.path.abspath(args.build)
    adapters = adapter.find()
    autonomy = adapters[args.sut]
    if autonomy.missing():
        sys.exit(f"cost: missing: {', '.join(autonomy.missing())}; {autonomy.how_to_get()}")
    found = {0: {"stripped_bytes": stripped_bytes(adapters["autonomy"].missing.__globals__["program"]("autonomyd"))}}
    for links in map(int, args.links.split(",")):
        print(f"measuring with {links} links for {2 * args.seconds + SETTLE_S:.0f} s", file=sys.stderr, flush=True)
        found[links] = measure(links, args.seconds, autonomy)
    missed = 0
    for links, figures in found.items():
        for name, value in figures.items():
            limit, unit = BUDGET.get((name, links), (None, ""))
            verdict = "" if limit is None else f"budget {limit:g} {unit}  x{value / limit:.2f} {'ok' if value <= limit else 'MISSED'}"
            missed += verdict.endswith("MISSED")
            print(f"{links or '':>2} {name:22} {value:12.3f}  {verdict}".rstrip())
    if args.json:
        Path(args.json).write_text(json.dumps({"facts": bench.facts(args), "links": found}, indent=1) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
