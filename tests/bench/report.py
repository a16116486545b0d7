"""From the trials of a run to verdicts, the league table and the JSON.  Pure but for the machine's name."""
import json
import math

import stats
import story as stories
from stats import NEVER

FIGURES = ("fresh_ms", "moved_ms", "switch_ms", "udp_ms", "tcp_ms", "dns_ms", "http_ms", "lost", "switches",
           "broken", "late_ms")


def judge(story, trials):
    """{"ok", "hits", "n", "why"}: whether the trials meet what the story expects.

    hits: for a story with a metric the trials in which it came, otherwise those without a fault.
    ok is None when there is nothing to judge.
    """
    done = [t for t in trials if t.get("skipped") is None]
    if not done:
        return {"ok": None, "hits": 0, "n": 0, "why": []}
    why = []
    wrong = [t["wrong"] for t in done if t.get("wrong")]
    if wrong:
        why.append(f"{len(wrong)} of {len(done)}: {wrong[0]}")
    if story.expect in (stories.SWITCH, stories.RECOVER):
        values = [t["figures"].get(story.metric) for t in done]
        hits = sum(1 for v in values if v is not None and v != NEVER)
        for name, limit in story.budget.items():
            got = _figure(values, name)
            if got is None or got > limit:
                why.append(f"{name} {text(got)} > {limit}")
        if hits < len(done) and not story.budget:
            why.append(f"{len(done) - hits} of {len(done)} never")
    else:
        bad = [t for t in done if t["figures"].get("switches") or
               (story.expect == stories.UNHARMED and (t["figures"].get("lost") or t["figures"].get("broken")))]
        hits = len(done) - len(bad)
        if bad:
            what = "switched" if story.expect == stories.STAY else "harmed"
            limit = stats.upper_bound(len(bad), len(done))
            why.append(f"{len(bad)} of {len(done)} {what} (95 %: at most {limit:.0%})")
    return {"ok": not why, "hits": hits, "n": len(done), "why": why}


def ratio(story, trials):
    """The worst of measured / budget over the story's budgets, None without one."""
    values = [t["figures"].get(story.metric) for t in trials if t.get("skipped") is None]
    found = [_figure(values, name) / limit for name, limit in story.budget.items() if _figure(values, name) is not None]
    return max(found, default=None)


def _figure(values, name):
    known = [v for v in values if v is not None]
    if name == "max":
        return max(known, default=None)
    return stats.percentile(known, float(name[1:]))


def text(value):
    """A figure for people: three significant digits, "never", "-"."""
    if value is None:
        return "-"
    if value == NEVER:
        return "never"
    if value >= 10000:
        return f"{value / 1000:.3g}k" if value < 1e6 else f"{value:.2g}"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def cell(story, result):
    """Two lines for the table."""
    if result is None:
        return ("", "")
    if result.get("not_applicable"):
        return ("n/a", "")
    trials = result["trials"]
    verdict = judge(story, trials)
    if verdict["ok"] is None:
        return ("skipped" if trials else "-", "")
    mark = "ok" if verdict["ok"] else "MISSED"
    done = [t for t in trials if t.get("skipped") is None]
    if story.metric:
        values = [t["figures"].get(story.metric) for t in done]
        known = [v for v in values if v is not None]
        line = "/".join(text(stats.percentile(known, p)) for p in (50, 95, 99)) + "/" + text(max(known, default=None))
        share = ratio(story, trials)
        factor = f" x{share:.2f}" if share is not None and math.isfinite(share) else ""
        return (line, f"{verdict['hits']}/{verdict['n']}{factor} {mark if story.budget or not verdict['ok'] else ''}".rstrip())
    if story.expect == stories.STAY:
        line = f"{verdict['n'] - verdict['hits']} switched"
    else:
        lost = sum(t["figures"].get("lost") or 0 for t in done)
        line = f"{lost} lost, {verdict['n'] - verdict['hits']} harmed"
    return (line, f"{verdict['hits']}/{verdict['n']} {mark}")


def wanted(story):
    """What the story asks for, in two lines."""
    if story.metric:
        unit = "ms" if story.metric.endswith("_ms") else ""
        limits = ", ".join(f"{k} {v:g}" for k, v in story.budget.items())
        return (f"{story.metric.removesuffix('_ms')} {unit}".strip(), f"<= {limits}" if limits else "no budget")
    return ("no switch" if story.expect == stories.STAY else "nothing lost", "")


def table(run):
    """The league table: stories down, systems across."""
    names = list(run["systems"])
    head = [("story", "")] + [("asked", "")] + [(run["systems"][n]["title"], n) for n in names]
    rows = []
    for name, story in run["stories"].items():
        results = [run["systems"][n]["stories"].get(name) for n in names]
        if not any(results):
            continue
        rows.append([(story.title, name), wanted(story)] + [cell(story, r) for r in results])
    widths = [max(len(line) for row in [head] + rows for line in row[i]) for i in range(len(head))]
    out = []
    for row in [head] + rows:
        for line in (0, 1):
            out.append("  ".join(c[line].ljust(w) for c, w in zip(row, widths)).rstrip())
        out.append("" if row is not head else "-" * (sum(widths) + 2 * (len(widths) - 1)))
    out.append("figures: p50/p95/p99/max over the trials; below: trials in which it came / trials, xN = worst of")
    out.append("measured / budget; never = not while it was watched; n/a and failures are explained below")
    return "\n".join(out)


def side_table(run):
    """The other figures of every switch story, one row per system: medians and maxima."""
    out = []
    for name, story in run["stories"].items():
        if story.expect not in (stories.SWITCH, stories.RECOVER):
            continue
        for system, entry in run["systems"].items():
            result = entry["stories"].get(name)
            if not result or result.get("not_applicable"):
                continue
            done = [t["figures"] for t in result["trials"] if t.get("skipped") is None]
            if not done:
                continue
            parts = []
            for figure in sorted({k for d in done for k in d if k in FIGURES or k.replace("6", "") in FIGURES}):
                known = [d[figure] for d in done if d.get(figure) is not None]
                if known:
                    parts.append(f"{figure.removesuffix('_ms')} {text(stats.percentile(known, 50))}/{text(max(known))}")
            out.append(f"{name:20} {system:14} {'  '.join(parts)}")
    return "\n".join(["all figures, p50/max (times in ms):"] + out) if out else ""


def reasons(run):
    """Why cells say n/a, skipped or MISSED."""
    out = []
    for name, story in run["stories"].items():
        for system, entry in run["systems"].items():
            result = entry["stories"].get(name)
            if not result:
                continue
            if result.get("not_applicable"):
                out.append(f"{name}, {system}: n/a, {result['not_applicable']}")
                continue
            for line in judge(story, result["trials"])["why"]:
                out.append(f"{name}, {system}: {line}")
            skipped = [t["skipped"] for t in result["trials"] if t.get("skipped")]
            if skipped:
                out.append(f"{name}, {system}: {len(skipped)} not measured: {skipped[0]}")
    for system, entry in run["systems"].items():
        for line in entry.get("left_behind", ()):
            out.append(f"{system}: left behind when stopped: {line}")
        for event in entry.get("unprovoked", ()):
            out.append(f"{system}: switched without a fault: {event['what']} ({event['trial']}); its account:")
            out.extend(f"    {text}" for text in event["account"][-6:])
    return "\n".join(out)


def summarize(story, trials):
    """What the JSON says of a cell besides its trials."""
    done = [t["figures"] for t in trials if t.get("skipped") is None]
    keys = sorted({k for d in done for k, v in d.items() if isinstance(v, (int, float))})
    return {"verdict": judge(story, trials), "figures": {k: stats.summary([d.get(k) for d in done], resamples=400) for k in keys}}


def document(run):
    """The run as JSON text; a value that never came is the string "never"."""
    systems = {}
    for system, entry in run["systems"].items():
        systems[system] = {k: v for k, v in entry.items() if k != "stories"}
        systems[system]["stories"] = {}
        for name, result in entry["stories"].items():
            row = dict(result)
            if "trials" in result:
                row.update(summarize(run["stories"][name], result["trials"]))
            systems[system]["stories"][name] = row
    stories_out = {
        name: {"title": s.title, "expect": s.expect, "metric": s.metric, "budget": s.budget, "trials": s.trials}
        for name, s in run["stories"].items()
    }
    return json.dumps(_plain({**run["facts"], "stories": stories_out, "systems": systems}), indent=1)


def _plain(value):
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return "never" if value == NEVER else round(value, 3)
    return value
