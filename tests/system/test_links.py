#!/usr/bin/env python3
"""Links as the kernel tells of them, in a namespace of its own, seen through links_console.

usage: test_links.py LINKS_CONSOLE [test ...]
"""

import os
import queue
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

CONSOLE = ""
SKIP = 77
BOX = "alinks%d" % os.getpid()
OWN_PROTOCOL = 74  # default of option protocol
WAIT_S = 5.0  # for what must come
QUIET_S = 0.3  # for what must not come; routes are looked at again after 50 ms


def run(*words, check=True):
    return subprocess.run(words, check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def box(line, check=True):
    """A command inside the namespace."""
    return run("ip", "netns", "exec", BOX, *line.split(), check=check)


def ip(*lines):
    for line in lines:
        run("ip", "-n", BOX, *line.split())


def batch(lines):
    """Many ip commands by one process."""
    subprocess.run(["ip", "-n", BOX, "-force", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def add_device(name, up=True):
    ip(f"link add {name} type veth peer name {name}p", f"link set {name}p up")
    if up:
        ip(f"link set {name} up")


def uplink(name, net, metric):
    """A device as a DHCP client leaves it: 10.NET.0.2, default route over 10.NET.0.1."""
    add_device(name)
    ip(f"addr add 10.{net}.0.2/24 dev {name}", f"route add default via 10.{net}.0.1 dev {name} metric {metric}")


def advertise(router, lifetime, preference=0, mtu=0, prefix=""):
    """A router advertisement (RFC 4861 section 4.2, preference as in RFC 4191) out of eth1's other end."""
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, preference << 3, lifetime, 0, 0)
    if mtu:
        body += struct.pack("!BBHI", 5, 1, 0, mtu)
    if prefix:
        body += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 7200, 3600, 0) + socket.inet_pton(socket.AF_INET6, prefix)
    batch([f"addr add {router}/64 dev eth1p nodad"])
    run("ip", "netns", "exec", BOX, sys.executable, "-c", SEND_ADVERTISEMENT, router, body.hex())


SEND_ADVERTISEMENT = """
import socket, sys
device = socket.if_nametoindex("eth1p")
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, device)
s.bind((sys.argv[1], 0, 0, device))
s.sendto(bytes.fromhex(sys.argv[2]), ("ff02::1", 0, 0, device))
"""


class Console:
    """A running links_console: path[slot, family] holds the facts as last sent, sent counts inputs."""

    def __init__(self, folder):
        self.path = {}
        self.sent = 0
        self.changes = 0
        self.lines = queue.Queue()
        self.log = []
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", BOX, CONSOLE, folder, folder + "/config"], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1)
        threading.Thread(target=self.read, daemon=True).start()
        threading.Thread(target=self.read_log, daemon=True).start()
        self.until("ready")

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def take(self, line):
        if line is None:
            raise EOFError("the console is gone: " + "".join(self.log[-3:]))
        if line == "changed":
            self.changes += 1
        words = line.split()
        if words and words[0] == "path":
            self.path[int(words[1]), words[2]] = dict(word.split("=", 1) for word in words[3:])
            self.sent += 1

    def until(self, last):
        lines = []
        while True:
            line = self.lines.get(timeout=WAIT_S)
            if line == last:
                return lines
            self.take(line)
            lines.append(line)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.until("ok")

    def wait(self, slot, family="ipv4", **facts):
        """Until the facts of a path say so; gateway="-" means none."""
        expected = {key: str(value) for key, value in facts.items()}
        end = time.monotonic() + WAIT_S
        while True:
            have = self.path.get((slot, family), {})
            if all(have.get(key) == value for key, value in expected.items()) and (have or not expected):
                return have
            left = end - time.monotonic()
            try:
                if left <= 0:
                    raise queue.Empty
                self.take(self.lines.get(timeout=left))
            except queue.Empty:
                raise AssertionError(f"slot {slot} {family} is {have}, not {expected}") from None

    def inputs_in(self, seconds):
        """How many inputs come in that time."""
        before = self.sent
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.take(self.lines.get(timeout=max(0.001, end - time.monotonic())))
            except queue.Empty:
                break
        return self.sent - before

    def policy(self):
        """Links by name."""
        links = {}
        for line in self.ask("policy"):
            m = re.match(r'link (\d+) (\S+) (\S+) (.*) why="(.*)"$', line)
            if m:
                links[m[2]] = dict(word.split("=") for word in m[4].split())
                links[m[2]].update(slot=int(m[1]), device=m[3], why=m[5])
        return links

    def stats(self):
        return {key: int(value) for key, value in (w.split("=") for w in self.ask("stats")[-1].split())}

    def close(self):
        if self.process.poll() is None:
            try:
                self.process.stdin.write("quit\n")
                self.process.stdin.flush()
            except BrokenPipeError:
                pass
        code = self.process.wait(timeout=WAIT_S)
        self.process.stdin.close()
        return code


class LinksTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="alinks")
        self.addCleanup(shutil.rmtree, self.folder)
        run("ip", "netns", "add", BOX)
        self.addCleanup(run, "ip", "netns", "del", BOX)
        ip("link set lo up")
        self.configure("")
        self.consoles = []
        self.addCleanup(self.close_all)

    def close_all(self):
        for console in self.consoles:
            if console.process.poll() is None:
                self.assertEqual(console.close(), 0)

    def configure(self, text):
        with open(self.folder + "/config", "w", encoding="utf8") as f:
            f.write(text)

    def start(self):
        self.consoles.append(Console(self.folder))
        return self.consoles[-1]

    def assert_quiet(self, console, seconds=QUIET_S):
        self.assertEqual(console.inputs_in(seconds), 0, console.path)

    # discovery

    def test_default_route_makes_a_link(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, present=1, carrier=1, address="10.1.0.2", gateway="10.1.0.1", mtu=1500, metric=100)
        uplink("eth2", 2, 200)
        c.wait(1, present=1, carrier=1, address="10.2.0.2", gateway="10.2.0.1", metric=200)
        links = c.policy()
        self.assertEqual(list(links), ["eth1", "eth2"])
        self.assertEqual(links["eth1"]["kind"], "wired")
        self.assertGreater(int(links["eth1"]["preference"]), int(links["eth2"]["preference"]))
        with open(self.folder + "/slots", encoding="utf8") as f:
            self.assertEqual(f.read(), "# slot device interface\n0 eth1\n1 eth2\n")

    def test_devices_without_a_default_route_are_no_links(self):
        c = self.start()
        add_device("lan0")
        ip("addr add 192.168.1.1/24 dev lan0", "route add 10.0.0.0/8 via 192.168.1.2 dev lan0",
           "route add 0.0.0.0/1 via 192.168.1.2 dev lan0", "route add blackhole default metric 9")
        self.assert_quiet(c)
        self.assertEqual(c.policy(), {})

    def test_our_own_and_other_tables_routes_do_not_count(self):
        c = self.start()
        add_device("eth1")
        ip("addr add 10.1.0.2/24 dev eth1", "route add default via 10.1.0.1 dev eth1 table 100",
           f"route add default via 10.1.0.1 dev eth1 proto {OWN_PROTOCOL}")
        self.assert_quiet(c)
        ip("route add default via 10.1.0.1 dev eth1 metric 50")
        c.wait(0, gateway="10.1.0.1", metric=50)

    def test_tunnels_are_links_only_when_configured(self):
        c = self.start()
        ip("tuntap add tun0 mode tun", "link set tun0 up", "addr add 10.8.0.2 peer 10.8.0.1 dev tun0",
           "route add default dev tun0 metric 5")
        self.assert_quiet(c)
        self.assertEqual(c.policy(), {})
        self.configure("config link 'office'\n\toption device 'tun0'\n")
        c.ask("configure")
        c.wait(0, present=1, carrier=0, address="10.8.0.2", gateway="0.0.0.0", metric=5)
        self.assertEqual(c.policy()["office"]["kind"], "vpn")
        self.configure("")
        c.ask("configure")
        self.assertEqual(c.policy(), {})
        with open(self.folder + "/slots", encoding="utf8") as f:
            self.assertEqual(f.read(), "# slot device interface\n")

    def test_point_to_point_has_a_gateway_without_an_address(self):
        c = self.start()
        ip("tuntap add wwan0 mode tun", "link set wwan0 up", "addr add 10.8.0.2 peer 10.8.0.1/32 dev wwan0",
           "route add default dev wwan0 metric 5")
        self.configure("config link 'lte'\n\toption device 'wwan0'\n")
        c.ask("configure")
        c.wait(0, address="10.8.0.2", gateway="0.0.0.0")

    # what comes and goes

    def test_renewal_says_nothing(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        for lifetime in (3600, 3599, 3598):
            ip(f"addr replace 10.1.0.2/24 dev eth1 valid_lft {lifetime} preferred_lft {lifetime}",
               "route replace default via 10.1.0.1 dev eth1 metric 100")
        self.assert_quiet(c)

    def test_renumbering(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        ip("addr add 10.3.0.7/24 dev eth1", "route add default via 10.3.0.1 dev eth1 metric 90",
           "addr del 10.1.0.2/24 dev eth1")
        c.wait(0, address="10.3.0.7", gateway="10.3.0.1", metric=90)
        ip("route del default via 10.3.0.1 dev eth1 metric 90")
        # the old route has no address any more, but the kernel keeps it
        c.wait(0, address="10.3.0.7", gateway="10.1.0.1")

    def test_last_address_takes_the_routes_along(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        ip("addr del 10.1.0.2/24 dev eth1")  # older kernels tell nothing of the routes
        c.wait(0, address="-", gateway="-")

    def test_source_address_takes_its_route_along(self):
        uplink("eth1", 1, 100)
        ip("addr add 10.3.0.7/24 dev eth1", "route add default via 10.1.0.9 dev eth1 metric 5 src 10.3.0.7")
        c = self.start()
        c.wait(0, address="10.3.0.7", gateway="10.1.0.9")
        ip("addr del 10.3.0.7/24 dev eth1")
        c.wait(0, address="10.1.0.2", gateway="10.1.0.1")

    def test_gateway_follows_a_replace(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        ip("route replace default via 10.1.0.254 dev eth1 metric 100")
        c.wait(0, gateway="10.1.0.254")
        ip("route del default")
        c.wait(0, gateway="-", address="10.1.0.2")
        ip("route add default via 10.1.0.1 dev eth1 metric 100")
        c.wait(0, gateway="10.1.0.1")

    def test_carrier(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, carrier=1, gateway="10.1.0.1")
        ip("link set eth1p down")
        c.wait(0, carrier=0, present=1, gateway="10.1.0.1", address="10.1.0.2")
        ip("link set eth1p up")
        c.wait(0, carrier=1, present=1, gateway="10.1.0.1", address="10.1.0.2")
        c.wait(0, "ipv6", carrier=1)
        self.assert_quiet(c)

    def test_lease_that_goes_after_the_carrier_and_comes_back(self):
        uplink("eth1", 1, 100)
        uplink("eth2", 2, 200)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        before = c.policy()
        ip("link set eth1p down")
        c.wait(0, carrier=0)
        ip("route del default dev eth1", "addr flush dev eth1")
        c.wait(0, carrier=0, gateway="-", address="-")
        self.assertEqual(c.policy(), before, "a link that fails keeps slot and rank")
        ip("link set eth1p up", "addr add 10.1.0.2/24 dev eth1", "route add default via 10.1.0.1 dev eth1 metric 100")
        c.wait(0, carrier=1, gateway="10.1.0.1", address="10.1.0.2")

    def test_down_and_up(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        ip("link set eth1 down")
        c.wait(0, present=0, carrier=0, address="-", gateway="-", ifindex=0, mtu=0, metric=0)
        ip("link set eth1 up")
        c.wait(0, present=1, carrier=1, address="10.1.0.2", gateway="-")
        ip("route add default via 10.1.0.1 dev eth1 metric 100")
        c.wait(0, gateway="10.1.0.1")

    def test_hot_plug_keeps_the_slot(self):
        uplink("eth1", 1, 100)
        uplink("eth2", 2, 200)
        c = self.start()
        first = c.wait(0, gateway="10.1.0.1")["ifindex"]
        ip("link del eth1")
        c.wait(0, present=0)
        uplink("eth1", 1, 100)
        second = c.wait(0, present=1, carrier=1, address="10.1.0.2", gateway="10.1.0.1")["ifindex"]
        self.assertNotEqual(first, second)
        self.assertEqual(c.policy()["eth1"]["slot"], 0)

    def test_rename(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        ip("link set eth1 down", "link set eth1 name wan", "link set wan up",
           "route add default via 10.1.0.1 dev wan metric 100")
        c.wait(1, present=1, address="10.1.0.2", gateway="10.1.0.1")
        c.wait(0, present=0)

    def test_bridge_port_that_leaves_is_not_gone(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        ip("link add br0 type bridge", "link set eth1 master br0", "link set eth1 nomaster")
        c.ask("stats")
        self.assertEqual(c.wait(0, present=1)["gateway"], "10.1.0.1")

    def test_mtu(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, mtu=1500)
        ip("link set eth1 mtu 1400")
        c.wait(0, mtu=1400)
        ip("route replace default via 10.1.0.1 dev eth1 metric 100 mtu 1300")
        c.wait(0, mtu=1300)

    # which gateway

    def test_lowest_metric_of_a_device_wins(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        ip("route add default via 10.1.0.9 dev eth1 metric 200")
        self.assert_quiet(c)
        ip("route add default via 10.1.0.7 dev eth1 metric 20")
        c.wait(0, gateway="10.1.0.7", metric=20)
        ip("route del default via 10.1.0.7 metric 20")
        c.wait(0, gateway="10.1.0.1", metric=100)

    def test_rank_follows_the_metric(self):
        uplink("eth1", 1, 100)
        uplink("eth2", 2, 200)
        c = self.start()
        c.wait(1, gateway="10.2.0.1")
        ip("route add default via 10.2.0.1 dev eth2 metric 50", "route del default via 10.2.0.1 metric 200")
        c.wait(1, metric=50)
        links = c.policy()
        self.assertGreater(int(links["eth2"]["preference"]), int(links["eth1"]["preference"]))

    def test_multipath_route(self):
        add_device("eth1")
        add_device("eth2")
        ip("addr add 10.1.0.2/24 dev eth1", "addr add 10.2.0.2/24 dev eth2")
        c = self.start()
        ip("route add default metric 7 nexthop via 10.1.0.1 dev eth1 weight 3 nexthop via 10.2.0.1 dev eth2")
        c.wait(0, gateway="10.1.0.1", metric=7)
        c.wait(1, gateway="10.2.0.1", metric=7)
        ip("link set eth2 down")
        c.wait(1, present=0)
        c.wait(0, gateway="10.1.0.1")
        ip("link set eth2 up")  # the kernel revives the leg without a word
        c.wait(1, present=1, gateway="10.2.0.1")

    def test_nexthop_objects(self):
        add_device("eth1")
        add_device("eth2")
        ip("addr add 10.1.0.2/24 dev eth1", "addr add 10.2.0.2/24 dev eth2")
        for compat in (1, 0):
            with self.subTest(compat=compat):
                box(f"sysctl -qw net.ipv4.nexthop_compat_mode={compat}")
                ip("nexthop add id 1 via 10.1.0.1 dev eth1", "nexthop add id 2 via 10.2.0.1 dev eth2",
                   "nexthop add id 9 group 1/2", "route add default nhid 9 metric 30")
                c = self.start()
                c.wait(0, gateway="10.1.0.1", metric=30)
                c.wait(1, gateway="10.2.0.1", metric=30)
                ip("nexthop replace id 1 via 10.1.0.77 dev eth1")
                c.wait(0, gateway="10.1.0.77")
                ip("nexthop del id 2")
                c.wait(1, gateway="-")
                ip("nexthop add id 2 via 10.2.0.1 dev eth2", "nexthop replace id 9 group 1/2")
                c.wait(1, gateway="10.2.0.1")
                ip("link set eth2p down")  # objects of a device without carrier die unannounced
                c.wait(1, carrier=0, gateway="-")
                ip("link set eth2p up")
                c.wait(1, carrier=1)
                ip("nexthop del id 9")
                c.wait(0, gateway="-")
                ip("nexthop flush")
                self.assertEqual(c.close(), 0)

    # which address

    def test_address_of_the_gateways_subnet_is_used(self):
        add_device("eth1")
        ip("addr add 192.168.100.2/24 dev eth1", "addr add 10.1.0.2/24 dev eth1",
           "route add default via 10.1.0.1 dev eth1 metric 1")
        c = self.start()
        c.wait(0, address="10.1.0.2")

    def test_source_of_the_route_is_used(self):
        add_device("eth1")
        ip("addr add 10.1.0.2/24 dev eth1", "addr add 10.1.0.3/24 dev eth1",
           "route add default via 10.1.0.1 dev eth1 metric 1 src 10.1.0.3")
        c = self.start()
        c.wait(0, address="10.1.0.3")
        ip("addr add 203.0.113.5/32 dev lo", "route replace default via 10.1.0.1 dev eth1 metric 1 src 203.0.113.5")
        c.wait(0, address="203.0.113.5")

    def test_address_in_use_stays(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, address="10.1.0.2")
        ip("addr add 10.1.0.9/24 dev eth1")
        self.assert_quiet(c)
        ip("addr del 10.1.0.2/24 dev eth1")
        c.wait(0, address="10.1.0.9" if box("sysctl -n net.ipv4.conf.eth1.promote_secondaries") == "1\n" else "-")

    # IPv6

    def test_router_advertisement_route_runs_out(self):
        add_device("eth1")
        c = self.start()
        ip("-6 addr add 2001:db8::2/64 dev eth1 nodad",
           "-6 route add default via fe80::1 dev eth1 proto ra metric 1024 expires 2")
        c.wait(0, "ipv6", address="2001:db8::2", gateway="fe80::1", metric=1024)
        began = time.monotonic()
        c.wait(0, "ipv6", gateway="-")
        self.assertGreater(time.monotonic() - began, 1)
        ip("-6 route replace default via fe80::1 dev eth1 proto ra metric 1024 expires 1000")
        c.wait(0, "ipv6", gateway="fe80::1")

    def test_route_that_is_prolonged_stays(self):
        add_device("eth1")
        c = self.start()
        ip("-6 addr add 2001:db8::2/64 dev eth1 nodad",
           "-6 route add default via fe80::1 dev eth1 proto ra metric 1024 expires 2")
        c.wait(0, "ipv6", gateway="fe80::1")
        ip("-6 route replace default via fe80::1 dev eth1 proto ra metric 1024 expires 1000")
        self.assert_quiet(c, 2.5)

    def test_router_advertisements(self):
        """Real ones, from two routers at the other end of the cable."""
        add_device("eth1")
        c = self.start()
        advertise("fe80::1", lifetime=1800, preference=1, mtu=1480, prefix="2001:db8:1::")
        c.wait(0, "ipv6", gateway="fe80::1", mtu=1480)
        end = time.monotonic() + WAIT_S
        while c.path[0, "ipv6"]["address"] == "-" and time.monotonic() < end:
            c.inputs_in(0.1)  # duplicate address detection
        self.assertTrue(c.path[0, "ipv6"]["address"].startswith("2001:db8:1:"), c.path)
        for _ in range(3):  # the regular ones only prolong
            advertise("fe80::1", lifetime=1800, preference=1, mtu=1480, prefix="2001:db8:1::")
        self.assert_quiet(c)
        advertise("fe80::2", lifetime=1800, preference=3)
        self.assert_quiet(c)
        advertise("fe80::2", lifetime=1800, preference=0)
        advertise("fe80::1", lifetime=1800, preference=3)
        c.wait(0, "ipv6", gateway="fe80::2")
        advertise("fe80::2", lifetime=0)
        c.wait(0, "ipv6", gateway="fe80::1")
        advertise("fe80::1", lifetime=1)
        c.wait(0, "ipv6", gateway="-")

    def test_unusable_addresses(self):
        add_device("eth1")
        c = self.start()
        ip("-6 route add default via fe80::1 dev eth1 metric 1024")
        c.wait(0, "ipv6", gateway="fe80::1", address="-")
        ip("-6 addr add 2001:db8::2/64 dev eth1 nodad preferred_lft 0 valid_lft 1000")
        self.assert_quiet(c)
        ip("-6 addr change 2001:db8::2/64 dev eth1 preferred_lft 900 valid_lft 1000")
        c.wait(0, "ipv6", address="2001:db8::2")
        ip("-6 addr add 2001:db8:1::2/64 dev eth1 nodad")
        self.assert_quiet(c)
        ip("-6 addr change 2001:db8::2/64 dev eth1 preferred_lft 0 valid_lft 1000")
        c.wait(0, "ipv6", address="2001:db8:1::2")

    def test_duplicate_address_is_not_used(self):
        add_device("eth1", up=False)
        ip("-6 addr add 2001:db8::2/64 dev eth1p nodad")
        c = self.start()
        ip("link set eth1 up", "-6 route add default via fe80::1 dev eth1 metric 1024",
           "-6 addr add 2001:db8::2/64 dev eth1")
        c.wait(0, "ipv6", gateway="fe80::1", address="-")
        self.assert_quiet(c, 1.5)
        self.assertIn("dadfailed", box("ip -6 addr show dev eth1"))

    def test_unique_local_address_only_as_a_last_resort(self):
        add_device("eth1")
        c = self.start()
        ip("-6 addr add fd01::2/64 dev eth1 nodad", "-6 route add default via fe80::1 dev eth1 metric 1024")
        c.wait(0, "ipv6", address="fd01::2")
        ip("-6 addr add 2001:db8::2/64 dev eth1 nodad")
        c.wait(0, "ipv6", address="2001:db8::2")

    def test_address_is_lent_by_the_lan(self):
        """A delegated prefix and no address for the uplink: OpenWrt's routes then name the prefix as source."""
        add_device("lan0")
        add_device("eth1")
        c = self.start()
        ip("-6 route add default from 2001:db8:5::/56 via fe80::1 dev eth1 metric 512")
        c.wait(0, "ipv6", gateway="fe80::1", address="-")
        ip("-6 addr add 2001:db8:6::1/64 dev lan0 nodad", "-6 addr add 2001:db8:5::1/64 dev lan0 nodad")
        c.wait(0, "ipv6", gateway="fe80::1", address="2001:db8:5::1")
        self.assertEqual(list(c.policy()), ["eth1"])
        ip("-6 addr del 2001:db8:5::1/64 dev lan0")
        c.wait(0, "ipv6", address="-")

    # configuration and slots

    def test_configuration_names_and_prefers(self):
        uplink("eth1", 1, 100)
        uplink("eth2", 2, 200)
        self.configure("""
config link 'dish'
	option device 'eth2'
	option kind 'starlink'
	option preference '500'
config link 'spare'
	option device 'eth7'
	option enabled '0'
""")
        c = self.start()
        links = c.policy()
        self.assertEqual(set(links), {"dish", "spare", "eth1"})
        self.assertEqual((links["dish"]["preference"], links["dish"]["kind"], links["dish"]["order"]),
                         ("500", "starlink", "0"))
        self.assertEqual(links["spare"]["enabled"], "0")
        self.assertEqual(len({link["order"] for link in links.values()}), 3)
        c.wait(links["dish"]["slot"], gateway="10.2.0.1")
        self.configure("")
        c.ask("configure")
        after = c.policy()
        self.assertEqual(set(after), {"eth1", "eth2"})
        self.assertEqual(after["eth2"]["slot"], links["dish"]["slot"])
        self.assertEqual(after["eth2"]["kind"], "wired")

    def test_only_configured_links_when_told_so(self):
        uplink("eth1", 1, 100)
        uplink("eth2", 2, 200)
        self.configure("config autonomy 'general'\n\toption discover '0'\nconfig link 'wan'\n\toption device 'eth2'\n")
        c = self.start()
        c.wait(0, gateway="10.2.0.1")
        self.assertEqual(list(c.policy()), ["wan"])

    def test_slots_outlive_the_process(self):
        uplink("eth1", 1, 100)
        uplink("eth2", 2, 200)
        c = self.start()
        c.wait(1, gateway="10.2.0.1")
        self.assertEqual(c.close(), 0)
        ip("link del eth1")
        c = self.start()
        self.assertEqual({name: link["slot"] for name, link in c.policy().items()}, {"eth2": 1})
        uplink("eth1", 1, 100)
        c.wait(0, gateway="10.1.0.1")

    def test_link_without_a_route_at_the_restart_is_still_a_link(self):
        uplink("eth1", 1, 100)
        self.assertEqual(self.start().close(), 0)
        ip("route del default")
        c = self.start()
        c.wait(0, present=1, gateway="-")
        self.assertEqual(list(c.policy()), ["eth1"])

    def test_bad_lines_of_the_slot_file_are_told_and_skipped(self):
        uplink("eth1", 1, 100)
        with open(self.folder + "/slots", "w", encoding="utf8") as f:
            f.write("# slot device\nnonsense\n99 eth9\n3 eth1\n3 eth4\n4 eth1\n5 a/b\n")
        c = self.start()
        c.wait(3, gateway="10.1.0.1")
        self.assertEqual(c.close(), 0)
        told = "".join(c.log)
        for number in (2, 3, 5, 6, 7):
            self.assertIn(f"/slots:{number}: ", told)

    def test_sixteen_links_and_one_more(self):
        for i in range(16):
            uplink(f"w{i}", i + 1, 100 + i)
        c = self.start()
        c.wait(15, present=1)
        self.assertEqual(len(c.policy()), 16)
        uplink("late", 77, 500)
        self.assert_quiet(c)
        self.assertIn("late has a default route, but all 16 slots are taken", "".join(c.log))
        ip("link del w4")
        c.wait(4, present=0)
        ip("link del w9")
        c.wait(9, present=0)
        ip("route replace default via 10.77.0.9 dev late metric 500")
        c.wait(4, present=1, gateway="10.77.0.9")  # the slot of the one that has been gone longest
        self.assertEqual(c.policy()["late"]["slot"], 4)
        self.configure("config link 'must'\n\toption device 'mustdev'\n")
        c.ask("configure")
        self.assertEqual(c.policy()["must"]["slot"], 9)

    # much at once

    def test_lost_notifications(self):
        uplink("eth1", 1, 100)
        uplink("eth2", 2, 200)
        c = self.start()
        c.wait(1, gateway="10.2.0.1")
        c.process.stdin.write("stall 3000\n")
        c.process.stdin.flush()
        time.sleep(0.2)
        batch([f"addr {verb} 10.1.{i // 250 + 1}.{i % 250 + 1}/32 dev eth1" for i in range(1500)
               for verb in ("add", "del")])
        ip("route replace default via 10.1.0.99 dev eth1 metric 100", "link del eth2")
        c.until("ok")
        c.wait(0, gateway="10.1.0.99")
        c.wait(1, present=0)
        stats = c.stats()
        self.assertGreaterEqual(stats["overruns"], 1)
        self.assertEqual(stats["malformed"], 0)

    def test_other_routes_do_not_wake_us(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        c.inputs_in(QUIET_S)
        before = c.stats()
        batch([f"route add 172.{i // 250 + 16}.{i % 250}.0/24 via 10.1.0.1 dev eth1" for i in range(2000)])
        batch([f"route replace default via 10.1.0.1 dev eth1 table {1000 + i}" for i in range(100)])
        self.assertEqual(c.inputs_in(QUIET_S), 0)
        after = c.stats()
        self.assertEqual((after["messages"], after["dumps"]), (before["messages"], before["dumps"]))

    def test_flapping_default_route_is_not_dumped_each_time(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")
        before = c.stats()["dumps"]
        began = time.monotonic()
        batch([f"route replace default via 10.1.0.{1 + i % 2} dev eth1 metric 100" for i in range(2000)])
        took = time.monotonic() - began
        c.wait(0, gateway="10.1.0.2")
        c.inputs_in(QUIET_S)
        self.assertEqual(c.wait(0)["gateway"], "10.1.0.2")
        self.assertLess(c.stats()["dumps"] - before, 3 + (took + QUIET_S) / 0.02)

    def test_counters(self):
        uplink("eth1", 1, 100)
        c = self.start()
        c.wait(0, gateway="10.1.0.1")

        def read():
            line = [x for x in c.ask("count 0") if x.startswith("counters 0 ")][0]
            return {k: int(v) for k, v in (w.split("=") for w in line.split()[2:])}

        before = read()
        box("ping -c 3 -i 0.2 -W 1 10.1.0.77", check=False)
        after = read()
        self.assertGreater(after["tx_packets"], before["tx_packets"])
        self.assertGreater(after["tx_bytes"], before["tx_bytes"])
        self.assertEqual([x for x in c.ask("count 5") if x.startswith("counters")], [])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if os.geteuid() != 0 or not shutil.which("ip"):
        print("needs root and iproute2")
        sys.exit(SKIP)
    CONSOLE = os.path.abspath(sys.argv.pop(1))
    unittest.main()
