#!/usr/bin/python3
"""What features that the model does not have would add: each is fitted beside those it has, and judged on places left
out.

    tools/train/tried.py RECORDINGS

Radio values, the dish's flags and the Starlink grid need columns rsrp, sinr, cell_id, obstructed, snr_low, state and,
for the grid, utc0 in index.csv.  Boosted trees are given the same features and the logarithm of the rate, without its being the exposure.
"""
import dataclasses
import pathlib
import sys

sys.dont_write_bytecode = True
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

import model
import recordings
import report
import train

HORIZONS_S = (1, 10)
GRID_S, GRID_FIRST_S = 15, 12  # satellites are dealt anew at seconds 12, 27, 42 and 57 of each minute
DISH_LATE_S = 4  # a dish's own loss and delay come that much later than its flags
BLOCKED = ("OBSTRUCTED", "SEARCHING", "NO_DOWNLINK", "NO_PINGS")
EXTRAS = {
    "signal level": ("signal",),
    "signal level and trend": ("signal", "signal_trend"),
    "SINR and its trend": ("sinr", "sinr_trend"),
    "cell changed within 10 s": ("cell",),
    "dish obstructed or without satellite": ("blocked",),
    "Starlink 15 s grid": ("grid",),
}


def follow(value, fast, slow):
    return (value, value) if fast is None else (fast + (value - fast) / 2, slow + (value - slow) / 16)


def by_time(path, utc0, dish):
    """{second: {feature: value}} of a recording; levels in units that are about 1 where it matters."""
    out, signal, sinr, cell, changed = {}, (None, None), (None, None), None, -1000
    for t, row in recordings.read_rows(path, []):
        k = int(t // 1)
        rsrp, ratio = recordings.number(row.get("rsrp")), recordings.number(row.get("sinr"))
        signal = follow(rsrp, *signal) if rsrp is not None else signal
        sinr = follow(ratio, *sinr) if ratio is not None else sinr
        if row.get("cell_id") and row["cell_id"] != cell:
            changed = k if cell else changed
            cell = row["cell_id"]
        f = {"cell": float(k - changed < 10),
             "blocked": float(row.get("obstructed") == "1" or row.get("snr_low") == "1" or row.get("state") in BLOCKED)}
        if signal[0] is not None:
            f["signal"], f["signal_trend"] = max(0.0, -100 - signal[0]) / 10, (signal[0] - signal[1]) / 5
        if sinr[0] is not None:
            f["sinr"], f["sinr_trend"] = max(0.0, 8 - sinr[0]) / 5, (sinr[0] - sinr[1]) / 5
        if utc0 is not None:
            f["grid"] = float((utc0 + k - GRID_FIRST_S + 1) % GRID_S < 3)
        out[k + DISH_LATE_S if dish else k] = f
    return out


def with_extras(data, values, names):
    """The same Data with columns more, in 1/256."""
    out = []
    for d in data:
        known = values[d.name]
        columns = [[known.get(int(t), {}).get(n, 0.0) for t in d.t] for n in names]
        extra = np.round(np.array(columns).T * 256).astype(np.int64) if names else np.zeros((len(d.t), 0), np.int64)
        out.append(dataclasses.replace(d, feature_q8=np.hstack([d.feature_q8, extra])))
    return out


def trees(data):
    """[(Data, ppm, base)] of boosted trees, left out alike."""
    out = []
    for site in sorted({d.site for d in data}):
        rest = [d for d in data if d.site != site]
        y, w = np.concatenate([d.happened for d in rest]), model.weights(rest)
        x = np.vstack([np.column_stack([d.feature_q8, d.rate_q8]) for d in rest])
        if len(y) > 60000:
            some = np.random.default_rng(1).choice(len(y), 60000, replace=False)
            y, w, x = y[some], w[some], x[some]
        m = GradientBoostingClassifier(n_estimators=40, max_depth=2, min_samples_leaf=200, subsample=0.5,
                                       random_state=1)
        m.fit(x, y, sample_weight=w)
        for d in (d for d in data if d.site == site):
            p = m.predict_proba(np.column_stack([d.feature_q8, d.rate_q8]))[:, 1]
            out.append((d, 1e6 * p, np.average(y, weights=w)))
    return out


def line(name, horizon_s, results):
    cells = [f"{horizon_s} s", name]
    for kind in train.JUDGED_KINDS:
        part = train.of_kind(results, kind)
        cells.append(f"{report.Score(part).skill(2):+.3f}" if part else "-")
    return cells


def main():
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    data = train.gather(folder)
    values, rows = {}, []
    index = recordings.read_index(folder)
    paths = {p.name.split(".")[0]: p for p in recordings.files(folder)}
    for d in data[1]:
        path = paths[d.name]
        utc0 = recordings.number(index.get(path.relative_to(folder).as_posix(), {}).get("utc0"))
        values[d.name] = by_time(path, utc0, "dish" in path.name or d.kind == "starlink")
    for h in HORIZONS_S:
        rows.append(line("as it is", h, model.leave_one_site_out(data[h], h)))
        for name, columns in EXTRAS.items():
            rows.append(line("with " + name, h, model.leave_one_site_out(with_extras(data[h], values, columns), h)))
        rows.append(line("boosted trees", h, trees(data[h])))
    print(report.table(["horizon", "model", "Starlink: skill against the site's own rate", "cellular"], rows))


if __name__ == "__main__":
    main()
