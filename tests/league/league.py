#!/usr/bin/env python3
"""The league: what autonomy and models of other systems would have cost a user on recorded links.

    ./dev league [--seeds N] [--score DIR] [--traces DIR] [--config FILE] [--output FILE]

The scorer (score.py, world.py, scenarios/) and its recordings are not part of this repository.  They are looked for where
--score and --traces say, then $AUTONOMY_SCORE and $AUTONOMY_TRACES, then in ../shared/score and ../shared/traces
beside the repository.  Without them the lab's own traces are played, which are models, not recordings, and no other
system is compared.

With the scorer, docs/league.md is written anew (--output says where else; --output - nowhere).  Exit codes: 0 done,
1 autonomy misses what it must reach, 2 wrong usage, 3 a file is missing or a program failed.
"""
import argparse
import csv
import math
import multiprocessing
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
AUTONOMY = "autonomy"
SWITCHES_QUIET = 1.0  # most, in ten hours of a recording without an outage
QUIET = "fjord"
LEFT_MEAN, LEFT_MOST = 0.40, 1.02


def fail(text, code=3):
    print(text, file=sys.stderr)
    sys.exit(code)


def folder(given, variable, name):
    """The first of the places that exist; a place that was named and does not is an error."""
    for place, why in ((given, "the command line"), (os.environ.get(variable), "$" + variable)):
        if place:
            if not pathlib.Path(place).is_dir():
                fail(f"{place} (from {why}) is not a folder")
            return pathlib.Path(place).resolve()
    beside = ROOT.parent / "shared" / name
    return beside if beside.is_dir() else None


class Source:
    """The scorer with its scenarios and traces, or the stand-in."""

    def __init__(self, score, traces):
        self.whole = score is not None and traces is not None
        self.score, self.traces = score, traces
        if not self.whole:
            self.score, self.traces = HERE, ROOT / "tests" / "lab" / "traces"
        self.scenarios = sorted((self.score / "scenarios").glob("*.json"))
        if not self.scenarios:
            fail(f"{self.score / 'scenarios'} holds no scenarios")

    def load(self):
        sys.path.insert(0, str(self.score))
        if self.whole:
            import score
            import world

            return score, world.World
        import standalone

        return standalone, standalone.World


# ---- one job a process: a scenario and who plays it with which seed -----------------------------
# What goes wrong is raised: a process that exits takes its job with it, and the pool waits for that for ever.

_cache = {}


def board(source, scenario):
    """The scorer's slots of a scenario, once in each process."""
    if scenario not in _cache:
        scorer, world_of = source.load()
        world = world_of(str(scenario), str(source.traces))
        slots = scorer.grid(world)
        names = [link.name for link in world.links]
        if not slots:
            raise RuntimeError(f"{scenario}: no instant at which every link was recorded")
        first = scorer.evaluate(slots, names, [(world.t0, names[0])])["cost"]
        least = scorer.optimum(slots, len(names))
        _cache.clear()  # ten hours of three links are large
        _cache[scenario] = (scorer, world, slots, names, first, least)
    return _cache[scenario]


def read_timeline(path):
    with open(path) as f:
        return [(float(row["t_s"]), row["link"]) for row in csv.DictReader(f)]


def play_autonomy(job):
    replay, source, scenario, seed, config = job
    with tempfile.TemporaryDirectory() as place:
        timeline = os.path.join(place, "timeline.csv")
        command = [replay, "--quiet", "--scenario", str(scenario), "--traces", str(source.traces)]
        command += ["--seed", str(seed), "--timeline", timeline]
        command += ["--config", config] if config else []
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(run.stderr.strip() or f"{replay} failed with {run.returncode}")
        return read_timeline(timeline)


def play(job):
    replay, source, scenario, seed, config, who = job
    scorer, world, slots, names, first, least = board(source, scenario)
    if who == AUTONOMY:
        timeline = play_autonomy((replay, source, scenario, seed, config))
    else:
        timeline = scorer.POLICIES[who](world, seed)
    result = scorer.evaluate(slots, names, timeline)
    result["left"] = (result["cost"] - least) / (first - least) if first > least else 0.0
    result.update(who=who, scenario=world.name, seed=seed, least=least, first=first)
    result["hours"] = len(slots) * scorer.SLOT_S / 3600
    return result


def progress(done, total, began):
    if sys.stderr.isatty() or done == total or done % 50 == 0:
        spent = time.monotonic() - began
        rest = spent / done * (total - done)
        end = "\n" if done == total or not sys.stderr.isatty() else ""
        print(f"\r{done} of {total} plays, {rest:.0f} s left ", end=end, file=sys.stderr, flush=True)


def play_all(jobs, workers):
    began, results = time.monotonic(), []
    with multiprocessing.Pool(workers) as pool:
        for result in pool.imap_unordered(play, jobs, chunksize=4):
            results.append(result)
            progress(len(results), len(jobs), began)
    return results


# ---- figures ------------------------------------------------------------------------------------

T95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)  # Student's t, 1 to 9 degrees


def interval(values):
    """Half the width of the 95 % confidence interval of the mean; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    t = T95[len(values) - 2] if len(values) - 2 < len(T95) else 1.96 + 2.5 / len(values)
    return t * statistics.stdev(values) / math.sqrt(len(values))


def over_scenarios(values, resamples=2000):
    """(low, high): the mean over the scenarios, had others of the same kinds been drawn."""
    rng = random.Random(1)
    means = sorted(statistics.fmean(rng.choices(values, k=len(values))) for _ in range(resamples))
    return means[int(0.025 * resamples)], means[int(0.975 * resamples)]


class Row:
    """One player over all scenarios, or on one of them."""

    def __init__(self, results):
        self.who = results[0]["who"]
        by_seed, by_scenario = {}, {}
        for r in results:
            by_seed.setdefault(r["seed"], []).append(r)
            by_scenario.setdefault(r["scenario"], []).append(r)
        each = list(by_seed.values())
        self.total = {
            key: [sum(r[key] for r in seed) for seed in each]
            for key in ("cost", "bad_s", "out_s", "switches")
        }
        self.lefts = [statistics.fmean(r["left"] for r in seed) for seed in each]
        self.left = statistics.fmean(self.lefts)
        means = [statistics.fmean(r["left"] for r in s) for s in by_scenario.values()]
        self.range = over_scenarios(means)
        self.most = max(means)

    def mean(self, key):
        return statistics.fmean(self.total[key])

    def cells(self):
        half = {key: interval(values) for key, values in self.total.items()}
        cells = [f"{self.mean(key):.0f} ± {half[key]:.0f}" for key in self.total]
        cells.append(f"{self.left:.3f} ± {interval(self.lefts):.3f}")
        cells.append(f"{self.range[0]:.2f} to {self.range[1]:.2f}")
        cells.append(f"{self.most:.2f}")
        return cells


HEAD = ("", "cost", "bad s", "out s", "switches", "left", "left, other recordings", "worst left")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def aligned(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    text = []
    for row in [head] + rows:
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        text.append("  ".join(cells).rstrip())
    return text


def overall(results):
    players = sorted({r["who"] for r in results})
    rows = [Row([r for r in results if r["who"] == who]) for who in players]
    return sorted(rows, key=lambda row: row.left)


def scenario_rows(results):
    rows = []
    for name in sorted({r["scenario"] for r in results}):
        here = [r for r in results if r["scenario"] == name]
        own = Row([r for r in here if r["who"] == AUTONOMY])
        others = [Row([r for r in here if r["who"] == w]) for w in {r["who"] for r in here} - {AUTONOMY}]
        best = min(others, key=lambda row: row.left, default=None)
        rows.append(
            [
                name,
                f"{here[0]['hours']:.1f}",
                f"{here[0]['least']:.1f}",
                f"{here[0]['first']:.1f}",
                f"{own.mean('cost'):.1f} ± {interval(own.total['cost']):.1f}",
                f"{own.mean('bad_s'):.1f}",
                f"{own.mean('out_s'):.1f}",
                f"{own.mean('switches'):.1f}",
                f"{own.left:.3f} ± {interval(own.lefts):.3f}",
                f"{best.left:.3f}, {best.who.split(' (')[0]}" if best else "-",
            ]
        )
    return rows


SCENARIO_HEAD = ("scenario", "hours", "least", "never", "cost", "bad s", "out s", "switches", "left", "best of the others")


def verdicts(rows, results):
    """What must be reached, and whether it is: (text, good)."""
    own = next(row for row in rows if row.who == AUTONOMY)
    others = [row for row in rows if row.who != AUTONOMY]
    found = [
        (f"mean left {own.left:.3f}, at most {LEFT_MEAN:.2f}", own.left <= LEFT_MEAN),
        (f"worst scenario {own.most:.3f}, at most {LEFT_MOST:.2f}", own.most <= LEFT_MOST),
    ]
    if others:
        cheapest = min(others, key=lambda row: row.mean("cost"))
        text = f"total cost {own.mean('cost'):.0f}, below {cheapest.mean('cost'):.0f} ({cheapest.who})"
        found.append((text, own.mean("cost") < cheapest.mean("cost")))
    quiet = [r for r in results if r["who"] == AUTONOMY and r["scenario"].startswith(QUIET)]
    if quiet:
        per_ten = 10 * sum(r["switches"] for r in quiet) / sum(r["hours"] for r in quiet)
        text = f"{per_ten:.1f} switches in ten hours without an outage, at most {SWITCHES_QUIET:.0f}"
        found.append((text, per_ten <= SWITCHES_QUIET))
    return found


def document(source, seeds, rows, results, found):
    lines = [
        "# League: autonomy and others on recorded links",
        "",
        "Written by `./dev league`. Not edited by hand.",
        "",
        f"{len(source.scenarios)} scenarios of real recordings, {seeds} seeds each, shipped defaults. The links, and the order in",
        "which their user prefers them, are the scenario's; the recordings answer the probes of whoever plays. The others are models",
        "of published algorithms with their default timers, as the scorer has them, in the same world with the same seeds.",
        "",
        "**cost**: seconds in which a call would have been bad, plus half a second for each switch. **left**: the share of the",
        "avoidable cost that is left; 0 is what somebody who knew the future would have paid, 1 is never leaving the preferred",
        "link. ± is the 95 % confidence interval over the seeds; *other recordings* is that of the mean had other scenarios of",
        "these kinds been drawn (bootstrap), which is the wider doubt by far.",
        "",
        "## All scenarios together",
        "",
        *table(HEAD, [[row.who] + row.cells() for row in rows]),
        "",
        "## autonomy, scenario by scenario",
        "",
        "*least* is the cost of knowing the future, *never* of staying on the preferred link.",
        "",
        *table(SCENARIO_HEAD, scenario_rows(results)),
        "",
        "## What must be reached",
        "",
        *[f"- {'reached' if good else '**missed**'}: {text}" for text, good in found],
        "",
    ]
    return "\n".join(lines)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build"), help="where autonomy-replay is")
    parser.add_argument("--score", help="folder of the scorer")
    parser.add_argument("--traces", help="folder of its recordings")
    parser.add_argument("--standalone", action="store_true", help="play the lab's own traces in any case")
    parser.add_argument("--seeds", type=int, default=10, help="seeds 1 to N (default 10)")
    parser.add_argument("--config", help="configuration for autonomy instead of its defaults")
    parser.add_argument("--scenario", action="append", default=[], help="only this one, by name; may be repeated")
    parser.add_argument("--only-autonomy", action="store_true", help="leave the others out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", help="the document (default docs/league.md; -: none)")
    return parser.parse_args()


def choose_output(args, source):
    partial = args.scenario or args.only_autonomy or args.config or not source.whole
    if args.output == "-" or (partial and not args.output):
        return None
    return pathlib.Path(args.output) if args.output else ROOT / "docs" / "league.md"


def main():
    args = parse()
    places = (folder(args.score, "AUTONOMY_SCORE", "score"), folder(args.traces, "AUTONOMY_TRACES", "traces"))
    source = Source(*((None, None) if args.standalone else places))
    replay = pathlib.Path(args.build) / "autonomy-replay"
    if args.seeds < 1 or args.jobs < 1:
        fail("--seeds and --jobs must be 1 or more", 2)
    if not replay.is_file():
        fail(f"{replay} is not there: build it first (./dev league does)")
    if args.scenario:
        known = {path.stem for path in source.scenarios}
        unknown = set(args.scenario) - known
        if unknown:
            fail(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}", 2)
        source.scenarios = [path for path in source.scenarios if path.stem in args.scenario]
    if not source.whole and not args.standalone:
        print(
            "The scorer or its recordings are not at hand (--score and --traces, $AUTONOMY_SCORE and $AUTONOMY_TRACES,\n"
            f"or {ROOT.parent / 'shared'}): playing the lab's own traces, which are models; no other system is compared.\n",
            file=sys.stderr,
        )
    scorer, _ = source.load()
    players = [AUTONOMY] + ([] if args.only_autonomy else list(scorer.POLICIES))
    jobs = [
        (str(replay), source, scenario, seed, args.config, who)
        for scenario in source.scenarios
        for who in players
        for seed in range(1, args.seeds + 1)
    ]
    try:
        results = play_all(jobs, min(args.jobs, len(jobs)))
    except (RuntimeError, OSError) as error:
        fail(str(error))
    rows = overall(results)
    found = verdicts(rows, results)
    print("\n".join(aligned(HEAD, [[row.who] + row.cells() for row in rows])), end="\n\n")
    print("\n".join(aligned(SCENARIO_HEAD, scenario_rows(results))), end="\n\n")
    output = choose_output(args, source)
    if output:
        output.write_text(document(source, args.seeds, rows, results, found))
        print(f"{output} written")
    if not source.whole:
        return 0
    for text, good in found:
        print(("reached: " if good else "MISSED:  ") + text)
    return 0 if all(good for _, good in found) else 1


if __name__ == "__main__":
    sys.exit(main())
