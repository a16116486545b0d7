#!/usr/bin/env python3
"""Probes through real kernels: a router with two uplinks to one far end.

  far 10.9.9.9 fd00:9::9
   |            |
  isp0         isp1        forward; cut by a ruleset that drops what they forward
   |            |
  wan0         wan1        10.0.0.2 via .1, 10.0.1.2 via .1, both default routes in main
   +--- box ----+          probes_console

usage: test_probes.py PROBES_CONSOLE [test ...]
"""

import os
import select
import subprocess
import sys
import time
import unittest

CONSOLE = ""
SKIP = 77
HERE = os.path.dirname(os.path.abspath(__file__))
PREFIX = "aprobe%d" % os.getpid()
BOX, ISP0, ISP1, FAR = (PREFIX + name for name in ("box", "isp0", "isp1", "far"))


def run(*words, check=True):
    return subprocess.run(words, check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def inside(namespace, line, check=True):
    return run("ip", "netns", "exec", namespace, *line.split(), check=check)


def ruleset(namespace, text):
    subprocess.run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], input=text, text=True, check=True)


def build():
    for namespace in (BOX, ISP0, ISP1, FAR):
        run("ip", "netns", "add", namespace)
        inside(namespace, "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0")
        inside(namespace, "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0")
        inside(namespace, "ip link set lo up")
    for n, isp in enumerate((ISP0, ISP1)):
        inside(BOX, f"ip link add wan{n} type veth peer name lan netns {isp}")
        inside(isp, f"ip link add core type veth peer name isp{n} netns {FAR}")
        inside(isp, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        # errors are what the tests are about
        inside(isp, "sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0")
        for namespace, device in ((BOX, f"wan{n}"), (isp, "lan"), (isp, "core"), (FAR, f"isp{n}")):
            inside(namespace, f"ip link set {device} up")
        inside(BOX, f"ip addr add 10.0.{n}.2/24 dev wan{n}")
        inside(BOX, f"ip addr add fd00:{n}::2/64 dev wan{n}")
        inside(isp, f"ip addr add 10.0.{n}.1/24 dev lan")
        inside(isp, f"ip addr add fd00:{n}::1/64 dev lan")
        inside(isp, "ip addr add fe80::1/64 dev lan")
        inside(isp, f"ip addr add 10.8.{n}.1/24 dev core")
        inside(isp, f"ip addr add fd00:8{n}::1/64 dev core")
        inside(FAR, f"ip addr add 10.8.{n}.2/24 dev isp{n}")
        inside(FAR, f"ip addr add fd00:8{n}::2/64 dev isp{n}")
        inside(isp, f"ip route add 10.9.9.0/24 via 10.8.{n}.2")
        inside(isp, f"ip route add fd00:9::/64 via fd00:8{n}::2")
        inside(FAR, f"ip route add 10.0.{n}.0/24 via 10.8.{n}.1")
        inside(FAR, f"ip route add fd00:{n}::/64 via fd00:8{n}::1")
        inside(BOX, f"ip route add default via 10.0.{n}.1 dev wan{n} metric {n + 1}")
        inside(BOX, f"ip -6 route add default via fe80::1 dev wan{n} metric {n + 1}")
    for n in [9] + list(range(20, 40)):
        inside(FAR, f"ip addr add 10.9.9.{n}/32 dev lo")
    inside(FAR, "ip addr add fd00:9::9/128 dev lo")
    ruleset(FAR, """table inet lies { chain output { type filter hook output priority 0;
        ip saddr 10.9.9.20-10.9.9.29 icmp type echo-reply meta mark != 7 drop; }; }""")


def remove():
    for namespace in (BOX, ISP0, ISP1, FAR):
        run("ip", "netns", "del", namespace, check=False)


def cut(namespace):
    ruleset(namespace, "table inet cut { chain forward { type filter hook forward priority 0; policy drop; }; }")


def reject(namespace, address):
    """Says unreachable; an unreachable route would do so for the first few packets a second only."""
    ip = "ip6" if ":" in address else "ip"
    ruleset(namespace, f"""add table inet cut; add chain inet cut forward {{ type filter hook forward priority 0; }};
        add rule inet cut forward {ip} daddr {address} reject with icmpx type host-unreachable""")


def mend(namespace):
    inside(namespace, "nft delete table inet cut", check=False)


class Sample:
    def __init__(self, line):
        words = line.split()
        self.probe, self.path, self.outcome = int(words[1]), int(words[2]), words[3]
        self.detail, self.rtt_us, self.error = int(words[4]), int(words[5]), int(words[6])

    def __repr__(self):
        return f"probe {self.probe} path {self.path} {self.outcome} {self.detail} {self.rtt_us} us errno {self.error}"


class Console:
    """A running probes_console with both links' paths set: 0 and 2 are IPv4, 1 and 3 are IPv6."""

    def __init__(self, prefix=()):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", BOX, *prefix, CONSOLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.buffer = b""
        self.next_probe = 1
        self.set_paths()

    def set_paths(self, mtu=1500):
        for n in (0, 1):
            self.say(f"path {2 * n} wan{n} 10.0.{n}.2 10.0.{n}.1 {mtu}")
            self.say(f"path {2 * n + 1} wan{n} fd00:{n}::2 fe80::1 {mtu}")

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def line(self, timeout=6):
        end = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise EOFError("the console is gone")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def send(self, path, method, target, *more):
        probe = self.next_probe
        self.next_probe += 1
        self.say(" ".join(map(str, ["send", probe, path, method, target, *more])))
        return probe

    def sample(self, timeout=6):
        line = self.line(timeout)
        return Sample(line) if line else None

    def ask(self, path, method, target, *more):
        probe = self.send(path, method, target, *more)
        sample = self.sample()
        if not sample or sample.probe != probe:
            raise AssertionError(f"asked {probe}, got {sample}")
        return sample

    def stats(self):
        self.say("stats")
        words = self.line().split()
        return {words[i]: int(words[i + 1]) for i in range(1, len(words), 2)}

    def series(self, count, interval_us, path, method, target, *more):
        self.say(" ".join(map(str, ["series", count, interval_us, path, method, target, *more])))
        words = self.line(timeout=60).split()
        return {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(5)


FAR4, FAR6 = "10.9.9.9", "fd00:9::9"
METHODS = [("icmp",), ("tcp", 443), ("dns",), ("http", 80), ("big", 0, 1500)]


def target_of(path):
    return FAR6 if path % 2 else FAR4


class Probes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build()
        cls.world = subprocess.Popen(
            ["ip", "netns", "exec", FAR, sys.executable, HERE + "/probes_world.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert cls.world.stdout.readline() == b"ready\n"

    @classmethod
    def tearDownClass(cls):
        cls.world.stdin.close()
        cls.world.wait(5)
        cls.world.stdout.close()
        remove()

    def setUp(self):
        self.console = Console()

    def tearDown(self):
        self.assertEqual(self.console.close(), 0)
        mend(ISP0)
        mend(ISP1)

    def ask(self, path, method, *more):
        return self.console.ask(path, method, target_of(path), *more)

    def test_every_method_answers_on_every_path(self):
        for path in range(4):
            for method, *more in METHODS:
                with self.subTest(path=path, method=method):
                    sample = self.ask(path, method, *more)
                    self.assertEqual(sample.outcome, "answered", sample)
                    self.assertLess(sample.rtt_us, 50000)
                    self.assertEqual(sample.path, path)

    def test_gateway_answers_on_every_path(self):
        for path, gateway in ((0, "10.0.0.1"), (2, "10.0.1.1"), (1, "fe80::1"), (3, "fe80::1")):
            for attempt in range(3):  # broadcast, then unicast
                sample = self.console.ask(path, "neighbour", gateway)
                self.assertEqual(sample.outcome, "answered", sample)

    def fails_only_when_its_own_link_is_cut(self):
        """Link 0 is the kernel's own choice: cut it and then the other one."""
        for isp, path_cut, path_whole in ((ISP0, 0, 2), (ISP1, 2, 0)):
            cut(isp)
            expected, got = {}, {}
            for family in (0, 1):
                for method, *more in METHODS:
                    expected[self.console.send(path_cut + family, method, target_of(family), *more)] = "lost"
                    expected[self.console.send(path_whole + family, method, target_of(family), *more)] = "answered"
            for _ in expected:
                sample = self.console.sample()
                got[sample.probe] = sample.outcome
            self.assertEqual(got, expected)
            mend(isp)

    def test_fails_only_when_its_own_link_is_cut_without_rules(self):
        self.fails_only_when_its_own_link_is_cut()

    def test_fails_only_when_its_own_link_is_cut_with_rules(self):
        """As steer installs them, with main preferring link 0 for everything."""
        try:
            for n in (0, 1):
                for ip, via in (("ip", f"10.0.{n}.1"), ("ip -6", "fe80::1")):
                    inside(BOX, f"{ip} rule add pref 10{n} fwmark {hex((n + 1) << 8)}/0x3f00 lookup {1001 + n}")
                    inside(BOX, f"{ip} route add default via {via} dev wan{n} table {1001 + n}")
                    if n == 1:
                        inside(BOX, f"{ip} route del default dev wan1 metric 2")
            self.fails_only_when_its_own_link_is_cut()
        finally:
            for n in (0, 1):
                for ip, via in (("ip", f"10.0.{n}.1"), ("ip -6", "fe80::1")):
                    inside(BOX, f"{ip} rule del pref 10{n}")
                    inside(BOX, f"{ip} route flush table {1001 + n}")
                    if n == 1:
                        inside(BOX, f"{ip} route add default via {via} dev wan1 metric 2")

    def test_without_a_route_no_probe_leaves_by_another_link(self):
        """No route over wan1 anywhere: IPv4 falls to asking for the target on the link, IPv6 has no route."""
        inside(BOX, "ip route del default dev wan1 metric 2")
        inside(BOX, "ip -6 route del default dev wan1 metric 2")
        try:
            for method, *more in METHODS:
                sample = self.ask(3, method, *more)
                self.assertEqual((sample.outcome, sample.error), ("send-failed", 101), sample)
            for method, *more in METHODS:
                self.console.send(2, method, FAR4, *more)
            for _ in METHODS:
                self.assertIn(self.console.sample().outcome, ("unreachable", "lost"))
        finally:
            inside(BOX, "ip route add default via 10.0.1.1 dev wan1 metric 2")
            inside(BOX, "ip -6 route add default via fe80::1 dev wan1 metric 2")

    def test_silent_gateway(self):
        inside(ISP0, "ip link set lan arp off")
        inside(BOX, "ip neigh flush dev wan0")
        try:
            self.console.send(0, "neighbour", "10.0.0.1")
            for method, *more in METHODS:
                self.console.send(0, method, FAR4, *more)
            outcomes = {self.console.sample().outcome for _ in range(1 + len(METHODS))}
            self.assertIn("lost", outcomes)
            self.assertLessEqual(outcomes, {"unreachable", "lost"})
        finally:
            inside(ISP0, "ip link set lan arp on")
            inside(BOX, "ip neigh flush dev wan0")
        self.assertEqual(self.console.ask(0, "neighbour", "10.0.0.1").outcome, "answered")

    def test_router_says_unreachable(self):
        reject(ISP0, FAR4)
        reject(ISP0, FAR6)
        for path in (0, 1):
            for method, *more in METHODS[:4]:
                with self.subTest(path=path, method=method):
                    sample = self.ask(path, method, *more)
                    self.assertEqual(sample.outcome, "unreachable", sample)
                    # here the error may come within connect(): then the kernel keeps it until it repeats the SYN
                    self.assertLess(sample.rtt_us, 1200000 if method in ("tcp", "http") else 100000)

    def test_router_says_unreachable_and_dns_goes_on(self):
        """An error of an earlier query must not be taken for one of the next, nor stop it."""
        reject(ISP0, "10.9.9.30")
        bad = [self.console.send(0, "dns", "10.9.9.30") for _ in range(20)]
        good = [self.console.send(0, "dns", FAR4) for _ in range(20)]
        outcomes = {}
        for _ in range(40):
            sample = self.console.sample()
            outcomes[sample.probe] = sample.outcome
        self.assertEqual(outcomes, {**{p: "unreachable" for p in bad}, **{p: "answered" for p in good}})
        self.assertIsNone(self.console.sample(4), "an error was told twice")

    def test_too_big(self):
        for ip in (ISP0, "core"), (FAR, "isp0"):
            inside(ip[0], f"ip link set {ip[1]} mtu 1400")
        try:
            for path in (0, 1):
                self.assertEqual(self.ask(path, "big", 0, 1400).outcome, "answered")
                self.assertEqual(self.ask(path, "big", 0, 1500).outcome, "too-big")
                # again: what the kernel has learned of the path must not matter
                self.assertEqual(self.ask(path, "big", 0, 1500).outcome, "too-big")
                sample = self.ask(path, "big", 0, 1501)
                self.assertEqual((sample.outcome, sample.error), ("send-failed", 90))
        finally:
            for ip in (ISP0, "core"), (FAR, "isp0"):
                inside(ip[0], f"ip link set {ip[1]} mtu 1500")

    def test_tcp_refused_proves_the_path(self):
        for path in range(4):
            sample = self.ask(path, "tcp", 444)
            self.assertEqual(sample.outcome, "refused")
            self.assertLess(sample.rtt_us, 50000)

    def test_tcp_sends_two_packets(self):
        def sent():
            return int(inside(BOX, "cat /sys/class/net/wan0/statistics/tx_packets"))

        for path in (0, 1):
            self.assertEqual(self.ask(path, "tcp", 443).outcome, "answered")  # asks for the gateway's address
            before = sent()
            for _ in range(10):
                self.assertEqual(self.ask(path, "tcp", 443).outcome, "answered")
            time.sleep(0.3)  # a delayed acknowledgement would have gone by then
            self.assertLess(sent() - before, 25)  # ten more would be one too many each; a few may be the kernel's own

    def test_tcp_leaves_nothing_behind(self):
        self.assertEqual(self.ask(0, "tcp", 443).outcome, "answered")
        self.assertEqual(self.ask(0, "http", 80).outcome, "answered")
        self.assertNotIn("10.9.9.9", inside(BOX, "ss -Htan"))

    def test_http_verdicts(self):
        for port, outcome, detail in ((80, "answered", 20), (81, "portal", 30), (82, "portal", 20),
                                      (83, "portal", 0), (84, "portal", 20), (85, "answered", 20),
                                      (86, "refused", 0), (87, "lost", 0), (88, "portal", 0),
                                      (89, "refused", 0)):
            with self.subTest(port=port):
                sample = self.ask(0, "http", port)
                self.assertEqual((sample.outcome, sample.detail), (outcome, detail), sample)

    def test_dns_verdicts(self):
        for host, outcome, detail in ((9, "answered", 3), (30, "refused", 2), (34, "refused", 3),
                                      (36, "answered", 0)):
            with self.subTest(host=host):
                sample = self.console.ask(0, "dns", f"10.9.9.{host}")
                self.assertEqual((sample.outcome, sample.detail), (outcome, detail), sample)

    def test_dns_lies_are_not_believed(self):
        for host in (31, 32, 33, 35):
            self.console.send(0, "dns", f"10.9.9.{host}")
        for _ in range(4):
            self.assertEqual(self.console.sample().outcome, "lost")
        stats = self.console.stats()
        self.assertEqual((stats["spoofed"], stats["malformed"], stats["answered"]), (3, 1, 0))

    def test_dns_changes_its_port(self):
        ports = set()
        for _ in range(70):
            self.assertEqual(self.ask(0, "dns").outcome, "answered")
            ports.add(inside(BOX, "ss -Hunap").split()[3])
        self.assertEqual(len(ports), 3, ports)

    def wake_ups(self):
        with open(f"/proc/{self.console.process.pid}/status") as status:
            for line in status:
                if line.startswith("voluntary_ctxt_switches"):
                    return int(line.split()[1])

    def test_sleeps_when_nothing_is_under_way(self):
        """Nor does it hear of other people's pings, queries and neighbours."""
        for path in range(4):
            for method, *more in METHODS:
                self.assertEqual(self.ask(path, method, *more).outcome, "answered")
        self.console.ask(1, "neighbour", "fe80::1")
        time.sleep(0.2)  # it was still writing
        before = self.wake_ups()
        time.sleep(4)
        inside(BOX, "ping -q -c 50 -i 0.01 10.9.9.9")
        inside(BOX, "ping -q -c 50 -i 0.01 fd00:9::9")
        inside(BOX, "ping -q -c 3 -i 0.01 -w 1 10.0.0.77", check=False)  # nobody
        self.assertEqual(self.wake_ups() - before, 0)

    def test_descriptors_are_given_back(self):
        def count():
            return len(os.listdir(f"/proc/{self.console.process.pid}/fd"))

        for method, *more in METHODS:
            self.ask(0, method, *more)
        before = count()
        for _ in range(50):
            for port in (443, 444):
                self.ask(0, "tcp", port)
            for port in (80, 81, 83, 86):
                self.ask(0, "http", port)
        self.assertEqual(count(), before)
        self.console.say("path 0")
        self.console.stats()
        self.assertEqual(count(), before - 2)  # icmp, dns

    def test_carrier_lost(self):
        inside(ISP0, "ip link set lan down")
        try:
            for path in (0, 1):
                for method, *more in METHODS:
                    self.console.send(path, method, target_of(path), *more)
            self.console.send(0, "neighbour", "10.0.0.1")
            outcomes = {self.console.sample().outcome for _ in range(2 * len(METHODS) + 1)}
            self.assertLessEqual(outcomes, {"unreachable", "lost", "send-failed"})
        finally:
            inside(ISP0, "ip link set lan up")
            inside(ISP0, "ip addr add fe80::1/64 dev lan", check=False)
            inside(ISP0, "ip addr add fd00:0::1/64 dev lan", check=False)
            inside(ISP0, "ip -6 route replace fd00:9::/64 via fd00:80::2")
        # the kernel goes on failing for those that wait for the neighbour until it has tried anew
        for path in (0, 1):
            outcomes = []
            while "answered" not in outcomes and len(outcomes) < 10:
                outcomes.append(self.ask(path, "icmp").outcome)
                time.sleep(0.2)
            self.assertIn("answered", outcomes)

    def test_icmp_lies_are_not_believed(self):
        for host in (20, 21, 25, 26):
            self.console.send(0, "icmp", f"10.9.9.{host}")
        for _ in range(4):
            self.assertEqual(self.console.sample().outcome, "lost")
        stats = self.console.stats()
        self.assertEqual((stats["spoofed"], stats["malformed"], stats["answered"]), (2, 1, 0))

    def test_damaged_answers_do_no_harm(self):
        for _ in range(20):
            self.console.send(0, "icmp", "10.9.9.29")
            self.console.send(0, "dns", "10.9.9.37")
            time.sleep(0.05)
        while self.console.sample(4):
            pass
        stats = self.console.stats()
        self.assertGreater(stats["spoofed"], 1000)
        self.assertGreater(stats["malformed"], 100)
        for method in ("icmp", "dns"):
            self.assertEqual(self.ask(0, method).outcome, "answered")

    def test_icmp_twice_counts_once(self):
        self.assertEqual(self.console.ask(0, "icmp", "10.9.9.22").outcome, "answered")
        self.assertIsNone(self.console.sample(0.3))
        self.assertEqual(self.console.stats()["duplicate"], 1)

    def test_icmp_slow_answer_still_counts(self):
        sample = self.console.ask(0, "icmp", "10.9.9.23")
        self.assertEqual(sample.outcome, "answered")
        self.assertAlmostEqual(sample.rtt_us, 1500000, delta=100000)

    def test_icmp_late_answer_is_counted_only(self):
        sample = self.console.ask(0, "icmp", "10.9.9.24")
        self.assertEqual(sample.outcome, "lost")
        self.assertIsNone(self.console.sample(2))
        self.assertEqual(self.console.stats()["late"], 1)

    def test_icmp_answer_after_an_error_counts(self):
        """Anybody can send an error; it must not shut out the answer."""
        probe = self.console.send(0, "icmp", "10.9.9.27")
        self.assertEqual([s.outcome for s in (self.console.sample(), self.console.sample())],
                         ["unreachable", "answered"], probe)
        self.assertIsNone(self.console.sample(3.8))

    def test_icmp_refusal_of_the_target_proves_the_path(self):
        sample = self.console.ask(0, "icmp", "10.9.9.28")
        self.assertEqual((sample.outcome, sample.detail), ("refused", 10))

    def test_changed_facts_cancel(self):
        cut(ISP0)
        for method, *more in METHODS:
            self.console.send(0, method, FAR4, *more)
        self.console.say("path 0 wan0 10.0.0.3 10.0.0.1 1500")
        for _ in METHODS:
            sample = self.console.sample(1)
            self.assertEqual((sample.outcome, sample.error), ("send-failed", 125), sample)
        # nobody has that address
        for method, *more in METHODS:
            sample = self.ask(0, method, *more)
            self.assertEqual((sample.outcome, sample.error), ("send-failed", 99), sample)

    def test_unchanged_facts_do_not_cancel(self):
        probe = self.console.send(0, "icmp", "10.9.9.23")
        self.console.set_paths()
        sample = self.console.sample()
        self.assertEqual((sample.probe, sample.outcome), (probe, "answered"))

    def test_path_that_is_not_there(self):
        for method, *more in METHODS + [("neighbour",)]:
            sample = self.console.ask(8, method, FAR4, *more)
            self.assertEqual((sample.outcome, sample.error), ("send-failed", 19), sample)

    def test_device_vanishes_and_returns(self):
        inside(BOX, f"ip link add gone0 type veth peer name gone netns {ISP0}")
        inside(ISP0, "ip addr add 10.7.0.1/24 dev gone")
        inside(ISP0, "ip link set gone up")

        def up():
            inside(BOX, "ip addr add 10.7.0.2/24 dev gone0")
            inside(BOX, "ip link set gone0 up")

        up()
        facts = "path 4 gone0 10.7.0.2 10.7.0.1 1500"
        methods = [("icmp",), ("tcp", 1), ("dns",), ("neighbour",)]
        self.console.say(facts)
        for method, *more in methods:
            self.assertIn(self.console.ask(4, method, "10.7.0.1", *more).outcome, ("answered", "refused"))
        inside(BOX, "ip link del gone0")
        for method, *more in methods * 2:
            sample = self.console.ask(4, method, "10.7.0.1", *more)
            self.assertEqual(sample.outcome, "send-failed", sample)
        inside(BOX, f"ip link add gone0 type veth peer name gone netns {ISP0}")
        inside(ISP0, "ip addr add 10.7.0.1/24 dev gone")
        inside(ISP0, "ip link set gone up")
        up()
        self.console.say(facts)
        for method, *more in methods:
            self.assertIn(self.console.ask(4, method, "10.7.0.1", *more).outcome, ("answered", "refused"))
        inside(BOX, "ip link set gone0 down")
        for method, *more in methods:
            sample = self.console.ask(4, method, "10.7.0.1", *more)
            self.assertEqual(sample.outcome, "send-failed", sample)
        inside(BOX, "ip link set gone0 up")
        for method, *more in methods:
            self.assertIn(self.console.ask(4, method, "10.7.0.1", *more).outcome, ("answered", "refused"))
        inside(BOX, "ip link del gone0")

    def test_point_to_point_has_no_neighbour(self):
        inside(BOX, "ip tuntap add dev tun7 mode tun")
        inside(BOX, "ip addr add 10.6.0.2/32 dev tun7")
        inside(BOX, "ip link set tun7 up")
        self.console.say("path 4 tun7 10.6.0.2 - 1500")
        for gateway in ("0.0.0.0", "10.6.0.1"):
            sample = self.console.ask(4, "neighbour", gateway)
            self.assertEqual((sample.outcome, sample.error), ("send-failed", 95), sample)
        inside(BOX, "ip link del tun7")

    def test_full_inbox_loses_nothing(self):
        """300 probes, 256 places: the rest waits in the kernel or in its slot."""
        self.console.say("hold")
        sent = set()
        for _ in range(3):
            sent |= {self.console.send(0, "icmp", FAR4) for _ in range(100)}
            time.sleep(0.2)  # a socket's default buffer holds 256 of them
        self.console.say("drain")
        got = [self.console.sample(2) for _ in range(300)]
        self.assertEqual({s.probe for s in got}, sent)
        self.assertEqual({s.outcome for s in got}, {"answered"})
        self.assertLess(max(s.rtt_us for s in got), 50000, "the kernel's stamp, not our time of reading")

    def test_full_inbox_keeps_the_ends_of_connections(self):
        self.console.say("hold")
        sent = {self.console.send(0, "icmp", FAR4) for _ in range(250)}
        sent |= {self.console.send(0, "tcp", FAR4, 443) for _ in range(50)}
        time.sleep(0.3)
        self.console.say("drain")
        got = [self.console.sample(2) for _ in range(300)]
        self.assertEqual({s.probe for s in got}, sent)

    def test_more_probes_than_slots(self):
        cut(ISP0)
        for _ in range(1030):
            self.console.send(0, "icmp", FAR4)
        got = [self.console.sample() for _ in range(1030)]
        self.assertEqual(sum(s.outcome == "lost" for s in got), 1024)
        self.assertEqual(sum((s.outcome, s.error) == ("send-failed", 105) for s in got), 6)
        self.assertEqual(self.console.stats()["no_slot"], 6)
        mend(ISP0)
        self.assertEqual(self.ask(0, "icmp").outcome, "answered")

    def test_overdue_probes_make_room(self):
        cut(ISP0)
        for _ in range(256):
            self.console.send(0, "tcp", FAR4, 443)
        time.sleep(1.2)
        probe = self.console.send(2, "tcp", FAR4, 443)
        samples = [self.console.sample(), self.console.sample()]
        self.assertEqual([s.outcome for s in samples], ["lost", "answered"])
        self.assertEqual(samples[1].probe, probe)

    def test_all_slots_are_used_again(self):
        for _ in range(3):
            summary = self.console.series(1000, 100, 0, "icmp", FAR4)
            self.assertEqual(summary["answered"], 1000)

    def test_accuracy_and_cost(self):
        for path, method, *more in ((0, "icmp"), (1, "icmp"), (0, "tcp", 443), (0, "dns"), (0, "http", 80)):
            count = 2000 if method == "icmp" else 300
            summary = self.console.series(count, 2000, path, method, target_of(path), *more)
            print(f"\n  path {path} {method}: {summary}", end="", file=sys.stderr)
            self.assertEqual(summary["answered"], count)
        summary = self.console.series(2000, 2000, 0, "neighbour", "10.0.0.1")
        print(f"\n  path 0 neighbour: {summary}", file=sys.stderr)
        self.assertEqual(summary["answered"], 2000)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root for namespaces")
        sys.exit(SKIP)
    CONSOLE = os.path.abspath(sys.argv.pop(1))
    try:
        unittest.main(verbosity=2)
    finally:
        remove()
