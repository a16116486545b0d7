"""A small scorer for when the project's scorer is not at hand: the same questions, asked of the lab's own traces.

It knows no models of other systems.  A slot of SLOT_S is bad for a link when the rating R of
docs/decision.md is under 70 there, and out when nothing gets through; a switch costs SWITCH_S.
"""
import bisect
import csv
import gzip
import json
import pathlib
import statistics

SLOT_S, SWITCH_S = 0.2, 0.5
HOLD_S, LATE_MS = 1.6, 1000.0
POLICIES = {}


def rating(rtt_ms, loss):
    delay_ms = rtt_ms / 2 + 40
    delay_term = 0.024 * delay_ms + max(0.0, delay_ms - 177.3) * 0.11
    percent = 100 * loss
    return 93.2 - delay_term - 95 * percent / (percent + 25.1)


class Link:
    def __init__(self, name, path):
        self.name, self.t, self.state = name, [], []
        rows = []
        with gzip.open(path, "rt") as f:
            for row in csv.DictReader(f):
                if row["loss"] or row["rtt_ms"]:
                    rtt = float(row["rtt_ms"]) if row["rtt_ms"] else None
                    rows.append((float(row["t_s"]), rtt, float(row["loss"] or 0)))
        usual = statistics.median([rtt for _, rtt, _ in rows if rtt is not None] or [50.0])
        for t, rtt, loss in rows:
            late = rtt is not None and rtt > LATE_MS
            self.t.append(t)
            self.state.append((usual if rtt is None or late else rtt, 1.0 if late else loss))

    def at(self, t):
        i = bisect.bisect_right(self.t, t) - 1
        return self.state[i] if i >= 0 and t - self.t[i] <= HOLD_S else None


class World:
    def __init__(self, scenario, traces):
        spec = json.loads(pathlib.Path(scenario).read_text())
        self.name, self.t0 = spec["name"], float(spec["t0_s"])
        self.links = [Link(s["name"], pathlib.Path(traces) / s["file"]) for s in spec["links"]]
        self.t1 = min([float(spec["t1_s"])] + [link.t[-1] for link in self.links])


def grid(world):
    slots = []
    for k in range(int((world.t1 - world.t0) / SLOT_S)):
        t = world.t0 + k * SLOT_S
        row = [link.at(t) for link in world.links]
        if None not in row:
            slots.append((t, [(rating(rtt, loss) < 70, loss > 0.999) for rtt, loss in row]))
    return slots


def optimum(slots, n):
    least = [0.0] * n
    for _, row in slots:
        by_switch = min(least) + SWITCH_S
        least = [min(least[i], by_switch) + SLOT_S * row[i][0] for i in range(n)]
    return min(least)


def evaluate(slots, names, timeline):
    at, active, before = 0, None, None
    bad = out = switches = 0
    for t, row in slots:
        while at < len(timeline) and timeline[at][0] <= t:
            active = timeline[at][1]
            at += 1
        switches += before is not None and active != before
        before = active
        is_bad, is_out = row[names.index(active)] if active in names else (True, True)
        bad += is_bad
        out += is_out
    cost = bad * SLOT_S + switches * SWITCH_S
    return {"bad_s": bad * SLOT_S, "out_s": out * SLOT_S, "switches": switches, "cost": cost}
