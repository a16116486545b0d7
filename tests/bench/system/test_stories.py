#!/usr/bin/env python3
"""The important fault stories as plain tests: autonomy alone, once each, with twice the budgets of
the bench, so that a busy machine does not fail them.  Needs root, else it is skipped (77).

    AUTONOMY_BUILD=build python3 tests/bench/system/test_stories.py [-v] [Stories.test_blackhole]
"""
import os
import random
import subprocess
import sys
import time
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BENCH), str(BENCH.parent / "lab")]

import adapter  # noqa: E402
import bench  # noqa: E402
import report  # noqa: E402
import story as stories  # noqa: E402
from router import Router  # noqa: E402
from trial import Observer, Skip, Trial  # noqa: E402

GENEROUS = 2
TRIES = 3
STEADY_S = 10


class Stories(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = bench.make_lab().start()
        cls.addClassCleanup(cls.lab.stop)
        bench.prepare_lab(cls.lab)
        cls.untouched = Router(cls.lab).state()
        cls.observer = Observer(cls.lab)
        cls.addClassCleanup(cls.observer.stop)
        cls.known = stories.find()
        cls.rng = random.Random(1)
        cls.bench = bench.Bench({}, {}, bench.parse_arguments([]))
        cls.system = None
        cls.addClassCleanup(cls.end)

    @classmethod
    def end(cls):
        if cls.system:
            cls.system.stop()
            cls.system.forget()
            cls.system = None

    def start(self, profile="default"):
        """A daemon that is settled on the preferred link; the running one where it will do."""
        if self.system and self.system.profile != profile:
            self.end()
        if not self.system:
            type(self).system = adapter.find()["autonomy"](self.lab)
            self.system.profile = profile
            self.system.start()
        bench.heal(self.lab)
        self.bench.settle(self.lab, self.observer, self.system)

    def play(self, name):
        """Runs a story once, again if the daemon was not where it should be, and judges it."""
        story, _ = self.known[name]
        for attempt in range(TRIES):
            if story.from_start:
                self.end()
                bench.heal(self.lab)
                type(self).system = adapter.find()["autonomy"](self.lab)
                self.system.profile = story.profile
            else:
                self.start(story.profile)
            try:
                outcome = Trial(self.lab, self.system, self.observer, story, attempt, self.rng).run()
                break
            except Skip as why:
                print(f"{name}: again: {why} {why.unprovoked or ''}", flush=True)
        else:
            self.fail(f"{name}: could not be measured in {TRIES} attempts")
        budget = {key: limit * GENEROUS for key, limit in story.budget.items()}
        verdict = report.judge(stories.with_budget(story, budget), [outcome])
        print(f"{name}: {bench.brief(outcome)}", flush=True)
        self.assertTrue(verdict["ok"], f"{verdict['why']}\nfigures: {outcome['figures']}\n"
                        f"account: {outcome['account']}\nlog: {self.system.log_tail()}")

    def test_blackhole(self):
        self.play("blackhole")

    def test_blackhole_idle(self):
        self.play("blackhole_idle")

    def test_carrier(self):
        self.play("carrier")

    def test_oneway_up(self):
        self.play("oneway_up")

    def test_oneway_down(self):
        self.play("oneway_down")

    def test_brownout(self):
        self.play("brownout_30")

    def test_ipv6_only(self):
        self.play("ipv6_only")

    def test_ipv4_only(self):
        self.play("ipv4_only")

    def test_portal(self):
        self.play("portal")

    def test_standby_fails(self):
        self.play("standby_fails")

    def test_target_dead(self):
        self.play("target_dead")

    def test_icmp_ratelimit(self):
        self.play("icmp_ratelimit")

    def test_all_fail(self):
        self.play("all_fail")

    def test_kill(self):
        self.play("kill")

    def test_reload(self):
        self.play("reload")

    def test_release_leaves_nothing_behind(self):
        self.start()
        self.assertTrue(Router(self.lab).added(self.untouched), "a running daemon has rules and routes")
        self.end()
        self.assertEqual(Router(self.lab).added(self.untouched), [])

    def test_no_process_is_spawned_in_steady_state(self):
        """Also not while it switches: what it does is netlink and sockets."""
        self.start()
        trace = self.system.dir / "strace"
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=execve,execveat,clone,clone3,fork,vfork",
                                   "-o", trace, "-p", str(self.system.daemon.pid)])
        self.addCleanup(end_process, tracer)
        self.system.wait(lambda: traced(self.system.daemon.pid), 5, "being traced")
        flow = self.lab.flow("udp", fresh=True, period_ms=10)
        time.sleep(STEADY_S)
        self.lab.blackhole(self.lab.links[0])
        self.assertTrue(self.observer.wait(lambda: self.observer.device() != self.lab.links[0], 5))
        time.sleep(0.5)
        end_process(tracer)
        flow.stop()
        self.assertEqual(trace.read_text(), "")


def traced(pid):
    return "\nTracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


def end_process(process):
    if process.poll() is None:
        process.terminate()
        process.wait()


def main():
    if os.geteuid() != 0:
        print("needs root for network namespaces: skipped")
        return 77
    if adapter.find()["autonomy"].missing():
        print("autonomyd is not built: skipped (set AUTONOMY_BUILD)")
        return 77
    unittest.main(verbosity=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
