#!/usr/bin/env python3
"""What the league computes, on cases that can be checked by hand; and one play of each stand-in scenario."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import league
import standalone

BAD, OUT, GOOD = (True, False), (True, True), (False, False)


def slots(*columns):
    return [(k * standalone.SLOT_S, list(row)) for k, row in enumerate(zip(*columns))]


class Standalone(unittest.TestCase):
    def test_seven_percent_of_loss_are_good_and_eight_are_bad(self):
        self.assertGreaterEqual(standalone.rating(40, 0.07), 70)
        self.assertLess(standalone.rating(40, 0.08), 70)

    def test_whoever_knows_the_future_leaves_only_for_what_pays(self):
        brief = slots([GOOD] * 5 + [BAD] * 4 + [GOOD] * 5, [GOOD] * 14)
        long = slots([GOOD] * 5 + [BAD] * 40 + [GOOD] * 5, [GOOD] * 50)
        last = slots([GOOD] * 5 + [BAD] * 40, [BAD] * 5 + [GOOD] * 40)
        self.assertAlmostEqual(standalone.optimum(brief, 2), 0.0)  # on the other all along
        self.assertAlmostEqual(standalone.optimum(long, 2), 0.0)
        self.assertAlmostEqual(standalone.optimum(last, 2), standalone.SWITCH_S)

    def test_a_switch_costs_and_no_link_is_out(self):
        both = slots([GOOD] * 10, [BAD] * 10)
        result = standalone.evaluate(both, ["a", "b"], [(0.0, "a"), (1.0, "b"), (1.4, "a")])
        self.assertEqual(result["switches"], 2)
        self.assertAlmostEqual(result["bad_s"], 0.4)
        self.assertAlmostEqual(result["cost"], 1.4)
        self.assertAlmostEqual(standalone.evaluate(both, ["a", "b"], [(1.0, "a")])["out_s"], 1.0)


class Figures(unittest.TestCase):
    def test_the_interval_is_students(self):
        self.assertEqual(league.interval([3.0]), 0.0)
        self.assertAlmostEqual(league.interval([1.0, 3.0]), 12.71 * 2**0.5 / 2**0.5, places=2)

    def test_the_same_values_give_the_same_range(self):
        values = [0.1, 0.2, 0.9, 1.0]
        low, high = league.over_scenarios(values)
        self.assertEqual((low, high), league.over_scenarios(values))
        self.assertTrue(0.1 <= low < 0.55 < high <= 1.0)

    def test_a_miss_is_told(self):
        results = [
            dict(who="autonomy", scenario="fjord-9", seed=1, cost=9, bad_s=8, out_s=0, switches=2, left=1.1, hours=10),
            dict(who="x", scenario="fjord-9", seed=1, cost=7, bad_s=7, out_s=0, switches=0, left=1.0, hours=10),
        ]
        found = league.verdicts(league.overall(results), results)
        self.assertEqual([good for _, good in found], [False] * 4)


class Plays(unittest.TestCase):
    def test_the_stand_in_is_played(self):
        build = os.environ.get("AUTONOMY_BUILD")
        if not build or not (pathlib.Path(build) / "autonomy-replay").is_file():
            self.skipTest("no autonomy-replay")
        program = pathlib.Path(league.__file__)
        command = [sys.executable, str(program), "--standalone", "--build", build, "--seeds", "2"]
        run = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        for name in ("car", "city", "home", "office"):
            self.assertIn("\n" + name, run.stdout)

    def test_a_world_without_a_common_instant_is_an_error(self):
        class Source:
            traces = "nowhere"

            def load(self):
                class Scorer:
                    @staticmethod
                    def grid(world):
                        return []

                class World:
                    links = []

                    def __init__(self, scenario, traces):
                        pass

                return Scorer, World

        with self.assertRaisesRegex(RuntimeError, "no instant"):
            league.board(Source(), "never.json")

    def test_a_program_that_cannot_be_run_is_an_error(self):
        program = pathlib.Path(league.__file__)
        with tempfile.TemporaryDirectory() as build:
            (pathlib.Path(build) / "autonomy-replay").write_text("no program")
            command = [sys.executable, str(program), "--standalone", "--build", build, "--seeds", "1"]
            run = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertIn("autonomy-replay", run.stderr)
        self.assertNotIn("Traceback", run.stderr)

    def test_a_folder_that_is_not_there_is_an_error(self):
        program = pathlib.Path(league.__file__)
        command = [sys.executable, str(program), "--score", "/nowhere", "--traces", "/nowhere"]
        run = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(run.returncode, 3)
        self.assertIn("/nowhere", run.stderr)


if __name__ == "__main__":
    unittest.main()
