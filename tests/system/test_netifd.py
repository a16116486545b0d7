#!/usr/bin/env python3
"""netifd on the bus, as the daemon sees it: names, devices, held-back gateways, and resolvers that follow the links.

usage: test_netifd.py BUILD [test ...]

The bus is tests/bus/broker.py, netifd is netifd_standin.py.  A router in a namespace of its own has three uplinks, eth1
to eth3, each to a provider in another, where the one target and a resolver live.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from netifd_standin import Netifd  # noqa: E402

BUILD = Path()
SKIP = 77
TAG = "anet%d" % os.getpid()
ROUTER = TAG + "r"
TARGET = "198.51.100.9"
WAIT_S = 20.0
CONFIG = """
config autonomy 'main'
	option ubus_socket '{0}/bus'
	option log_level 'info'
	option log_syslog '0'
	option ipv6 '0'
config steer 'steer'
	option dns_file '{0}/resolv/auto'
config defaults 'defaults'
	option hold '1s'
	option hold_max '1s'
config target
	option address '198.51.100.9'
	list methods 'icmp'
config link 'spare'
	option interface 'wan3'
	option preference '-50'
"""


def run(*words, check=True, text=None):
    return subprocess.run([str(w) for w in words], check=check, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True).stdout


def ip(namespace, line, check=True):
    return run("ip", "-n", namespace, *line.split(), check=check)


def interface(number, **more):
    """As netifd prints it; its addresses are the kernel's to tell."""
    name = f"wan{number}"
    return {"interface": name, "up": True, "pending": False, "available": True, "autostart": True, "dynamic": False,
            "uptime": 7, "l3_device": f"eth{number}", "proto": "dhcp", "device": f"eth{number}", "metric": 10 * number,
            "dns_metric": 0, "ipv4-address": [{"address": f"10.{number}.0.2", "mask": 24}], "ipv6-address": [],
            "route": [{"target": "0.0.0.0", "mask": 0, "nexthop": f"10.{number}.0.1"}],
            "dns-server": [f"10.{number}.9.53"], "dns-search": [], "inactive": {"route": [], "dns-server": []},
            "data": {"zone": "wan"}, **more}


def usual():
    lan = {"interface": "lan", "up": True, "l3_device": "lo", "proto": "static", "device": "lo", "dns-server": []}
    sibling = {"interface": "wan16", "up": True, "l3_device": "eth1", "proto": "dhcpv6", "device": "eth1"}
    route = [{"target": "0.0.0.0", "mask": 0, "nexthop": "10.3.0.1"}]
    return [lan, sibling, interface(1), interface(2),
            interface(3, proto="qmi", route=[], inactive={"route": route, "dns-server": []})]


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="netifd"))
        self.processes = []
        self.netifd = None
        self.addCleanup(self.clean)
        for name in ("resolv", "state"):
            (self.folder / name).mkdir()
        self.networks()
        self.file = self.folder / "resolv" / "auto"
        self.write_file()
        self.log = open(self.folder / "log", "w")
        self.start_bus()
        self.netifd = Netifd(self.folder / "bus", usual())
        (self.folder / "autonomy").write_text(CONFIG.format(self.folder))
        self.daemon = self.start_daemon()
        self.until(lambda: self.health() == {"wan1": "up", "wan2": "up", "spare": "up"}, "all links up")

    def clean(self):
        if self.netifd:
            self.netifd.close()
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.log.close()
        for name in (ROUTER, TAG + "p1", TAG + "p2", TAG + "p3"):
            run("ip", "netns", "del", name, check=False)
        shutil.rmtree(self.folder)

    def networks(self):
        run("ip", "netns", "add", ROUTER)
        ip(ROUTER, "link set lo up")
        for i in (1, 2, 3):
            provider = f"{TAG}p{i}"
            run("ip", "netns", "add", provider)
            run("ip", "link", "add", f"eth{i}", "netns", ROUTER, "type", "veth", "peer", "name", "r", "netns", provider)
            for line in ("link set lo up", "link set r up", f"addr add 10.{i}.0.1/24 dev r",
                         f"addr add {TARGET}/32 dev lo", f"addr add 10.{i}.9.53/32 dev lo"):
                ip(provider, line)
            ip(ROUTER, f"link set eth{i} up")
            ip(ROUTER, f"addr add 10.{i}.0.2/24 dev eth{i}")
            if i < 3:
                ip(ROUTER, f"route add default via 10.{i}.0.1 dev eth{i} metric {10 * i}")

    def start(self, *argv):
        process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL, stderr=self.log)
        self.processes.append(process)
        return process

    def start_daemon(self):
        return self.start("ip", "netns", "exec", ROUTER, BUILD / "autonomyd", "--config", self.folder / "autonomy",
                          "--run-dir", self.folder / "run", "--state-dir", self.folder / "state")

    def start_bus(self):
        argv = [sys.executable, HERE.parent / "bus" / "broker.py", self.folder / "bus"]
        self.bus = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.processes.append(self.bus)
        self.assertEqual(self.bus.stdout.readline().strip(), "ready")

    def write_file(self):
        """As netifd does: another file, renamed."""
        text = "".join(f"# Interface wan{i}\nnameserver 10.{i}.9.53\n" for i in (1, 2, 3))
        new = self.file.with_name("auto.tmp")
        new.write_text(text)
        os.rename(new, self.file)

    def links(self):
        answer = subprocess.run([BUILD / "autonomyctl", "--socket", self.folder / "run" / "autonomy.sock", "--json", "links"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
        return {link["link"]: link for link in json.loads(answer or "{}").get("links", [])}

    def health(self):
        return {name: link["paths"][0]["health"] for name, link in self.links().items()}

    def until(self, condition, what):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"{what}: not within {WAIT_S} s; {self.health()}\n{self.file.read_text()}\n"
                          + (self.folder / "log").read_text())
            time.sleep(0.05)

    def asked(self):
        return [line.split()[1] for line in self.file.read_text().splitlines() if line.startswith("nameserver ")]

    def pins(self):
        return sorted(line.split(" to ")[1] for line in run("ip", "-n", ROUTER, "rule").splitlines() if " to 10." in line)

    def test_links_are_called_after_their_interfaces(self):
        links = self.links()
        self.assertEqual({name: link["device"] for name, link in links.items()},
                         {"wan1": "eth1", "wan2": "eth2", "spare": "eth3"})
        self.assertEqual(links["wan1"]["interface"], "wan1")
        self.assertEqual(links["spare"]["kind"], "cellular")
        self.assertIn({"kind": "cellular", "weight": 100, "text": "netifd's protocol qmi"}, links["spare"]["evidence"])
        # the kernel has no default route there: netifd holds it back
        self.assertEqual(links["spare"]["paths"][0]["gateway"], "10.3.0.1")

    def test_a_renamed_interface_renames_its_link(self):
        slot = self.links()["wan2"]["slot"]
        self.netifd.interfaces[3] = interface(2, interface="backup")
        self.netifd.tell(3)
        self.until(lambda: "backup" in self.links(), "the new name")
        self.assertEqual(self.links()["backup"]["slot"], slot)
        self.assertNotIn("wan2", self.links())

    def test_a_configured_link_follows_its_interface_to_another_device(self):
        ip(TAG + "p3", "link set r down")
        ip(ROUTER, "link set eth3 down")
        ip(ROUTER, "link set eth3 name modem1")
        ip(ROUTER, "link set modem1 up")
        ip(TAG + "p3", "link set r up")
        self.netifd.interfaces[4] = dict(self.netifd.interfaces[4], l3_device="modem1", device="modem1")
        self.netifd.tell(4)
        self.until(lambda: self.links().get("spare", {}).get("device") == "modem1", "the new device")
        self.until(lambda: self.health()["spare"] == "up", "the link up over it")

    def test_netifd_and_the_bus_may_go_and_nothing_is_lost(self):
        argv = ["ip", "netns", "exec", ROUTER, "ping", "-n", "-q", "-i", "0.02", "-w", "60", TARGET]
        ping = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        before = self.links()
        self.netifd.close()
        time.sleep(0.5)
        self.assertEqual(set(self.links()), set(before))
        dumps = Netifd(self.folder / "bus", usual())
        self.netifd = dumps
        self.until(lambda: dumps.dumps, "netifd asked again")
        self.bus.kill()
        self.bus.wait()
        time.sleep(0.5)
        self.assertEqual(set(self.links()), set(before))
        self.start_bus()
        self.netifd.close()
        self.netifd = Netifd(self.folder / "bus", usual())
        self.until(lambda: self.netifd.dumps, "netifd asked over the new bus")
        self.assertEqual({n: l["device"] for n, l in self.links().items()}, {n: l["device"] for n, l in before.items()})
        ping.send_signal(signal.SIGINT)
        report = ping.communicate()[0]
        self.assertIn(" 0% packet loss", report)

    def test_a_successor_knows_the_names_before_netifd_answers(self):
        argv = ["ip", "netns", "exec", ROUTER, "ping", "-n", "-q", "-i", "0.02", "-w", "60", TARGET]
        ping = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        before = {name: (link["slot"], link["device"]) for name, link in self.links().items()}
        self.bus.kill()
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = self.start_daemon()
        self.until(lambda: "up" in self.health().values(), "the successor at work")
        self.assertEqual({name: (link["slot"], link["device"]) for name, link in self.links().items()}, before)
        ping.send_signal(signal.SIGINT)
        self.assertIn(" 0% packet loss", ping.communicate()[0])

    def test_nothing_is_asked_without_a_reason(self):
        self.until(lambda: self.netifd.dumps >= 2, "the second look")
        time.sleep(4)
        dumps = self.netifd.dumps
        time.sleep(3)
        self.assertEqual(self.netifd.dumps, dumps)

    def test_resolvers_of_a_dead_link_are_not_asked(self):
        everyone = ["10.1.9.53", "10.2.9.53", "10.3.9.53"]
        tables = {line.split()[0]: line.split()[2] for line in self.pins()}
        self.assertEqual(sorted(tables), everyone)
        self.assertEqual(len(set(tables.values())), 3)
        self.assertEqual(self.asked(), everyone)
        ip(TAG + "p1", "link set r down")
        self.until(lambda: self.asked() == everyone[1:], "wan1's resolver out of the file")
        self.until(lambda: len(self.pins()) == 2, "its rule gone")
        self.assertEqual(self.links()["wan1"]["dns"], [{"server": "10.1.9.53", "asked": False}])
        # netifd writes the file anew
        self.write_file()
        self.until(lambda: self.asked() == everyone[1:], "wan1's resolver out of the new file")
        ip(TAG + "p1", "link set r up")
        self.until(lambda: self.asked() == everyone, "wan1's resolver back")
        self.until(lambda: len(self.pins()) == 3, "its rule back")
        self.assertNotIn("autonomy", self.file.read_text())

    def test_never_all_resolvers_are_taken_out(self):
        for i in (1, 2, 3):
            ip(f"{TAG}p{i}", "link set r down")
        self.until(lambda: set(self.health().values()) == {"down"}, "all links down")
        self.until(lambda: len(self.asked()) == 3, "all resolvers asked")

    def test_a_successor_and_release_find_what_was_done(self):
        ip(TAG + "p1", "link set r down")
        self.until(lambda: len(self.asked()) == 2, "wan1's resolver out of the file")
        self.daemon.kill()
        self.daemon.wait()
        self.assertEqual(len(self.asked()), 2)
        output = run("ip", "netns", "exec", ROUTER, BUILD / "autonomyd", "--config", self.folder / "autonomy",
                     "--run-dir", self.folder / "run", "--release")
        self.assertEqual(output, "")
        self.assertEqual(len(self.asked()), 3)
        self.assertEqual(self.pins(), [])

    def test_turned_off_it_takes_everything_back(self):
        ip(TAG + "p1", "link set r down")
        self.until(lambda: len(self.asked()) == 2, "wan1's resolver out of the file")
        file = self.folder / "autonomy"
        file.write_text(file.read_text().replace("config steer 'steer'", "config steer 'steer'\n\toption dns 'off'"))
        self.daemon.send_signal(signal.SIGHUP)
        self.until(lambda: len(self.asked()) == 3 and not self.pins(), "everything as netifd has it")

    def test_rules_that_somebody_deletes_are_put_back(self):
        rules = self.pins()
        self.assertEqual(len(rules), 3)
        for _ in range(3):
            ip(ROUTER, "rule del pref 32550")
        self.until(lambda: self.pins() == rules, "the rules back")

    def places(self):
        return [line.split(":")[0] for line in run("ip", "-n", ROUTER, "rule").splitlines() if " to 10." in line]

    def test_rules_for_resolvers_move_with_the_others(self):
        file = self.folder / "autonomy"
        plain = file.read_text()
        self.assertEqual(self.places(), 3 * ["32550"])
        # beside mwan3 ours come before all of its own
        file.write_text(plain.replace("config autonomy 'main'", "config autonomy 'main'\n\toption mode 'mwan3'"))
        self.daemon.send_signal(signal.SIGHUP)
        self.until(lambda: self.places() == 3 * ["750"], "the rules before mwan3's")
        # a successor with other numbers finds them too
        self.daemon.kill()
        self.daemon.wait()
        file.write_text(plain.replace("config steer 'steer'", "config steer 'steer'\n\toption rule_base '20000'"))
        self.daemon = self.start_daemon()
        self.until(lambda: self.places() == 3 * ["20150"], "the rules where they belong now")
        file.write_text(plain.replace("config steer 'steer'", "config steer 'steer'\n\toption protocol '75'"))
        self.daemon.send_signal(signal.SIGHUP)
        self.until(lambda: self.places() == 3 * ["32550"], "the rules with another protocol number")

    @unittest.skipUnless(shutil.which("dnsmasq"), "dnsmasq is not installed")
    def test_dnsmasq_follows_without_a_restart(self):
        for i in (1, 2, 3):
            self.start("ip", "netns", "exec", f"{TAG}p{i}", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                       "--pid-file=", "--user=root", "--no-resolv", "--no-hosts", "--bind-interfaces",
                       f"--listen-address=10.{i}.9.53", f"--address=/example/192.0.2.{i}")
        self.start("ip", "netns", "exec", ROUTER, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=",
                   "--user=root", "--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1", "--cache-size=0",
                   f"--resolv-file={self.file}")
        self.until(lambda: self.ask() in (1, 2, 3), "an answer")
        ip(TAG + "p1", "link set r down")
        ip(TAG + "p3", "link set r down")
        self.until(lambda: self.asked() == ["10.2.9.53"], "the others' resolvers out of the file")
        self.until(lambda: self.ask() == 2, "wan2's answer")
        for _ in range(20):
            self.assertEqual(self.ask(), 2)

    def ask(self):
        """The last byte of the address that the router's dnsmasq gives; None: no answer within a second."""
        code = ("import socket,struct,sys\n"
                "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.settimeout(1);s.connect(('127.0.0.1',53))\n"
                "try:\n s.send(bytes.fromhex('123401000001000000000000017807') + b'example' + bytes.fromhex('0000010001'))\n"
                " a=s.recv(512);print(a[-1] if not a[3]&15 else '')\n"
                "except OSError: print()\n")
        answer = run("ip", "netns", "exec", ROUTER, sys.executable, "-c", code).strip()
        return int(answer) if answer else None


def main():
    global BUILD
    if os.geteuid() != 0 or not shutil.which("ip"):
        return SKIP
    BUILD = Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
