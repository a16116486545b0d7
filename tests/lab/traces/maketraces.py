#!/usr/bin/env python3
"""Makes the lab's own link traces.  Models, not recordings: fixed seeds, the same bytes each time.

    starlink   15 s slots with a new path each, spikes and short losses at their edges, a few
               outages of 0.4 to 2 s, one of 6 s by an obstruction
    lte-car    a modem in a moving car: cells, hand-overs, fading, 9 s in a tunnel
    dsl        slow and steady, queues filling up under load, one retrain of 24 s
    fibre      clean

Columns and meaning are those of the recorded traces the project replays; empty is "not known".
"""

import csv
import gzip
import io
import math
import random
import sys
from pathlib import Path

COLUMNS = (
    "t_s rtt_ms loss rsrp rsrq sinr rssi nr_rsrp nr_sinr throughput_dl_mbps throughput_ul_mbps "
    "obstructed snr_low speed_mps lat lon cell_id tech state loss_src"
).split()
STEP_S = 0.2
SLOT_S = 15.0
LATE_MS = 1000.0  # an answer later than this counts as lost, as in the recorded traces


def steps(length_s):
    return [round(i * STEP_S, 1) for i in range(int(length_s / STEP_S))]


def starlink(rng, length_s=300):
    outages = [(102.4, 1.2, "NO_DOWNLINK"), (181.0, 6.0, "OBSTRUCTED"), (240.2, 0.4, "NO_PINGS")]
    outages += [(round(rng.uniform(5, length_s - 5), 1), rng.choice([0.4, 0.6, 2.0]), "NO_DOWNLINK") for _ in range(3)]
    base, spike = 0.0, 0.0
    slot = -1
    for t in steps(length_s):
        if int(t / SLOT_S) != slot:
            slot = int(t / SLOT_S)
            base = rng.uniform(26, 48)
            spike = rng.uniform(20, 90)
        edge = min(t % SLOT_S, SLOT_S - t % SLOT_S)
        rtt = base + rng.gammavariate(2, 2.2) + (spike if edge < 0.3 else 0)
        loss = 0.15 if edge < 0.3 and rng.random() < 0.5 else (0.05 if rng.random() < 0.01 else 0)
        state, down = "CONNECTED", False
        for start, seconds, why in outages:
            if start <= t < start + seconds:
                state, down = why, True
        yield {
            "t_s": t,
            "rtt_ms": "" if down else round(rtt, 1),
            "loss": 1 if down else loss,
            "throughput_dl_mbps": 0 if down else round(rng.uniform(40, 180), 1),
            "throughput_ul_mbps": 0 if down else round(rng.uniform(4, 18), 1),
            "obstructed": int(state == "OBSTRUCTED"),
            "snr_low": int(state == "OBSTRUCTED"),
            "tech": "starlink",
            "state": state,
        }


def lte_car(rng, length_s=300):
    tunnel = (150.0, 159.0)
    cells = [(400 + 900 * i + rng.uniform(-200, 200), 1000 + i) for i in range(14)]
    position, speed, fading = 0.0, 14.0, 0.0
    serving, hand_over_until = cells[0], -1.0
    for t in steps(length_s):
        speed = min(36, max(0, speed + rng.gauss(0.02, 0.5)))
        position += speed * STEP_S
        fading = 0.9 * fading + rng.gauss(0, 1.8)

        def power(cell):
            return -62 - 32 * math.log10(max(60, abs(position - cell[0])) / 60)

        best = max(cells, key=power)
        if best is not serving and power(best) > power(serving) + 3:
            serving, hand_over_until = best, t + rng.choice([0.2, 0.2, 0.4, 1.0])
        rsrp = power(serving) + fading
        sinr = (rsrp + 112) / 2.2 + rng.gauss(0, 1)
        weak = min(1, max(0, (-100 - rsrp) / 16))
        rtt = 34 + rng.gammavariate(2, 4) + 160 * weak * rng.random()
        loss = min(1, weak * weak * 0.5 + (0.02 if rng.random() < 0.02 else 0))
        state = "SERVICE"
        if t < hand_over_until:
            rtt, loss = rtt + 70, max(loss, 0.4)
        if tunnel[0] <= t < tunnel[1]:
            state, loss = "NOSERVICE", 1
        if rtt > LATE_MS:
            loss = 1
        service = state == "SERVICE"
        yield {
            "t_s": t,
            "rtt_ms": "" if loss == 1 else round(rtt, 1),
            "loss": round(loss, 3),
            "rsrp": round(rsrp, 1) if service else "",
            "rsrq": round(-8 - 8 * weak + rng.gauss(0, 0.8), 1) if service else "",
            "sinr": round(sinr, 1) if service else "",
            "rssi": round(rsrp + 28, 1) if service else "",
            "throughput_dl_mbps": round(max(0.2, 45 * (1 - weak) + rng.gauss(0, 6)), 1) if service else 0,
            "throughput_ul_mbps": round(max(0.1, 12 * (1 - weak) + rng.gauss(0, 2)), 1) if service else 0,
            "speed_mps": round(speed, 1),
            "cell_id": serving[1] if service else "",
            "tech": "lte",
            "state": state,
        }


def dsl(rng, length_s=240):
    retrain = (170.0, 194.0)
    busy = [(40.0, 62.0), (110.0, 131.0)]
    queue = 0.0
    for t in steps(length_s):
        loaded = any(start <= t < end for start, end in busy)
        queue = min(380, queue + rng.uniform(2, 14)) if loaded else max(0, queue - 25)
        down = retrain[0] <= t < retrain[1]
        yield {
            "t_s": t,
            "rtt_ms": "" if down else round(27 + rng.gammavariate(2, 0.4) + queue, 1),
            "loss": 1 if down else (0.04 if queue > 370 else (0.02 if rng.random() < 0.01 else 0)),
            "throughput_dl_mbps": 0 if down else round(rng.uniform(0.1, 9), 1),
            "throughput_ul_mbps": 0 if down else round(0.9 if loaded else rng.uniform(0, 0.3), 2),
            "tech": "dsl",
            "state": "",
        }


def fibre(rng, length_s=180):
    for t in steps(length_s):
        yield {
            "t_s": t,
            "rtt_ms": round(4 + rng.gammavariate(2, 0.12), 2),
            "loss": 0.01 if rng.random() < 0.002 else 0,
            "throughput_dl_mbps": round(rng.uniform(1, 400), 1),
            "throughput_ul_mbps": round(rng.uniform(1, 90), 1),
            "tech": "fibre",
            "state": "",
        }


TRACES = {
    "starlink.csv.gz": (starlink, 15),
    "lte-car.csv.gz": (lte_car, 4),
    "dsl.csv.gz": (dsl, 6),
    "fibre.csv.gz": (fibre, 1),
}


def text(name):
    """A trace as CSV."""
    model, seed = TRACES[name]
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in model(random.Random(seed)):
        writer.writerow({**row, "loss_src": "model"})
    return out.getvalue()


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for name in TRACES:
        (folder / name).write_bytes(gzip.compress(text(name).encode(), mtime=0))


if __name__ == "__main__":
    main()
