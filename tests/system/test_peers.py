#!/usr/bin/env python3
"""The programs that autonomyd lives with go and come in any order: the bus, netifd, dnsmasq, the firewall, mwan3.  No packet
may be lost, and what is in the kernel must be what it was.

usage: test_peers.py BUILD [test ...]

None of these peers loses a packet by itself here (mwan3_standin.py: gentle; netifd keeps addresses; masquerading is the
lab's, not the firewall's), so whatever is lost is lost by autonomyd.  AUTONOMY_ROUNDS, AUTONOMY_SEED: more, and others.
Needs root, nft, iptables, conntrack and dnsmasq, else it is skipped (77).
"""
import contextlib
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab"), str(HERE.parent / "bus")]

import wire  # noqa: E402
from lab import Lab, now_us  # noqa: E402
from mwan3_standin import Mwan3 as Mwan3Standin  # noqa: E402
from netifd_standin import Netifd as NetifdStandin  # noqa: E402

SKIP = 77
PATIENCE_S = 20
BUILD = Path()
BACK_S = 1.0  # the object on a bus that has come back
INTERFACES = {"first": "wan1", "second": "wan2", "third": "wan3"}
RESOLVERS = {"first": "208.67.222.222", "second": "94.140.14.14", "third": "104.16.132.229"}
MEMBERS = {"first_m1": ("first", 1, 1), "second_m2": ("second", 2, 1), "third_m3": ("third", 3, 1)}
POLICIES = {"all": ["first_m1", "second_m2", "third_m3"]}
FW4 = """
table inet fw4 {
	chain input { type filter hook input priority filter; ct state established,related accept; }
	chain forward { type filter hook forward priority filter; ct state established,related accept; }
	chain mangle_forward { type filter hook forward priority mangle; tcp flags syn tcp option maxseg size set rt mtu; }
	chain mangle_prerouting { type filter hook prerouting priority mangle; }
}
"""
FW3 = {
    "filter": [":zone_wan_forward - [0:0]", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
               "-A FORWARD -j zone_wan_forward", "-A zone_wan_forward -j ACCEPT"],
    "mangle": ["-A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"],
}


class Bus:
    def __init__(self, case):
        self.case, self.path, self.process = case, case.directory / "bus", None
        self.waits = []

    def start(self):
        argv = [sys.executable, HERE.parent / "bus" / "broker.py", self.path]
        self.process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().strip() == "ready"
        if self.case.daemon:
            begin = time.monotonic()
            while not self.has_object() and time.monotonic() - begin < 5:
                time.sleep(0.02)
            self.waits.append(time.monotonic() - begin)

    def has_object(self):
        with contextlib.suppress(wire.Failed, EOFError, OSError):
            client = wire.Client(str(self.path))
            with contextlib.closing(client):
                return bool(client.lookup("autonomy"))
        return False

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Netifd:
    def __init__(self, case):
        self.case, self.standin = case, None
        self.interfaces = [{
            "interface": name, "up": True, "pending": False, "available": True, "l3_device": device, "device": device,
            "proto": "dhcp", "metric": 100 * i, "dns-server": [RESOLVERS[name]], "dns-search": [],
            "route": [{"target": "0.0.0.0", "mask": 0, "nexthop": case.lab.link_info(device)["gateway"]}],
            "inactive": {"route": [], "dns-server": []}} for i, (name, device) in enumerate(INTERFACES.items(), 1)]

    def start(self):
        self.standin = NetifdStandin(self.case.directory / "bus", self.interfaces, self.case.resolv)

    def stop(self):
        self.standin.close()


class Dnsmasq:
    def __init__(self, case):
        self.case, self.process = case, None

    def start(self):
        self.process = self.case.lab.popen("rtr", [
            "dnsmasq", "-k", "--no-hosts", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--interface=lan0",
            "--bind-interfaces", "--cache-size=0", f"--resolv-file={self.case.resolv}"], stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Fw4:
    """A restart takes its own table out and puts it in again."""
    option = "nft"

    def __init__(self, case):
        self.case = case

    def start(self):
        self.case.router("nft", "-f", "-", text=FW4)

    def stop(self):
        self.case.router("nft", "delete", "table", "inet", "fw4")

    def stop_all(self):
        """As its service is stopped: every table there is (but for the lab's own)."""
        for line in self.case.router("nft", "list", "tables").splitlines():
            if "lab_nat" not in line:
                self.case.router("nft", "delete", *line.split())


class Fw3:
    """A reload takes its own chains and rules out and puts them in again; a restart begins with everybody's."""
    option = "iptables"

    def __init__(self, case):
        self.case = case

    def restore(self, of):
        text = "".join("\n".join([f"*{table}", *lines, "COMMIT", ""]) for table, lines in of.items())
        self.case.router("iptables-restore", "-w", "-n", text=text)

    def start(self):
        self.restore(FW3)

    def stop(self):
        self.restore({table: [line.replace("-A", "-D", 1) for line in lines if line.startswith("-A")] +
                      [f"-X {line.split()[0][1:]}" for line in lines if line.startswith(":")]
                      for table, lines in FW3.items()})

    def stop_all(self):
        for program in ("iptables", "ip6tables"):
            for table in FW3:
                self.case.router(program, "-w", "-t", table, "-F")
                self.case.router(program, "-w", "-t", table, "-X")


class Mwan3:
    def __init__(self, case):
        self.standin = Mwan3Standin(case.lab.ns("rtr"), case.directory, INTERFACES, MEMBERS, POLICIES,
                                    [("all", {"dest_ip": "0.0.0.0/0"})], ["192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"],
                                    gentle=True)

    def start(self):
        self.standin.start()

    def stop(self):
        self.standin.stop()


class Peers(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(n_links=3, delay_ms=20).start()
        cls.addClassCleanup(cls.lab.stop)

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="peers-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        for name in ("resolv", "run", "state"):
            (self.directory / name).mkdir()
        self.resolv = self.directory / "resolv" / "auto"
        self.seed = int(os.environ.get("AUTONOMY_SEED", "1"))
        self.rounds = int(os.environ.get("AUTONOMY_ROUNDS", "3"))
        self.random = random.Random(self.seed)
        self.daemon = None
        self.peers, self.up, self.flows = {}, set(), []
        self.addCleanup(os.environ.__setitem__, "PATH", os.environ["PATH"])
        self.addCleanup(self.end)

    def use_legacy(self):
        """iptables as routers with fw3 have it, where this machine has it too."""
        folder = self.directory / "bin"
        folder.mkdir()
        for program, verb in itertools.product(("iptables", "ip6tables"), ("", "-save", "-restore")):
            found = shutil.which(f"{program}-legacy{verb}")
            if found:
                (folder / f"{program}{verb}").symlink_to(found)
        os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"

    def end(self):
        for flow in self.flows:
            flow.process.kill()
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
            self.router(BUILD / "autonomyd", "--config", self.directory / "config", "--run-dir", self.directory / "run",
                        "--release")
        for name in list(self.up):
            with contextlib.suppress(AssertionError):  # a test that failed may have left it half there
                self.stop(name)
        for link in self.lab.links:
            self.lab.clear(link)

    def router(self, *words, text=None):
        return self.lab.run("rtr", list(map(str, words)), input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True).stdout

    def start(self, name):
        self.peers[name].start()
        self.up.add(name)

    def stop(self, name):
        self.up.discard(name)
        self.peers[name].stop()

    def begin(self, firewall, mwan3=True):
        # a port may come again, and its flow of an earlier test be on another link
        self.router("conntrack", "-F")
        self.firewall = firewall(self)
        self.peers = {"ubusd": Bus(self), "netifd": Netifd(self), "dnsmasq": Dnsmasq(self), "firewall": self.firewall}
        if mwan3:
            self.peers["mwan3"] = Mwan3(self)
        for name in self.peers:
            self.start(name)
        (self.directory / "config").write_text(
            f"config autonomy 'main'\n\toption log_syslog '0'\n\toption log_level 'info'\n\toption ubus_socket '{self.directory}/bus'\n"
            "config defaults 'defaults'\n\toption hold '1s'\n\toption hold_max '1s'\n"
            f"config steer 'steer'\n\toption firewall '{firewall.option}'\n\toption mwan3_config '{self.directory}/mwan3'\n"
            f"\toption dns_file '{self.resolv}'\n")
        with open(self.directory / "log", "ab") as log:
            self.daemon = self.lab.popen("rtr", list(map(str, [
                BUILD / "autonomyd", "--config", self.directory / "config", "--run-dir", self.directory / "run",
                "--state-dir", self.directory / "state", "--foreground"])), stdout=log, stderr=log)
        self.until(lambda: self.health() == {name: {"up"} for name in INTERFACES}, "all links up")
        self.until(self.peers["ubusd"].has_object, "the object on the bus")

    def until(self, condition, what, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                self.fail(f"seed {self.seed}: {what}: not within {seconds} s; {self.health()}\n{self.router('ip', 'rule')}\n"
                          + (self.directory / "log").read_text()[-4000:])
            time.sleep(0.05)

    def status(self):
        done = subprocess.run([BUILD / "autonomyctl", "--socket", self.directory / "run" / "autonomy.sock", "status",
                               "--json"], capture_output=True, text=True, timeout=10, check=False)
        return json.loads(done.stdout or "{}")

    def health(self):
        return {link["link"]: {p["health"] for p in link["paths"]} for link in self.status().get("links", [])}

    def ours(self):
        """All that is ours, line by line, in the kernel and in the file of resolvers."""
        answer = []
        for family in ("-4", "-6"):
            # those of one priority in whatever order
            lines = sorted(line for line in self.router("ip", family, "rule").splitlines() if "proto 74" in line)
            lines += sorted(self.router("ip", family, "route", "show", "table", "all", "proto", "74").splitlines())
            answer += [f"{family} {line}" for line in lines]
        answer += self.router("ip", "nexthop", "show", "proto", "74").splitlines()
        answer += [line for line in self.router("nft", "-s", "list", "table", "inet", "autonomy").splitlines()
                   if line.strip() and self.firewall.option == "nft"]
        for program in ("iptables-save", "ip6tables-save"):
            answer += [line.split("[")[0] for line in self.router(program, "-t", "mangle").splitlines() if "AUTONOMY" in line]
        return answer + self.resolv.read_text().splitlines()

    def settled(self):
        """What is ours, once it stays the same."""
        before = None
        for _ in range(PATIENCE_S * 2):
            now = self.ours()
            if now == before:
                break
            before = now
            time.sleep(0.5)
        rules = [line for line in before if " lookup " in line]
        self.assertEqual(len(rules), len(set(rules)), "a rule is there twice")
        self.assertTrue(any("default" in line for line in before) and rules)
        return before

    def whole(self, wanted, what, seconds=5):
        end = time.monotonic() + seconds
        while self.ours() != wanted:
            if time.monotonic() > end:
                self.assertEqual(self.ours(), wanted, f"seed {self.seed}: {what}\n" + (self.directory / "log").read_text()[-3000:])
            time.sleep(0.1)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def flow(self, mode, **options):
        flow = self.lab.flow(mode, **options)
        flow.what = f"{mode} {options}"
        self.flows.append(flow)
        flow.until_answered()

    def traffic(self):
        """Flows that live on, new ones for each packet, connections, IPv6, and the router's own."""
        self.flow("udp", period_ms=10)
        self.flow("udp", period_ms=10, fresh=True)
        self.flow("tcp", period_ms=50)
        self.flow("stream", period_ms=20)
        self.flow("udp", period_ms=20, to=self.lab.echo6_addr)
        self.flow("udp", period_ms=20, fresh=True, role="rtr")

    def nothing_lost(self, what, outages=()):
        """outages: times of CLOCK_MONOTONIC from and to which nobody can send."""
        n, lost = 0, []
        for flow in self.flows:
            flow.stop()
            # a stream begins to count before it is connected
            samples = list(itertools.dropwhile(lambda s: not s.get("answered_us"), flow.samples()[:-20]))
            n += len(samples)
            lost += [(flow.what, s["sent_us"] // 1000, s.get("error")) for s in samples if not s.get("answered_us")
                     and not any(a <= s["sent_us"] <= b for a, b in outages)]
            lost += [(flow.what, e) for e in flow.events() if e["event"] in ("broken", "failed", "stalled")]
        self.flows.clear()
        print(f"\n  {what}: {n} packets and connections, {len(lost)} lost", flush=True)
        self.assertEqual(lost, [], f"seed {self.seed}: {what}\n" + (self.directory / "log").read_text()[-4000:])

    def one_after_another(self, wanted):
        order = self.random.sample(sorted(self.peers), len(self.peers))
        for name in order:
            self.stop(name)
            time.sleep(self.random.uniform(0, 0.4))
            self.start(name)
            self.whole(wanted, f"{order}: after {name}")

    def all_at_once(self, wanted):
        times = {name: (self.random.uniform(0, 1), self.random.uniform(0, 1)) for name in sorted(self.peers)}
        failed = []

        def restart(name):
            try:
                time.sleep(times[name][0])
                self.stop(name)
                time.sleep(times[name][1])
                self.start(name)
            except Exception as error:  # told by the test, not by a thread
                failed.append((name, error))

        threads = [threading.Thread(target=restart, args=(name,)) for name in self.peers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        self.whole(wanted, f"{times}")

    def run_rounds(self, what):
        wanted = self.settled()
        descriptors = self.descriptors()
        foreign = [line for line in self.router("ip", "rule").splitlines() if "proto 74" not in line]
        self.traffic()
        for _ in range(self.rounds):
            self.one_after_another(wanted)
            self.all_at_once(wanted)
        time.sleep(0.5)
        self.nothing_lost(what)
        self.assertEqual([l for l in self.router("ip", "rule").splitlines() if "proto 74" not in l], foreign)
        # probes open and close some of their own all the time
        self.assertLess(self.descriptors() - descriptors, 20)

    def every_state(self, firewall):
        self.begin(firewall)
        self.run_rounds("all links well")
        self.lab.blackhole("wan1")
        self.until(lambda: self.health()["first"] == {"dead"}, "the first link is dead")
        self.run_rounds("the first link dead")
        # these stay where they are when the first link comes back
        self.flow("udp", period_ms=10)
        self.flow("stream", period_ms=20)
        self.lab.blackhole("wan1", on=False)
        self.until(lambda: self.health()["first"] == {"up"} and not self.redirects(), "the first link in use again", 60)
        self.run_rounds("flows on both links")
        waits = self.peers["ubusd"].waits
        print(f"\n  object back after {min(waits):.2f} to {max(waits):.2f} s, {len(waits)} times", flush=True)
        self.assertLess(max(waits), BACK_S)

    def redirects(self):
        return [line for line in self.router("ip", "rule").splitlines() if 810 < int(line.split(":")[0]) < 900]

    # The tests.

    def test_any_order_nft(self):
        self.every_state(Fw4)

    def test_any_order_iptables(self):
        self.use_legacy()
        self.every_state(Fw3)

    def test_netifd_starts(self):
        """As the real one does it: every address and every rule of anybody is taken out, then it sets its own."""
        self.begin(Fw4, mwan3=False)
        wanted, outages = self.settled(), []
        for mode, options in (("udp", {}), ("udp", {"fresh": True}), ("udp", {"fresh": True, "role": "rtr"})):
            self.flow(mode, period_ms=10, **options)
        lines = [f"addr flush dev {link}" for link in self.lab.links] + ["rule flush", "rule add pref 32766 lookup main"]
        for link in self.lab.links:
            info = self.lab.link_info(link)
            lines += [f"addr add {info['address']}/24 dev {link}",
                      f"route add default via {info['gateway']} dev {link} metric {info['metric']}"]
        for _ in range(self.rounds):
            begin = now_us()
            self.router("ip", "-4", "-batch", "-", text="\n".join(lines) + "\n")
            # What is under way is lost too, and there and back takes 40 ms.  The daemon, on a busy machine, hears of it
            # when all is there again, and moves the flows of addresses that were gone then.
            outages.append((begin - 60000, now_us() + 200000))
            self.until(lambda: not any("absent" in h or "unknown" in h for h in self.health().values()), "links up")
            self.whole(wanted, "netifd has started")
            time.sleep(1.5)
        self.nothing_lost("netifd has started", outages)

    def comes_back(self, firewall, seconds):
        """Somebody takes everybody's rules out."""
        self.begin(firewall, mwan3=False)
        wanted = self.settled()
        self.traffic()
        for _ in range(self.rounds):
            self.firewall.stop_all()
            begin = time.monotonic()
            self.firewall.start()
            self.whole(wanted, "everybody's rules taken out", seconds)
            print(f"\n  {firewall.option}: ours back after {time.monotonic() - begin:.2f} s", end="")
            time.sleep(1.1)
        self.nothing_lost("everybody's rules taken out")

    def test_everybodys_rules_taken_out_nft(self):
        self.comes_back(Fw4, 2)

    def test_everybodys_rules_taken_out_iptables(self):
        # its tables notify nobody
        self.use_legacy()
        self.comes_back(Fw3, 6)


if __name__ == "__main__":
    if os.geteuid() != 0 or not all(map(shutil.which, ("iptables-restore", "nft", "conntrack", "dnsmasq"))):
        print("needs root, nft, iptables, conntrack and dnsmasq")
        sys.exit(SKIP)
    BUILD = Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
