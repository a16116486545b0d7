#!/usr/bin/python3
"""Trains and judges the model that says how likely a path is to fail soon (src/core/hazard.c).

    train.py RECORDINGS             judge it by leaving out one site after the other, print the figures
    train.py RECORDINGS --write     and write src/core/hazard_table.c, the vectors of its test, and the figures in
                                    docs/prediction.md
    train.py RECORDINGS --shipped   judge the table in the tree as it is, on recordings it was not trained on

Needs python3-sklearn (Debian); nothing else in the repository does.  RECORDINGS is a folder of .csv or .csv.gz files as
recordings.py describes them.  Rows that cannot be read are left out and named.
"""
import argparse
import pathlib
import random
import subprocess
import sys

sys.dont_write_bytecode = True
import features
import model
import recordings
import report

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "src/core/hazard_table.c"
VECTORS = ROOT / "tests/unit/core/hazard_vectors.inc"
DOCUMENT = ROOT / "docs/prediction.md"
BEGIN, END = "<!-- figures: written by tools/train/train.py -->", "<!-- end of figures -->"
HEADLINE = ("horizon", "links", "seconds", "before an outage", "Brier", "skill against training rate",
            "skill against the site's own rate (95 %)", "AUC")
JUDGED_KINDS = ("starlink", "cellular")


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def gather(folder):
    """{horizon: [Data]}, what was left out."""
    problems = []
    found = recordings.load_folder(folder, problems, lambda n, of, name: progress(f"reading {n + 1} of {of}: {name}"))
    data = {h: [] for h in model.HORIZONS_S}
    for n, r in enumerate(found):
        progress(f"looking at {n + 1} of {len(found)}: {r.name}")
        for h, d in model.examples(r, recordings.site(r.group)).items():
            data[h].append(d)
    progress("")
    for p in problems:
        print(p, file=sys.stderr)
    if not data[1]:
        sys.exit(f"{folder}: no recording says anything of loss")
    return data


def of_kind(results, kind):
    return [r for r in results if kind is None or r[0].kind == kind]


def figures(results):
    """Markdown of {horizon: [(Data, ppm, base)]}."""
    out = []
    rows = []
    for h, r in results.items():
        for kind in JUDGED_KINDS + (None,):
            part = of_kind(r, kind)
            if part and any(d.happened.any() for d, _, _ in part):
                rows.append([f"{h} s", kind or "all"] + report.headline(report.Score(part)))
    out.append(report.table(HEADLINE, rows))
    rows = []
    for h, r in results.items():
        for site in sorted({d.site for d, _, _ in r}):
            part = [x for x in r if x[0].site == site]
            score = report.Score(part)
            if score.y.sum():
                rows.append((f"{h} s", site, len(score.y), int(score.y.sum()), f"{score.skill(2):+.3f}",
                             f"{100 * score.p.mean():.3f} %", f"{100 * score.y.mean():.3f} %"))
    out += ["", "Site by site, each forecast by a model that never saw it:", "",
            report.table(["horizon", "site", "seconds", "before an outage", "skill", "forecast", "happened"], rows)]
    for h, r in results.items():
        score = report.Score(r)
        out += ["", f"Reliability, {h} s:", "",
                report.table(["forecast", "seconds", "mean forecast", "happened"], report.reliability(score))]
    for h, r in results.items():
        score = report.Score(r)
        out += ["", f"Had it raised an alarm, {h} s:", "",
                report.table(["alarm from", "precision (seconds)", "recall (outages)", "median warning", "alarms a day"],
                             report.alarms(score, h))]
    return "\n".join(out)


def proven(results):
    """Skill on sites it never saw, for each kind of link, against the stricter of the two references."""
    for kind in JUDGED_KINDS:
        part = of_kind(results, kind)
        if not part or not any(d.happened.any() for d, _, _ in part):
            return False
        score = report.Score(part)
        if score.skill(1) <= 0 or score.skill(2) <= 0:
            return False
    return True


def boolean(v):
    return "true" if v else "false"


def table_text(models):
    rows = "".join(f"\t{{.horizon_s = {m.horizon_s}, .offset_q8 = {m.offset_q8}, "
                   f".weight_q8 = {{{m.weight_q8[0]}, {m.weight_q8[1]}}}, .proven = {boolean(m.proven)}}},\n"
                   for m in models)
    chance = "".join(f"\t{c},\n" for c in model.CHANCE)
    return ("/* Written by tools/train/train.py from recordings; not edited by hand. */\n#include \"core/hazard.h\"\n\n"
            f"const struct hazard_model hazard_model[HAZARD_HORIZONS] = {{\n{rows}}};\n\n"
            f"const uint32_t hazard_chance_ppm[HAZARD_CHANCES] = {{\n{chance}}};\n")


def vectors_text(models):
    """A made-up life of a path, with what the model must say after each second."""
    rng, state, lines = random.Random(7), features.State(), []
    for life in range(6):
        state = features.State()
        lines.append("\t{.begin = true},\n")
        rtt, trouble = rng.choice((9000, 32000, 70000, 600000)), 0
        for _ in range(120):
            trouble = rng.randrange(1, 9) if rng.random() < (0.01, 0.1)[life % 2] else trouble - 1
            asked = rng.choice((0, 1, 2, 4, 4, 4, 7))
            lost = min(asked, rng.choice((asked, asked, 1, 0))) if trouble > 0 else min(asked, int(rng.random() < 0.05))
            unusable = trouble > 0 and 2 * lost >= asked
            rtt_us = 0 if lost == asked or rng.random() < 0.1 else int(rtt * rng.lognormvariate(0, 0.3))
            if rng.random() < 0.005:
                state.gap()
                lines.append("\t{.gap = true},\n")
            state.second(asked, lost, rtt_us, unusable)
            ppm = ", ".join(str(m.ppm(state.rate_q8(), state.features_q8())) for m in models)
            lines.append(f"\t{{false, false, {asked}, {lost}, {rtt_us}, {boolean(unusable)}, {{{ppm}}}}},\n")
    return "/* Written by tools/train/train.py; not edited by hand. */\n" + "".join(lines)


def write(data, models, text):
    TABLE.write_text(table_text(models))
    VECTORS.write_text(vectors_text(models))
    try:
        subprocess.run(["clang-format", "-i", str(TABLE)], check=True)
    except (OSError, subprocess.CalledProcessError) as e:
        print(f"{TABLE} is not formatted: {e}", file=sys.stderr)
    if DOCUMENT.is_file():
        document = DOCUMENT.read_text()
        if BEGIN in document and END in document:
            head, rest = document.split(BEGIN, 1)
            DOCUMENT.write_text(head + BEGIN + "\n\n" + text + "\n\n" + END + rest.split(END, 1)[1])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("recordings")
    ap.add_argument("--write", action="store_true")
    ap.add_argument("--shipped", action="store_true")
    a = ap.parse_args()
    if not pathlib.Path(a.recordings).is_dir():
        ap.error(f"{a.recordings} is not a folder")
    data = gather(a.recordings)
    if a.shipped:
        models = model.parse_table(TABLE.read_text())
        results = {m.horizon_s: [(d, m.ppms(d), float("nan")) for d in data[m.horizon_s]] for m in models}
        print(figures({h: r for h, r in results.items() if r}))
        return
    results = {h: model.leave_one_site_out(data[h], h) for h in model.HORIZONS_S}
    models = []
    for h in model.HORIZONS_S:
        m = model.fit(data[h], h)
        if not m:
            sys.exit(f"{a.recordings}: nothing ever happened within {h} s")
        m.proven = proven(results[h])
        models.append(m)
    text = figures(results)
    print(text)
    for m in models:
        weights = ", ".join(f"{n} {w}" for n, w in zip(features.FEATURES, m.weight_q8))
        print(f"\n{m.horizon_s} s: offset {m.offset_q8}, {weights} (1/256); {'' if m.proven else 'not '}proven")
    if a.write:
        write(data, models, text)


if __name__ == "__main__":
    main()
