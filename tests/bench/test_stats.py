"""What the percentiles, intervals and bounds of the bench promise."""
import random
import unittest

import stats


class Percentile(unittest.TestCase):
    def test_is_a_measured_value_by_nearest_rank(self):
        rows = [
            ([7], 50, 7),
            ([7], 99, 7),
            ([1, 2], 50, 1),
            ([1, 2], 51, 2),
            ([1, 2, 3], 50, 2),
            (list(range(1, 101)), 50, 50),
            (list(range(1, 101)), 95, 95),
            (list(range(1, 101)), 99, 99),
            (list(range(1, 101)), 100, 100),
            (list(range(1, 21)), 95, 19),
        ]
        for values, p, want in rows:
            self.assertEqual(stats.percentile(values, p), want, (values, p))

    def test_does_not_depend_on_order(self):
        values = list(range(50))
        random.Random(3).shuffle(values)
        self.assertEqual(stats.percentile(values, 90), 44)

    def test_of_nothing_is_none(self):
        self.assertIsNone(stats.percentile([], 50))

    def test_refuses_a_percentile_that_does_not_exist(self):
        for p in (0, -1, 101):
            with self.assertRaises(ValueError):
                stats.percentile([1], p)

    def test_never_sorts_last(self):
        values = [10] * 98 + [stats.NEVER] * 2
        self.assertEqual(stats.percentile(values, 98), 10)
        self.assertEqual(stats.percentile(values, 99), stats.NEVER)


class Bootstrap(unittest.TestCase):
    def test_same_values_give_the_same_interval(self):
        values = [random.Random(1).gauss(100, 10) for _ in range(40)]
        self.assertEqual(stats.bootstrap(values, 50), stats.bootstrap(list(reversed(values)), 50))

    def test_holds_the_estimate(self):
        rng = random.Random(2)
        for p in (50, 95):
            values = [rng.expovariate(0.01) for _ in range(60)]
            low, high = stats.bootstrap(values, p)
            self.assertLessEqual(low, stats.percentile(values, p))
            self.assertGreaterEqual(high, stats.percentile(values, p))

    def test_covers_the_true_median_about_as_often_as_it_says(self):
        rng = random.Random(4)
        hits = 0
        for trial in range(200):
            low, high = stats.bootstrap([rng.random() for _ in range(50)], 50, seed=trial, resamples=300)
            hits += low <= 0.5 <= high
        self.assertGreater(hits, 178)
        self.assertLessEqual(hits, 200)

    def test_narrows_with_more_values(self):
        rng = random.Random(5)
        width = []
        for n in (20, 500):
            low, high = stats.bootstrap([rng.random() for _ in range(n)], 50)
            width.append(high - low)
        self.assertLess(width[1], width[0] / 2)

    def test_of_too_little_is_none(self):
        self.assertIsNone(stats.bootstrap([], 50))
        self.assertIsNone(stats.bootstrap([1], 50))

    def test_survives_never(self):
        low, high = stats.bootstrap([1, 2, 3, stats.NEVER], 99)
        self.assertLessEqual(low, high)


class UpperBound(unittest.TestCase):
    def test_against_tabled_values(self):
        # Clopper-Pearson one-sided 95 %: 1 - 0.05^(1/n) for no hits
        for hits, n, want in ((0, 50, 0.0582), (0, 100, 0.0295), (1, 50, 0.0914), (5, 10, 0.7776)):
            self.assertAlmostEqual(stats.upper_bound(hits, n), want, places=3)

    def test_edges(self):
        self.assertEqual(stats.upper_bound(0, 0), 1.0)
        self.assertEqual(stats.upper_bound(3, 3), 1.0)


class Summary(unittest.TestCase):
    def test_counts_every_trial(self):
        got = stats.summary([3, None, 1, stats.NEVER, 2], resamples=50)
        self.assertEqual((got["n"], got["missing"], got["never"]), (4, 1, 1))
        self.assertEqual((got["min"], got["max"], got["mean"]), (1, stats.NEVER, 2))
        self.assertEqual((got["p50"], got["p95"]), (2, stats.NEVER))

    def test_of_nothing(self):
        got = stats.summary([])
        self.assertEqual(got["n"], 0)
        self.assertIsNone(got["p50"])


if __name__ == "__main__":
    unittest.main()
