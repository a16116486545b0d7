#!/usr/bin/env python3
"""The lab measured by its own traffic: what it is told to do is what happens.  Needs root.

Chance is seeded, and limits are four standard deviations where chance is left.  Times are judged by
medians, so that one late wake-up of a busy machine is not an error.
"""

import gzip
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import lab as lab_module
from lab import Lab, LabError, now_us

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "traces"))
import maketraces  # noqa: E402

RTMGRP_LINK = 1
RTM_NEWLINK = 16
IFF_LOWER_UP = 0x10000
IFLA_IFNAME = 3
SLACK_US = 1000  # sending, the way through the router, and reading the clock


def setUpModule():
    if os.geteuid() != 0:
        raise RuntimeError("the lab makes network namespaces: run these tests as root")


def ways_us(samples):
    """Times there and times back of the answered samples."""
    done = [s for s in samples if s["answered_us"] is not None]
    return [s["served_us"] - s["sent_us"] for s in done], [s["answered_us"] - s["served_us"] for s in done]


def bursts(samples):
    """Lengths of the runs of lost samples."""
    lengths, run = [], 0
    for sample in samples:
        if sample["answered_us"] is None:
            run += 1
        elif run:
            lengths.append(run)
            run = 0
    return lengths + ([run] if run else [])


class LinkWatch:
    """Hears from the kernel, in a namespace, when a device's carrier changes."""

    def __init__(self, namespace, device):
        self.device = device
        self.sock = lab_module.socket_in(namespace, socket.AF_NETLINK, socket.SOCK_RAW)
        self.sock.bind((0, RTMGRP_LINK))
        self.sock.settimeout(2)

    def until(self, carrier):
        """The time at which the carrier was first told to be so."""
        while True:
            data = self.sock.recv(65536)
            at_us = now_us()
            kind, flags = struct.unpack_from("=4xH2x8x8xI", data)
            if kind == RTM_NEWLINK and self._name(data) == self.device and bool(flags & IFF_LOWER_UP) == carrier:
                return at_us

    @staticmethod
    def _name(data):
        offset = 32
        while offset + 4 <= len(data):
            length, kind = struct.unpack_from("=HH", data, offset)
            if kind == IFLA_IFNAME:
                return data[offset + 4 : offset + length - 1].decode()
            offset += max(4, (length + 3) & ~3)
        return None

    def close(self):
        self.sock.close()


class LabCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(n_links=2, delay_ms=5, seed=3)
        cls.lab.start()

    @classmethod
    def tearDownClass(cls):
        cls.lab.stop()

    def setUp(self):
        self.lab.clear()

    def udp(self, seconds=0.5, period_ms=2, **options):
        """Samples of a finished UDP echo flow."""
        flow = self.lab.flow("udp", duration_s=seconds, period_ms=period_ms, drain_ms=200, **options)
        flow.wait()
        return flow.samples()

    def answered(self, to=None, **options):
        return sum(s["answered_us"] is not None for s in self.udp(0.05, 10, to=to or self.lab.echo_addr, **options))

    def ping(self, to, size=56, count=5):
        argv = ["ping", "-n", "-q", f"-c{count}", "-i0.01", "-W1", f"-s{size}", to]
        done = self.lab.run("lan", argv, capture_output=True, text=True)
        return int(done.stdout.split(" received")[0].split()[-1])


class Impairments(LabCase):
    def test_delay_is_exact_in_each_direction(self):
        self.lab.delay("wan1", 12, direction="up")
        self.lab.delay("wan1", 31, direction="down")
        there, back = ways_us(self.udp())
        self.assertAlmostEqual(statistics.median(there), 12000, delta=300)
        self.assertAlmostEqual(statistics.median(back), 31000, delta=300)
        self.assertGreaterEqual(min(there), 12000)
        self.assertGreaterEqual(min(back), 31000)

    def test_jitter_spreads_but_keeps_the_order(self):
        self.lab.set("wan1", "up", delay="20ms", jitter="8ms")
        samples = self.udp(1, period_ms=20)
        there, _ = ways_us(samples)
        self.assertGreater(statistics.pstdev(there), 3000)
        self.assertGreaterEqual(min(there), 12000)
        self.assertLess(statistics.median(there), 21500)
        self.lab.set("wan1", "up", delay="20ms", jitter="8ms")
        served = [s["served_us"] for s in self.udp(0.5, period_ms=1)]
        self.assertEqual(served, sorted(served))

    def test_reordering_when_asked(self):
        self.lab.set("wan1", "up", delay="20ms", jitter="8ms", reorder="on")
        served = [s["served_us"] for s in self.udp(0.5, period_ms=1)]
        self.assertNotEqual(served, sorted(served))

    def test_random_loss(self):
        self.lab.loss("wan1", 10, direction="up")
        samples = self.udp(2, period_ms=0.5)
        lost = sum(s["answered_us"] is None for s in samples) / len(samples)
        self.assertAlmostEqual(lost, 0.10, delta=4 * (0.1 * 0.9 / len(samples)) ** 0.5)
        self.assertLess(statistics.mean(bursts(samples)), 1.3)

    def test_bursty_loss(self):
        self.lab.loss("wan1", 10, burst=5, direction="down")
        samples = self.udp(3, period_ms=0.5)
        runs = bursts(samples)
        mean_sd = 20**0.5 / len(runs) ** 0.5
        self.assertAlmostEqual(statistics.mean(runs), 5, delta=4 * mean_sd)
        # variance of the loss is larger than that of independent losses by about 2 * burst
        self.assertAlmostEqual(
            sum(runs) / len(samples), 0.10, delta=4 * (2 * 5 * 0.1 * 0.9 / len(samples)) ** 0.5
        )

    def test_impossible_bursts_are_refused(self):
        with self.assertRaisesRegex(LabError, "lower loss or raise burst"):
            self.lab.loss("wan1", 90, burst=2)
        self.assertEqual(self.lab.show()["wan1"]["up"], "delay 5ms")

    def test_rate_and_queue(self):
        self.lab.rate("wan1", 20, queue_ms=60, direction="up")
        dropped = self.lab.stats()["wan1"]["up"].get("dropped_queue", 0)
        samples = self.udp(0.8, period_ms=0.25, size=1400)  # 46 Mbit/s
        there, _ = ways_us(samples)
        served = [s["served_us"] for s in samples if s["served_us"] is not None]
        frame_bits = (1400 + 28 + 14) * 8
        mbit = (len(served) - 1) * frame_bits / (served[-1] - served[0])
        self.assertAlmostEqual(mbit, 20, delta=0.2)
        self.assertAlmostEqual(statistics.median(there[-500:]), 5000 + 60000, delta=SLACK_US)
        dropped = self.lab.stats()["wan1"]["up"]["dropped_queue"] - dropped
        self.assertEqual(dropped, len(samples) - len(served))

    def test_bulk_fills_a_slow_link(self):
        self.lab.rate("wan1", 10, queue_ms=100)
        bulk = self.lab.flow("bulk", duration_s=1.5)
        bulk.wait()
        carried = [s for s in bulk.samples() if s.get("bytes")]
        carried = [s for s in carried if s["sent_us"] > carried[0]["sent_us"] + 300000]
        mbit = (carried[-1]["bytes"] - carried[0]["bytes"]) * 8 / (carried[-1]["sent_us"] - carried[0]["sent_us"])
        self.assertAlmostEqual(mbit, 10 * 1448 / 1514, delta=0.7)

    def test_carries_100_mbit(self):
        summary = self.lab.flow("bulk", duration_s=1.5).wait()
        self.assertGreater(summary["bytes"] * 8 / 1.5e6, 100)

    def test_duplicates_and_corruption(self):
        self.lab.duplicate("wan1", 100, direction="down")
        done = self.lab.run(
            "lan", ["ping", "-n", "-c3", "-i0.05", "-W1", self.lab.echo_addr], capture_output=True, text=True
        )
        self.assertIn("DUP!", done.stdout)
        self.lab.clear()
        # A flipped bit is caught by a checksum, or turns the packet into another's.
        self.lab.corrupt("wan1", 100, direction="up")
        self.assertEqual(self.answered(), 0)


class Faults(LabCase):
    def fault(self, start, lead_s=0.2, tail_s=0.2, **options):
        """(time of the fault, samples around it)"""
        flow = self.lab.flow("udp", period_ms=1, drain_ms=100, **options)
        time.sleep(lead_s)
        at_us = start()
        time.sleep(tail_s)
        flow.stop()
        return at_us, flow.samples()

    def test_black_hole_up_is_exact(self):
        dropped = self.lab.stats()["wan1"]["down"]["dropped"]
        at_us, samples = self.fault(lambda: self.lab.blackhole("wan1", "up"))
        reached = [s["sent_us"] for s in samples if s["served_us"] is not None]
        self.assertAlmostEqual(max(reached), at_us, delta=1000 + SLACK_US)
        self.assertLess(max(reached), at_us)
        # what was under way arrived
        self.assertGreater(max(s["served_us"] for s in samples if s["served_us"]), at_us + 4000)
        at_us, samples = self.fault(lambda: self.lab.blackhole("wan1", "up", on=False))
        reached = [s["sent_us"] for s in samples if s["served_us"] is not None]
        self.assertAlmostEqual(min(reached), at_us, delta=1000 + SLACK_US)
        self.assertEqual(self.lab.stats()["wan1"]["down"]["dropped"], dropped)

    def test_black_hole_down_is_exact(self):
        dropped = self.lab.stats()["wan1"]["up"]["dropped"]
        at_us, samples = self.fault(lambda: self.lab.blackhole("wan1", "down"))
        served = [s["served_us"] for s in samples if s["answered_us"] is not None]
        self.assertAlmostEqual(max(served), at_us, delta=1000 + SLACK_US)
        self.assertEqual(self.lab.stats()["wan1"]["up"]["dropped"], dropped)

    def test_black_hole_leaves_other_links_alone(self):
        self.lab.blackhole("wan1")
        self.lab.run("rtr", ["ip", "route", "add", "192.0.2.1/32", "via", "100.64.2.1"], check=True)
        try:
            samples = self.udp(0.2)
        finally:
            self.lab.run("rtr", ["ip", "route", "del", "192.0.2.1/32"], check=True)
        self.assertEqual({self.lab.link_of(s.get("via")) for s in samples}, {"wan2"})

    def test_fault_times_are_on_the_clock(self):
        before_us = now_us()
        at_us = [self.lab.now_us(), self.lab.blackhole("wan1"), self.lab.loss("wan2", 1), self.lab.dns_dead("wan2")]
        self.assertEqual(at_us, sorted(at_us))
        self.assertTrue(before_us <= at_us[0] and at_us[-1] <= now_us())

    def test_mtu_black_hole(self):
        self.lab.mtu_blackhole("wan1", 1400)
        self.assertEqual(self.ping(self.lab.echo_addr, size=1372), 5)
        self.assertEqual(self.ping(self.lab.echo_addr, size=1373), 0)
        self.assertEqual(self.ping(self.lab.echo6_addr, size=1352), 5)
        self.assertEqual(self.ping(self.lab.echo6_addr, size=1353), 0)

    def test_one_family_only(self):
        addresses = {4: self.lab.echo_addr, 6: self.lab.echo6_addr}
        for family, dead, alive in ((4, addresses[4], addresses[6]), (6, addresses[6], addresses[4])):
            self.lab.family_blackhole("wan1", family)
            self.assertEqual((self.answered(dead), self.answered(alive)), (0, 5))
            self.lab.family_blackhole("wan1", family, False)
            self.assertEqual(self.answered(dead), 5)

    def test_dns_dead(self):
        self.lab.dns_dead("wan1")
        query = {"duration_s": 0.3, "drain_ms": 100, "to": "1.1.1.1"}
        self.assertEqual(self.lab.flow("dns", **query).wait()["answered"], 0)
        self.assertEqual(self.answered(), 5)
        self.lab.dns_dead("wan1", False)
        self.assertEqual(self.lab.flow("dns", **query).wait()["lost"], 0)

    def test_target_dead(self):
        for dead, alive in (("1.1.1.1", "8.8.8.8"), (self.lab.targets6[0], self.lab.targets6[1])):
            self.lab.target_dead(dead)
            self.assertEqual((self.ping(dead), self.ping(alive)), (0, 5))
        self.lab.clear()
        self.assertEqual(self.ping("1.1.1.1"), 5)

    def test_icmp_rate_limit_is_per_destination(self):
        self.lab.icmp_ratelimit(3)
        self.assertEqual(self.ping("9.9.9.9", count=10), 3)
        self.assertEqual(self.ping("8.8.4.4", count=3), 3)
        self.assertEqual(self.answered("9.9.9.9"), 5)

    def test_upstream_dead_leaves_the_gateway(self):
        self.lab.upstream_dead("wan1")
        self.assertEqual(self.answered(), 0)
        for gateway in ("100.64.1.1", "fe80::1%wan1"):
            done = self.lab.run("rtr", ["ping", "-n", "-c2", "-i0.05", "-W1", gateway], stdout=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0)

    def test_portal(self):
        self.lab.portal("wan1")
        flow = self.lab.flow("http", duration_s=0.1, to="1.1.1.1")
        flow.wait()
        self.assertEqual(flow.samples()[0]["status"], 302)
        self.assertEqual(self.answered(), 0)
        self.assertEqual(self.ping("1.1.1.1"), 5)
        self.lab.portal("wan1", False)
        flow = self.lab.flow("http", duration_s=0.1, to=self.lab.targets6[0])
        flow.wait()
        self.assertEqual(flow.samples()[0]["status"], 204)
        self.assertEqual(self.answered(), 5)

    def test_carrier(self):
        watch = LinkWatch(self.lab.ns("rtr"), "wan1")
        self.addCleanup(watch.close)
        for up in (False, True):
            at_us = self.lab.carrier("wan1", up)
            self.assertAlmostEqual(watch.until(up), at_us, delta=20000)
            done = self.lab.run("rtr", ["cat", "/sys/class/net/wan1/carrier"], capture_output=True, text=True)
            self.assertEqual(done.stdout.strip(), "1" if up else "0")

    def test_renumber_and_gateway_change(self):
        for change in (self.lab.renumber, self.lab.change_gateway, self.lab.renumber):
            old = self.lab.link_info("wan2")
            change("wan2")
            new = self.lab.link_info("wan2")
            self.assertNotEqual(old["gateway"], new["gateway"])
            gateways = {old["gateway"]: False, new["gateway"]: True, new["gateway6"] + "%wan2": True}
            for gateway, answers in gateways.items():
                argv = ["ping", "-n", "-c1", "-W1", "-I", "wan2", gateway]
                done = self.lab.run("rtr", argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.assertEqual(done.returncode == 0, answers)
            routes = self.lab.run("rtr", ["ip", "route"], capture_output=True, text=True).stdout
            self.assertIn(f"default via {new['gateway']} dev wan2 metric 200", routes)
            self.assertEqual(routes.count("dev wan2 metric 200"), 1)

    def test_unplug_and_plug(self):
        self.lab.unplug("wan1")
        done = self.lab.run("rtr", ["ip", "link", "show", "wan1"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual({self.lab.link_of(s.get("via")) for s in self.udp(0.1)}, {"wan2"})
        self.lab.plug("wan1")
        self.assertEqual({self.lab.link_of(s.get("via")) for s in self.udp(0.1, to=self.lab.echo6_addr)}, {"wan1"})
        self.assertEqual({self.lab.link_of(s.get("via")) for s in self.udp(0.1)}, {"wan1"})


class Traffic(LabCase):
    def test_every_kind_of_traffic_is_answered_in_both_families(self):
        for to in (self.lab.echo_addr, self.lab.echo6_addr):
            flows = [
                self.lab.flow("udp", to=to, duration_s=0.5),
                self.lab.flow("udp", to=to, duration_s=0.5, fresh=True, size=1200),
                self.lab.flow("tcp", to=to, duration_s=0.5, period_ms=20),
                self.lab.flow("dns", to=to, duration_s=0.5, period_ms=20),
                self.lab.flow("http", to=to, duration_s=0.5, period_ms=20),
            ]
            for flow in flows:
                summary = flow.wait()
                self.assertEqual(summary["lost"], 0, summary)
                self.assertGreaterEqual(summary["sent"], 25)
            for flow in flows[:3]:
                self.assertEqual({self.lab.link_of(via) for via in flow.wait()["via"]}, {"wan1"})

    def test_stream_notices_and_survives_a_lost_connection_state(self):
        flow = self.lab.flow("stream", period_ms=10).until_answered()
        at_us = now_us()
        # A masqueraded connection does not survive another way out: the kernel forgets its state
        # and the next packet arrives from an address the server does not know.
        self.lab.run("rtr", ["ip", "route", "add", "192.0.2.1/32", "via", "100.64.2.1"], check=True)
        time.sleep(0.5)
        summary = flow.stop()
        self.lab.run("rtr", ["ip", "route", "del", "192.0.2.1/32"], check=True)
        self.assertEqual((summary["resets"], summary["connects"]), (1, 2))
        self.assertEqual({self.lab.link_of(via) for via in summary["via"]}, {"wan1", "wan2"})
        broken = [e for e in flow.events() if e["event"] == "broken"]
        self.assertEqual(broken[0]["error"], "ECONNRESET")
        self.assertGreater(broken[0]["at_us"], at_us)

    def test_silence_is_the_time_without_answers(self):
        flow = self.lab.flow("udp", period_ms=2).until_answered()
        start_us = self.lab.blackhole("wan1", "down")
        time.sleep(0.3)
        end_us = self.lab.blackhole("wan1", "down", on=False)
        time.sleep(0.2)
        summary = flow.stop()
        self.assertAlmostEqual(summary["longest_silence_us"], end_us - start_us, delta=2000 + 2 * SLACK_US)
        self.assertAlmostEqual(summary["silence_to_us"], end_us + 5000, delta=2000 + SLACK_US)

    def test_log_at_the_end_has_one_line_a_packet(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            argv = ["labflow", "udp", "--to", self.lab.echo_addr, "--duration-s", "0.2", "--log", log]
            self.lab.run("lan", argv, check=True, stdout=subprocess.DEVNULL)
            samples, events = lab_module.read_log(log)
            self.assertEqual(len(log.read_text().splitlines()), len(samples) + len(events))
            self.assertEqual(len(samples), 20)

    def test_dns_over_tcp(self):
        query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\3www\7example\0" + struct.pack(">HH", 28, 1)
        code = (
            "import socket, sys\n"
            "s = socket.create_connection(('1.1.1.1', 53), 2)\n"
            f"s.sendall({struct.pack('>H', len(query)) + query!r})\n"
            "sys.stdout.buffer.write(s.recv(512))\n"
        )
        reply = self.lab.run("lan", [sys.executable, "-c", code], capture_output=True, check=True).stdout
        self.assertEqual(struct.unpack_from(">H", reply)[0], len(reply) - 2)
        self.assertTrue(reply.endswith(socket.inet_pton(socket.AF_INET6, "2001:db8::1")))

    def test_https_port_accepts(self):
        code = "import socket; socket.create_connection(('9.9.9.9', 443), 2)"
        self.lab.run("lan", [sys.executable, "-c", code], check=True)


class Traces(LabCase):
    CSV = "tech,loss,rtt_ms,t_s\n" + "".join(
        f"x,{1 if 0.5 <= t < 1 else 0},{20 if t < 0.5 else '' if t < 1 else 80},{t + 7:.1f}\n"
        for t in (i / 10 for i in range(15))
    )

    def played(self, samples, start_us, speed=1.0):
        """Samples by the second of the trace in which they entered the link, edges left out."""
        groups = {0: [], 1: [], 2: []}
        for sample in samples:
            at_s = (sample["sent_us"] - start_us) / 1e6 * speed
            group, rest = divmod(at_s, 0.5)
            if 0.1 * speed <= rest <= 0.5 - 0.1 * speed and group in groups:
                groups[group].append(sample)
        return groups

    def check_play(self, path, speed):
        flow = self.lab.flow("udp", period_ms=2, drain_ms=200).until_answered()
        start_us = self.lab.play("wan1", path, speed=speed)
        time.sleep(1.5 / speed)
        flow.stop()
        groups = self.played(flow.samples(), start_us, speed)
        there, back = ways_us(groups[0])
        self.assertAlmostEqual(statistics.median(there), 10000, delta=300)
        self.assertAlmostEqual(statistics.median(back), 10000, delta=300)
        self.assertTrue(groups[1] and all(s["answered_us"] is None for s in groups[1]))
        there, _ = ways_us(groups[2])
        self.assertAlmostEqual(statistics.median(there), 40000, delta=300)

    def test_plays_plain_and_gzipped_also_faster(self):
        with tempfile.TemporaryDirectory() as folder:
            plain, zipped = Path(folder) / "trace.csv", Path(folder) / "trace.csv.gz"
            plain.write_text(self.CSV)
            zipped.write_bytes(gzip.compress(self.CSV.encode()))
            self.check_play(plain, 1)
            self.check_play(zipped, 2)

    def test_offset_loop_and_end(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.csv"
            path.write_text(self.CSV)
            self.lab.play("wan1", path, offset_s=1.5 * 100 + 1.0)
            there, _ = ways_us(self.udp(0.2))
            self.assertAlmostEqual(statistics.median(there), 40000, delta=300)
            self.lab.stop_playing("wan1")
            there, _ = ways_us(self.udp(0.2))
            self.assertAlmostEqual(statistics.median(there[-20:]), 5000, delta=300)

    def test_loss_of_a_trace_is_that_of_the_round_trip(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.csv"
            path.write_text("t_s,rtt_ms,loss\n" + "".join(f"{t},10,0.3\n" for t in range(10)))
            self.lab.play("wan1", path)
            samples = self.udp(1.5, period_ms=0.5)
            lost = sum(s["answered_us"] is None for s in samples) / len(samples)
            self.assertAlmostEqual(lost, 0.3, delta=4 * (0.21 / len(samples)) ** 0.5)

    def test_unreadable_traces_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.csv"
            for text in ("", "time,delay\n1,2\n", "t_s,rtt_ms,loss\n", "t_s,loss\nx,y\n"):
                path.write_text(text)
                with self.assertRaisesRegex(LabError, "t_s and rtt_ms or loss"):
                    self.lab.play("wan1", path)
            with self.assertRaisesRegex(LabError, "No such file"):
                self.lab.play("wan1", Path(folder) / "none.csv")
        self.assertFalse(self.lab.show()["wan1"]["playing"])

    def test_own_traces_are_what_their_script_makes(self):
        size = 0
        for name in maketraces.TRACES:
            data = (HERE / "traces" / name).read_bytes()
            size += len(data)
            self.assertEqual(gzip.decompress(data).decode(), maketraces.text(name))
            self.lab.play("wan1", HERE / "traces" / name)
        self.assertLess(size, 300000)


class Control(LabCase):
    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(str(self.lab.directory / "emulator"))
        sock.settimeout(2)
        self.addCleanup(sock.close)
        return sock

    def test_errors_say_what_to_do(self):
        for command, words in (
            ("fly", "try help"),
            ("set wan1 both delay", "needs a value"),
            ("set wan1 both delay soon", "e.g. 20ms"),
            ("set wan1 both speed 3", "use one of"),
            ("set wan9 both delay 1ms", "show lists them"),
            ("set wan1 sideways delay 1ms", "up .* down or both"),
            ("carrier wan1 gone", "up or down"),
            ("dead example.org on", "IPv4 or IPv6"),
        ):
            with self.assertRaisesRegex(LabError, words):
                self.lab.emu(command)

    def test_a_line_with_a_mistake_changes_nothing(self):
        before = self.lab.show()
        with self.assertRaises(LabError):
            self.lab.emu("set wan1 both loss 50% blackhole maybe")
        self.assertEqual(self.lab.show(), before)

    def test_survives_garbage(self):
        rng = random.Random(1)
        for _ in range(20):
            sock = self.connect()
            sock.sendall(bytes(rng.choice(b"set wan1 both \n\0\xff%delay") for _ in range(3000)) + b"\n")
            sock.close()
        sock = self.connect()
        sock.sendall(b"x" * 100000 + b"\nnow\n")
        lines = sock.makefile("r")
        self.assertIn("at most 4095", lines.readline())
        self.assertTrue(lines.readline().startswith("ok "))
        self.lab.clear()
        self.assertEqual(self.answered(), 5)

    def test_counts_every_frame(self):
        before = self.lab.stats()["wan1"]["up"]
        self.lab.set("wan1", "up", drop="udp/7")
        self.assertEqual(self.answered(), 0)
        after = self.lab.stats()["wan1"]["up"]
        self.assertEqual(after["dropped_filter"] - before.get("dropped_filter", 0), 5)
        self.assertEqual(after["overruns"], 0)

    def test_idle_costs_nothing(self):
        pid = self.lab.emulator_pid()

        def ticks():
            words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            return int(words[11]) + int(words[12])

        self.lab.carrier("wan2", False)
        before = ticks()
        time.sleep(1)
        self.assertLessEqual(ticks() - before, 1)


class Life(unittest.TestCase):
    SCRIPT = (
        "import sys, time; sys.path.insert(0, {path!r})\n"
        "from lab import Lab\n"
        "lab = Lab(n_links=1, prefix={prefix!r}).start()\n"
        "lab.popen('lan', ['sleep', '100'])\n"
        "print('ready', flush=True)\n"
        "time.sleep(100)\n"
    )

    def assertGone(self, prefix):
        self.assertEqual(lab_module.namespaces(prefix), [])
        self.assertFalse((lab_module.RUN / prefix).exists())

    def run_until_ready(self, prefix):
        code = self.SCRIPT.format(path=str(HERE), prefix=prefix)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        self.assertNotEqual(lab_module.namespaces(prefix), [])
        return process

    def test_leaves_nothing(self):
        with Lab(n_links=3) as lab, Lab(n_links=1, ipv6=False) as other:
            prefixes = [lab.prefix, other.prefix]
            sleeper = lab.popen("rtr", ["sleep", "100"])
            self.assertEqual(len(lab_module.namespaces(lab.prefix)), 7)
            self.assertEqual(other.flow("udp", duration_s=0.1).wait()["lost"], 0)
            self.assertIsNone(other.echo6_addr)
        self.assertIsNotNone(sleeper.poll())
        for prefix in prefixes:
            self.assertGone(prefix)

    def test_with_netifd_addresses_go_and_come_with_the_carrier(self):
        with Lab(n_links=2, netifd=True) as lab:
            before = lab.run("rtr", ["ip", "route"], capture_output=True, text=True).stdout
            lab.carrier("wan1", False)
            during = lab.run("rtr", ["ip", "route"], capture_output=True, text=True).stdout
            self.assertNotIn("wan1", during)
            self.assertIn("default via 100.64.2.1 dev wan2", during)
            lab.carrier("wan1", True)
            after = lab.run("rtr", ["ip", "route"], capture_output=True, text=True).stdout
            self.assertEqual(sorted(after.splitlines()), sorted(before.splitlines()))

    def test_leaves_nothing_after_sigterm(self):
        process = self.run_until_ready("labterm")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 128 + signal.SIGTERM)
        self.assertGone("labterm")

    def test_sweep_removes_what_a_killed_owner_left(self):
        process = self.run_until_ready("labkill")
        process.kill()
        process.wait()
        self.assertIn("labkill", lab_module.sweep())
        self.assertGone("labkill")

    def test_a_lab_that_cannot_start_leaves_nothing(self):
        with Lab(n_links=1, prefix="labtwice"):
            with self.assertRaises((LabError, FileExistsError)):
                Lab(n_links=1, prefix="labtwice").start()
            self.assertNotEqual(lab_module.namespaces("labtwice"), [])
        self.assertGone("labtwice")


if __name__ == "__main__":
    unittest.main(verbosity=1)
