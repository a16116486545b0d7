"""What counts as met and missed, and that the table says so."""
import json
import unittest

import report
import story as stories
from stats import NEVER
from story import Story


def make(expect, **options):
    return Story(title="t", fault=None, expect=expect, **options)


def trials(*figures):
    return [{"figures": f} for f in figures]


FAST = make(stories.SWITCH, metric="fresh_ms", budget={"p50": 250, "p99": 500})


class Judge(unittest.TestCase):
    def test_rows(self):
        stay = make(stories.STAY, watch_s=1)
        unharmed = make(stories.UNHARMED)
        free = make(stories.SWITCH, metric="moved_ms")
        rows = (
            (FAST, trials({"fresh_ms": 100}, {"fresh_ms": 200}), True),
            (FAST, trials({"fresh_ms": 260}, {"fresh_ms": 270}), False),
            (FAST, trials({"fresh_ms": 100}, {"fresh_ms": NEVER}), False),
            (FAST, trials({"fresh_ms": None}), False),
            (FAST, [], None),
            (FAST, [{"skipped": "why", "figures": {}}], None),
            (stay, trials({"switches": 0}, {"switches": 0}), True),
            (stay, trials({"switches": 0}, {"switches": 2}), False),
            (stay, [{"figures": {"switches": 0}, "wrong": "too much lost"}], False),
            (unharmed, trials({"lost": 0, "switches": 0}), True),
            (unharmed, trials({"lost": 1, "switches": 0}), False),
            (unharmed, trials({"lost": 0, "switches": 0, "broken": 1}), False),
            (free, trials({"moved_ms": 9999}), True),
            (free, trials({"moved_ms": NEVER}), False),
        )
        for story, given, want in rows:
            self.assertEqual(report.judge(story, given)["ok"], want, (story.expect, given))

    def test_ratio_is_the_worst_budget(self):
        self.assertEqual(report.ratio(FAST, trials({"fresh_ms": 125}, {"fresh_ms": 1000})), 2.0)


class Table(unittest.TestCase):
    def run_of(self, *rows):
        return {"facts": {}, "stories": {"hole": FAST}, "systems": {
            name: {"title": name.upper(), "stories": {"hole": result}} for name, result in rows}}

    def test_shows_figures_counts_and_ratio(self):
        run = self.run_of(("a", {"trials": trials({"fresh_ms": 100}, {"fresh_ms": 300})}), ("b", {"not_applicable": "cannot"}))
        shown = report.table(run)
        self.assertIn("100/300/300/300", shown)
        self.assertIn("2/2 x0.60 ok", shown)
        self.assertIn("n/a", shown)
        self.assertIn("hole, b: n/a, cannot", report.reasons(run))

    def test_json_keeps_every_trial(self):
        run = self.run_of(("a", {"trials": trials({"fresh_ms": 100}, {"fresh_ms": NEVER})}))
        got = json.loads(report.document(run))
        cell = got["systems"]["a"]["stories"]["hole"]
        self.assertEqual([t["figures"]["fresh_ms"] for t in cell["trials"]], [100, "never"])
        self.assertEqual(cell["figures"]["fresh_ms"]["never"], 1)
        self.assertFalse(cell["verdict"]["ok"])


class Text(unittest.TestCase):
    def test_rows(self):
        for value, want in ((None, "-"), (NEVER, "never"), (0, "0"), (1.234, "1.23"), (123.4, "123"), (12345, "12.3k")):
            self.assertEqual(report.text(value), want)


if __name__ == "__main__":
    unittest.main()
