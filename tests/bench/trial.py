"""One trial of a story: traffic, fault, watching, figures.  What a story's functions get is a Trial."""
import subprocess
import sys
import threading
import time
from pathlib import Path

import measure
import story as stories
from stats import NEVER
from traffic import Traffic, addresses

OBSERVE = Path(__file__).resolve().parent / "observe.py"

LEAD_S = (1.0, 2.0)  # traffic runs so long before the fault; random, so that no timer is in step
CLEAN_US = 800_000  # in the last of them nothing may be lost
TAIL_S = 0.7  # the traffic has moved: watch so long after it
STILL_ANSWERED_US = 500_000  # a flow that was answered within so long is alive


class Skip(Exception):
    """This trial cannot be measured; the text says why.

    unprovoked: the system had left the preferred uplink although nothing had happened; its own
    account of it, or None.
    """

    def __init__(self, text, unprovoked=None):
        super().__init__(text)
        self.unprovoked = unprovoked


class Observer:
    """The router's own forwarding decisions for LAN traffic, as observe.py reports them."""

    def __init__(self, lab):
        self.rows = {4: [], 6: []}
        self._changed = threading.Condition()
        client = addresses(lab, "lan", "eth0")
        argv = ["ip", "netns", "exec", lab.ns("rtr"), sys.executable, OBSERVE, "--iif", "lan0",
                "--from", client[4], "--to", lab.echo_addr]
        if client[6] and lab.echo6_addr:
            argv += ["--from6", client[6], "--to6", lab.echo6_addr]
        self._process = subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            t_us, family, device = line.split()
            with self._changed:
                self.rows[int(family)].append((int(t_us), device))
                self._changed.notify_all()

    def device(self, family=4):
        rows = self.rows[family]
        return rows[-1][1] if rows else None

    def wait(self, condition, seconds):
        """Whether condition() came true within so many seconds; looked at after every change."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def stop(self):
        self._process.terminate()
        self._process.wait()


class Trial:
    """What a story sees: the lab, the system, and a few words to tell a longer story with."""

    def __init__(self, lab, system, observer, story, number, rng):
        self.lab, self.system, self.story, self.number = lab, system, story, number
        self.link, self.standby, self.last = lab.links[0], lab.links[min(1, len(lab.links) - 1)], lab.links[-1]
        self.observer = observer
        self._rng = rng
        self._traffic = Traffic(lab)
        self._leave = self.link

    @staticmethod
    def now_us():
        return time.monotonic_ns() // 1000

    def wait(self, seconds):
        time.sleep(seconds)

    def skip(self, why):
        raise Skip(why)

    def lose(self, pct, burst=None):
        """Loss on the uplink in use, as a share of the round trips, half of it on each way."""
        each = 100 * (1 - (1 - pct / 100) ** 0.5)
        return self.lab.loss(self.link, round(each, 3), burst=burst)

    def begin(self, kind):
        """Starts one more kind of traffic; returns the time."""
        self._traffic.begin(kind)
        return self.now_us()

    def tell(self, link, usable, family=None):
        """The truth about a link, for an oracle."""
        self.system.told(link, usable, family)

    def measure_from(self, link):
        """The uplink that traffic must leave, where it is not the preferred one."""
        self._leave = link

    def until_away(self, link, seconds=None):
        """Waits until LAN traffic would leave by another uplink; its name, or None."""
        def away():
            return self.observer.device() not in (link, "-", None)
        found = self.observer.wait(away, seconds or self._patience_s())
        return self.observer.device() if found else None

    def until_on(self, link, seconds):
        return self.observer.wait(lambda: self.observer.device() == link, seconds)

    def _patience_s(self):
        return max(self.system.patience_s, self.story.patience_s)

    def run(self):
        """{"figures", "fault_us", "wrong", "account"} of one trial."""
        story = self.story
        started_us = self.now_us()
        try:
            if story.prepare:
                story.prepare(self)
            for kind in story.traffic:
                self._traffic.begin(kind)
            time.sleep(self._rng.uniform(*LEAD_S))
            begun_us = self.now_us()
            self._expect_preferred(started_us)
            at_us = story.fault(self)
            fault_us = at_us if isinstance(at_us, int) else begun_us
            if story.told and story.expect == stories.SWITCH:
                self.system.told(self.link, False, 6 if story.family == 6 else None)
            for kind, after_s in story.delayed.items():
                time.sleep(max(0, after_s - self._since(fault_us)))
                self._traffic.begin(kind)
            self._watch(fault_us)
        finally:
            self._traffic.end()
        if not story.prepare and self._lost_before(begun_us):
            raise Skip("packets were lost before the fault: the lab or the system was not settled")
        figures = self._figures(fault_us, self._traffic.ended_us)
        return {
            "figures": figures,
            "fault_us": fault_us,
            "wrong": story.check(figures) if story.check else None,
            "account": self.system.account(fault_us),
        }

    def _expect_preferred(self, started_us):
        """A system that left its uplink without a reason cannot show how it leaves it with one."""
        if self.story.prepare or self.story.from_start:
            return
        for family in (4, 6):
            device = self.observer.device(family)
            if device not in (self.link, None):
                account = self.system.account(started_us)
                raise Skip(f"IPv{family} left {self.link} for {device} before anything happened", account or [])

    def _since(self, fault_us):
        return (self.now_us() - fault_us) / 1e6

    def _lost_before(self, begun_us):
        # the last round trip before the fault is the fault's
        return sum(measure.lost(flow.packets, begun_us - CLEAN_US, begun_us - 150_000)
                   for kind, flow in self._traffic.read().items() if kind.startswith(("fresh", "udp")))

    def _watch(self, fault_us):
        story = self.story
        if story.expect in (stories.STAY, stories.UNHARMED):
            time.sleep(max(0, story.watch_s - self._since(fault_us)))
            return
        deadline = time.monotonic() + self._patience_s()
        while not self._away(fault_us) and time.monotonic() < deadline:
            time.sleep(0.02)
        # What was silent for long is tried again only after as long: TCP doubles its time-out.
        time.sleep(TAIL_S)
        deadline = time.monotonic() + self._since(fault_us)
        while not self._all_alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(max(0, story.watch_s - self._since(fault_us)))

    def _away(self, fault_us):
        """Whether the traffic is where the story wants it, as far as can be seen while it runs."""
        story = self.story
        family = story.family
        routed = story.profile == "default" and not story.metric.startswith(("dns", "http")) and not self.system.marks
        if story.expect == stories.SWITCH and routed:
            rows = self.observer.rows[family]
            return measure.first_change_ms(rows, fault_us, self._leave) not in (None, NEVER)
        kind = next((k for k in ("dns", "http", "fresh") if k in (*story.traffic, *story.delayed)), None)
        live = self._traffic.live(kind)
        if not self._alive(live) or live["live_us"] - live["silence_us"] < fault_us + STILL_ANSWERED_US:
            return False
        return story.expect == stories.RECOVER or "via" not in live or self._traffic.link_of(live["via"]) != self._leave

    def _all_alive(self):
        return all(self._alive(self._traffic.live(k)) for k in self.story.traffic if k.startswith(("tcp", "udp")))

    @staticmethod
    def _alive(live):
        return bool(live) and live["silence_us"] < STILL_ANSWERED_US

    def _figures(self, fault_us, end_us):
        flows = self._traffic.read()
        counted_us = end_us
        figures = {"lost": 0, "sent": 0, "broken": 0}
        for suffix, family in (("", 4), ("6", 6)):
            fresh = flows.get("fresh" + suffix)
            if fresh:
                moves = measure.switches(fresh.packets, fault_us - 500_000)
                figures["fresh" + suffix + "_ms"] = measure.first_answer_ms(fresh.packets, fault_us)
                figures["moved" + suffix + "_ms"] = measure.moved_ms(fresh.packets, fault_us, self._leave)
                figures["switches" + suffix] = max(0, len(moves) - 1)
                trips = sorted(measure.round_trip_ms(fresh.packets, fault_us, counted_us))
                figures["late" + suffix + "_ms"] = trips[int(len(trips) * 0.95)] if trips else None
            udp = flows.get("udp" + suffix)
            if udp:
                figures["udp" + suffix + "_ms"] = measure.outage_ms(udp.packets, fault_us, end_us)
            tcp = flows.get("tcp" + suffix)
            if tcp:
                figures["tcp" + suffix + "_ms"] = measure.silent_ms(tcp, fault_us)
                figures["broken"] += sum(1 for t in tcp.breaks if t >= fault_us)
            rows = self.observer.rows[family]
            figures["switch" + suffix + "_ms"] = measure.first_change_ms(rows, fault_us, self._leave)
            figures["decisions" + suffix] = sum(1 for t, device in rows if fault_us <= t <= end_us)
            key = "lost" + suffix
            figures.setdefault(key, 0)
            for flow in (fresh, udp):
                if flow:
                    figures[key] += measure.lost(flow.packets, fault_us, counted_us)
                    figures["sent"] += sum(1 for p in flow.packets if fault_us <= p.sent_us < counted_us)
        for kind in ("dns", "http"):
            if kind in flows:
                figures[kind + "_ms"] = measure.first_answer_ms(flows[kind].packets, fault_us)
        return figures
