"""Percentiles with counts and confidence intervals.  Pure: no I/O, no clock, seeded randomness.

A value that never came (a trial that did not recover while it was watched) is `NEVER`, plus
infinity: it takes its place at the end of the order, so a percentile that reaches it is NEVER too,
and no trial is left out of a count.
"""
import math
import random

NEVER = math.inf


def percentile(values, p):
    """The nearest-rank percentile (0 < p <= 100): a value that was measured, never one in between.

    With 100 values p99 is the second largest.  Returns None for no values.
    """
    if not values:
        return None
    if not 0 < p <= 100:
        raise ValueError(f"percentile {p} is outside (0, 100]")
    ordered = sorted(values)
    return ordered[_rank(len(ordered), p)]


def _rank(n, p):
    # 1e-9: 0.95 * 20 must be 19, not 19.000000000000004 and so 20
    return max(0, math.ceil(n * p / 100 - 1e-9) - 1)


def bootstrap(values, p, level=0.95, resamples=1000, seed=1):
    """A confidence interval (low, high) of the p-th percentile by resampling with replacement.

    The seed is fixed, so the same values give the same interval.  Returns None below 2 values.
    """
    n = len(values)
    if n < 2:
        return None
    rng = random.Random(seed)
    ordered = sorted(values)
    rank = _rank(n, p)
    estimates = sorted(
        ordered[sorted(int(rng.random() * n) for _ in range(n))[rank]] for _ in range(resamples)
    )
    tail = (1 - level) / 2
    return (percentile(estimates, 100 * tail), percentile(estimates, 100 * (1 - tail)))


def upper_bound(hits, n, level=0.95):
    """The one-sided upper limit of a probability of which `hits` of n trials were seen.

    Clopper-Pearson: 0 hits of 50 gives 0.058, the exact form of the "rule of three".
    """
    if n == 0 or hits >= n:
        return 1.0
    low, high = hits / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _binomial_at_most(hits, n, middle) > 1 - level:
            low = middle
        else:
            high = middle
    return high


def _binomial_at_most(k, n, p):
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def summary(values, percentiles=(50, 95, 99), resamples=1000):
    """{"n", "never", "min", "mean", "max", "p50", "p50_ci", ...} of a list of numbers.

    None values (nothing was measured) are counted under "missing" and otherwise left out; the
    mean is over the values that came.
    """
    known = [v for v in values if v is not None]
    came = [v for v in known if v != NEVER]
    out = {
        "n": len(known),
        "missing": len(values) - len(known),
        "never": len(known) - len(came),
        "min": min(known, default=None),
        "mean": sum(came) / len(came) if came else None,
        "max": max(known, default=None),
    }
    for p in percentiles:
        out[f"p{p}"] = percentile(known, p)
        out[f"p{p}_ci"] = bootstrap(known, p, resamples=resamples)
    return out
