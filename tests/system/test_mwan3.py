#!/usr/bin/env python3
"""autonomyd beside mwan3 in the lab: what becomes of its policies when a link dies, and what mwan3
does meanwhile.  Needs root, else it is skipped (77).

usage: test_mwan3.py BUILD [test ...]
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

from lab import Lab  # noqa: E402
from mwan3_standin import Mwan3  # noqa: E402

SKIP = 77
PATIENCE_S = 20
BUILD = Path()
SERVER, ONLY, THIRD = "192.0.2.1", "1.0.0.1", "8.8.4.4"
INTERFACES = {"first": "wan1", "second": "wan2", "third": "wan3"}
MEMBERS = {"first_m1": ("first", 1, 1), "second_m2": ("second", 2, 1), "third_m3": ("third", 3, 1),
           "third_m1": ("third", 1, 1), "second_m1": ("second", 1, 1)}
SIMPLE = {"policies": {"all": ["first_m1", "second_m2", "third_m3"]}, "rules": [("all", {"dest_ip": "0.0.0.0/0"})]}
SEVERAL = {
    "policies": {"only": ["first_m1"], "skip": ["first_m1", "third_m3"], "all": ["first_m1", "second_m2"]},
    "rules": [("only", {"dest_ip": ONLY}), ("skip", {"dest_ip": THIRD, "proto": "udp", "dest_port": "7,9"}),
              ("all", {"dest_ip": "0.0.0.0/0"})]}
OTHER = {
    "policies": {"side": ["third_m1", "second_m2"], "all": ["first_m1", "second_m2"]},
    "rules": [("side", {"dest_ip": THIRD}), ("all", {"dest_ip": "0.0.0.0/0"})]}
BALANCED = {"policies": {"both": ["first_m1", "second_m1"]}, "rules": [("both", {})]}
STICKY = {"policies": {"both": ["first_m1", "second_m1"]},
          "rules": [("both", {"proto": "udp", "dest_port": "7", "sticky": 1, "timeout": 600}), ("both", {})]}


class Beside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(n_links=3, delay_ms=20).start()
        cls.addClassCleanup(cls.lab.stop)

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="mwan3-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.daemon = self.mwan3 = None
        self.addCleanup(self.end)
        self.before = self.kernel()

    def end(self):
        if self.daemon:
            self.stop()
            self.router(BUILD / "autonomyd", "--config", self.directory / "config", "--run-dir", self.directory / "run",
                        "--release")
        if self.mwan3 and self.mwan3.up:
            self.mwan3.stop()
        for link in self.lab.links:
            self.lab.clear(link)

    def router(self, *words):
        return self.lab.run("rtr", list(map(str, words)), capture_output=True, text=True).stdout

    def rules(self, family=4):
        return [line.split(":\t") for line in self.router("ip", f"-{family}", "rule").splitlines()]

    def redirects(self):
        """{what of: table} of the rules that send mwan3's marks elsewhere."""
        found = {}
        for pref, text in self.rules():
            words = text.split()
            if 810 < int(pref) < 900:
                found[words[words.index("fwmark") + 1]] = words[words.index("lookup") + 1]
        return found

    def kernel(self):
        """All that could be left behind."""
        routes = [r for r in self.router("ip", "route", "show", "table", "all").splitlines()
                  if " table local " not in f" {r} "]
        chains = [c for c in self.router("iptables", "-t", "mangle", "-S").splitlines() if "mwan3" not in c]
        return {"rules": self.rules() + self.rules(6), "routes": sorted(routes), "chains": chains,
                "nexthops": self.router("ip", "nexthop"),
                "tables": [t for t in self.router("nft", "list", "tables").splitlines() if "mangle" not in t]}

    def begin(self, setup, mode="auto", running=True, firewall="auto"):
        self.mwan3 = Mwan3(self.lab.ns("rtr"), self.directory, INTERFACES, MEMBERS, setup["policies"], setup["rules"],
                           ["192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"])
        if running:
            self.mwan3.start()
        (self.directory / "config").write_text(
            f"config autonomy 'main'\n\toption log_syslog '0'\n\toption mode '{mode}'\n"
            f"config defaults 'defaults'\n\toption hold '1s'\n\toption hold_max '1s'\n"
            f"config steer 'steer'\n\toption firewall '{firewall}'\n\toption mwan3_config '{self.mwan3.config}'\n")
        (self.directory / "run").mkdir(exist_ok=True)
        (self.directory / "state").mkdir(exist_ok=True)
        self.run_daemon()
        self.settle()

    def run_daemon(self):
        with open(self.directory / "log", "ab") as log:
            self.daemon = self.lab.popen("rtr", list(map(str, [
                BUILD / "autonomyd", "--config", self.directory / "config", "--run-dir", self.directory / "run",
                "--state-dir", self.directory / "state", "--foreground"])), stdout=log, stderr=log)

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait()
        self.daemon = None

    def ctl(self, *words):
        done = subprocess.run([BUILD / "autonomyctl", "--socket", self.directory / "run" / "autonomy.sock", *words,
                               "--json"], capture_output=True, text=True, timeout=10, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {}

    def until(self, condition, what, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                log = (self.directory / "log").read_text()[-3000:]
                self.fail(f"{what} did not happen\n{self.router('ip', 'rule')}\n{log}")
            time.sleep(0.05)

    def settle(self):
        self.until(lambda: all(p["health"] == "up" for link in self.ctl("status").get("links", [{"paths": [{"health": ""}]}])
                               for p in link["paths"]), "all links up")

    def fresh(self, to=SERVER, mode="udp"):
        """The link that new flows leave by, or None when they are not answered."""
        flow = self.lab.flow(mode, to=to, period_ms=20, fresh=mode == "udp")
        time.sleep(0.4)
        flow.stop()
        answered = [s for s in flow.samples() if s.get("answered_us")]
        return self.lab.link_of(answered[-1]["via"]) if answered else None

    def until_fresh(self, link, to=SERVER):
        self.until(lambda: self.fresh(to) == link, f"new flows to {to} over {link}")

    def text(self):
        return " ".join(self.ctl("status").get("steering", []))

    # The tests.

    def test_failover_and_failback(self):
        self.begin(SIMPLE)
        self.assertEqual(self.fresh(), "wan1")
        self.assertEqual(self.redirects(), {})
        self.assertIn("running and steered", self.text())
        flow = self.lab.flow("udp", period_ms=10).until_answered()
        self.lab.blackhole("wan1")
        self.until(lambda: self.redirects() == {"0x100/0x3f00": "2"}, "a rule to the second")
        self.until_fresh("wan2")
        self.assertIn("'first' goes to 'second'", self.text())
        self.assertIn("'first' goes to 'second'", json.dumps(self.ctl("explain")))
        self.lab.blackhole("wan2")
        self.until(lambda: self.redirects().get("0x100/0x3f00") == "3", "a rule to the third")
        self.until_fresh("wan3")
        self.lab.blackhole("wan1", on=False)
        self.lab.blackhole("wan2", on=False)
        self.until(lambda: self.redirects() == {}, "no rule any more", 60)
        self.until_fresh("wan1")
        flow.stop()
        vias = [self.lab.link_of(s["via"]) for s in flow.samples() if s.get("answered_us")]
        # moved twice by force; back it was not moved, for it is well where it is
        self.assertEqual([v for i, v in enumerate(vias) if i == 0 or v != vias[i - 1]], ["wan1", "wan2", "wan3"])

    def test_policies_keep_their_meaning(self):
        self.begin(SEVERAL)
        self.check_policies()

    def test_policies_keep_their_meaning_with_iptables(self):
        self.begin(SEVERAL, firewall="iptables")
        self.check_policies()

    def check_policies(self):
        for to in (SERVER, ONLY, THIRD):
            self.assertEqual(self.fresh(to), "wan1")
        self.lab.blackhole("wan1")
        self.until(lambda: len(self.redirects()) == 2, "rules for two policies")
        self.until_fresh("wan2")
        self.until_fresh("wan3", THIRD)
        self.assertIsNone(self.fresh(ONLY))
        # the third rule takes what the second's ports leave
        self.assertEqual(self.fresh(THIRD, "tcp"), "wan2")

    def test_dead_link_of_another_policy(self):
        self.begin(OTHER)
        self.assertEqual(self.fresh(THIRD), "wan3")
        # what is under the other policy is asked for no less
        flow = self.lab.flow("udp", to=THIRD, period_ms=10).until_answered()
        self.lab.blackhole("wan3")
        self.until(lambda: self.redirects() == {"0x300/0x3f00": "2"}, "a rule to the second", 60)
        self.until_fresh("wan2", THIRD)
        self.assertEqual(self.fresh(), "wan1")
        flow.stop()
        self.assertEqual(self.lab.link_of([s for s in flow.samples() if s.get("answered_us")][-1]["via"]), "wan2")
        self.lab.blackhole("wan3", on=False)
        self.until(lambda: self.redirects() == {}, "no rule any more", 60)

    def test_balanced_policy(self):
        self.begin(BALANCED)
        self.lab.blackhole("wan2")
        self.until(lambda: self.redirects() == {"0x200/0x3f00": "1"}, "a rule to the first")
        for _ in range(3):
            self.assertEqual(self.fresh(), "wan1")

    def fresh_links(self):
        """The links that 20 new flows leave by; None is among them when one was not answered."""
        # a port may come again, and its flow of a moment ago be on another link
        self.router("conntrack", "-D", "-p", "udp", "--orig-src", self.lab.client_addr)
        flow = self.lab.flow("udp", period_ms=20, fresh=True)
        time.sleep(0.8)
        flow.stop()
        return {self.lab.link_of(s["via"]) if s.get("answered_us") else None for s in flow.samples()[:20]}

    def test_sticky_rule(self):
        self.begin(STICKY)
        member, = self.fresh_links()
        for _ in range(3):
            self.assertEqual(self.fresh_links(), {member})
        other = {"wan1": "wan2", "wan2": "wan1"}[member]
        name = {"wan1": "first", "wan2": "second"}[member]
        flow = self.lab.flow("udp", period_ms=10).until_answered()
        self.lab.blackhole(member)
        self.until(self.redirects, "a rule to the other")
        self.until_fresh(other)
        self.assertEqual(self.fresh_links(), {other})
        # its tracker finds it too, and its chain goes on giving the source the dead member's mark
        self.mwan3.set_state(name, False)
        self.assertEqual(self.fresh_links(), {other})
        self.lab.blackhole(member, on=False)
        time.sleep(1)
        self.mwan3.set_state(name, True)
        self.until(lambda: not self.redirects(), "no rule any more", 60)
        # the established flow stays, new ones are back with the link that mwan3 has remembered
        time.sleep(0.5)
        flow.stop()
        self.assertEqual(self.lab.link_of([s for s in flow.samples() if s.get("answered_us")][-1]["via"]), other)
        self.assertEqual(self.fresh_links(), {member})

    def test_mwan3s_own_events(self):
        self.begin(SIMPLE)
        self.lab.blackhole("wan1")
        self.until(lambda: self.redirects() == {"0x100/0x3f00": "2"}, "a rule to the second")
        for event in (lambda: self.mwan3.set_state("second", True), lambda: self.mwan3.set_state("third", False),
                      lambda: self.mwan3.set_state("first", False), lambda: self.mwan3.set_state("first", True),
                      lambda: self.mwan3.ifup("first"), lambda: self.mwan3.ifup("second")):
            event()
            self.assertEqual(self.fresh(), "wan2")
        # a member that mwan3 has taken down is none
        self.mwan3.ifdown("second")
        self.until(lambda: self.redirects() == {"0x100/0x3f00": "3"}, "a rule to the third")
        self.until_fresh("wan3")

    def test_somebody_removes_our_rule(self):
        self.begin(SIMPLE)
        self.lab.blackhole("wan1")
        self.until(lambda: self.redirects() == {"0x100/0x3f00": "2"}, "a rule to the second")
        self.router("ip", "rule", "del", "pref", 811)
        self.until(lambda: self.redirects() == {"0x100/0x3f00": "2"}, "the rule put back", 5)

    def test_mwan3_goes_and_comes(self):
        self.begin(SIMPLE)
        self.lab.blackhole("wan1")
        self.until_fresh("wan2")
        self.mwan3.restart()
        self.until(lambda: self.redirects() == {"0x100/0x3f00": "2"}, "mwan3's marks after its restart")
        self.until_fresh("wan2")
        self.mwan3.stop()
        # at once, by what takes packets without a mark; the rest of the change-over can wait
        self.assertEqual(self.fresh(), "wan2")
        self.until(lambda: self.redirects() == {}, "no rules for marks that nobody gives", 5)
        self.until(lambda: any(int(p) == 32604 for p, _ in self.rules()), "our own tables", 60)
        self.until(lambda: not any(int(p) < 1000 and "proto 74" in t for p, t in self.rules()), "the others gone")
        self.until_fresh("wan2")
        self.mwan3.start()
        self.until(lambda: self.redirects() == {"0x100/0x3f00": "2"}, "mwan3's marks again")
        self.until(lambda: not any(int(p) > 32400 and "proto 74" in t for p, t in self.rules()), "own rules gone")
        self.until_fresh("wan2")

    def test_configuration_of_mwan3_changes(self):
        self.begin(SIMPLE)
        self.lab.blackhole("wan1")
        self.until_fresh("wan2")
        self.mwan3.stop()
        self.mwan3.policies["all"] = ["first_m1", "third_m3"]
        self.mwan3.write_config()
        self.mwan3.start()
        self.until(lambda: self.redirects() == {"0x100/0x3f00": "3"}, "the other policy's member")
        self.until_fresh("wan3")

    def test_killed_and_started_again(self):
        self.begin(SIMPLE)
        self.lab.blackhole("wan1")
        self.until_fresh("wan2")
        flow = self.lab.flow("udp", period_ms=10, fresh=True).until_answered()
        self.daemon.kill()
        self.daemon.wait()
        time.sleep(0.5)
        self.run_daemon()
        time.sleep(4)
        self.assertEqual(self.redirects(), {"0x100/0x3f00": "2"})
        flow.stop()
        self.assertEqual([s for s in flow.samples()[:-20] if not s.get("answered_us")], [])

    def test_release_leaves_nothing(self):
        self.begin(SEVERAL)
        self.lab.blackhole("wan1")
        self.until(lambda: len(self.redirects()) == 2, "rules for two policies")
        self.ctl("release")
        self.until(lambda: not any("proto 74" in t for _, t in self.rules() + self.rules(6)), "nothing of ours")
        self.mwan3.stop()
        after = self.kernel()
        for kind, was in self.before.items():
            self.assertEqual(after[kind], was, kind)

    def test_what_mwan3_leaves_alone(self):
        self.begin(SIMPLE)
        for family in (4, 6):
            self.until(lambda: [t.split()[3] for p, t in self.rules(family) if int(p) == 804] == ["0/0x3f00"],
                       "a rule for what has no mark")
        flow = self.lab.flow("udp", to=self.lab.echo6_addr, period_ms=10).until_answered()
        self.lab.blackhole("wan1")
        self.until(lambda: self.lab.link_of([s for s in flow.samples() if s.get("answered_us")][-1]["via"]) == "wan2",
                   "IPv6 over the second")
        flow.stop()

    def test_modes(self):
        self.begin(SIMPLE, mode="kernel")
        self.assertTrue(any(int(p) == 32604 for p, _ in self.rules()))
        self.assertIn("not steered", self.text())
        config = self.directory / "config"
        config.write_text(config.read_text().replace("'kernel'", "'mwan3'"))
        self.daemon.send_signal(1)
        self.until(lambda: "and steered" in self.text(), "mode mwan3")
        self.until(lambda: not any(int(p) == 32604 for p, _ in self.rules()), "own tables gone")
        config.write_text(config.read_text().replace("'mwan3'", "'observe'"))
        self.daemon.send_signal(1)
        self.until(lambda: "not steered" in self.text(), "mode observe")
        self.lab.blackhole("wan1")
        time.sleep(2)
        self.assertEqual(self.redirects(), {})

    def test_started_before_mwan3(self):
        self.begin(SIMPLE, running=False)
        self.assertTrue(any(int(p) == 32604 for p, _ in self.rules()))
        self.mwan3.start()
        self.until(lambda: "and steered" in self.text(), "mwan3 is steered")
        self.lab.blackhole("wan1")
        self.until(lambda: self.redirects() == {"0x100/0x3f00": "2"}, "a rule to the second")
        self.until_fresh("wan2")


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("iptables-restore"):
        print("needs root and iptables")
        sys.exit(SKIP)
    BUILD = Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
