"""What the model looks at: integers, step by step as src/core/hazard.c computes them.

Both must give the same numbers for the same seconds; tests/unit/core/test_hazard.c compares them on vectors that
train.py writes.
"""

FEATURES = ("loss_now", "rtt_unrest")
ONE = 1 << 24  # a share of 1
RTT_MOST_US = 4000000
ONSET = 1 << 20  # one onset
ONSETS_MOST = 2000 * ONSET
SECOND = 1 << 16
PRIOR_ONSETS, PRIOR_S = 104858, 300  # a link of which nothing is known yet: a tenth of an onset in five minutes
FAST_S = 300  # what the last two minutes are weighed against
SLOW_SHIFT, FAST_SHIFT = 14, 7  # memories of 16384 and 128 seconds


def log2_q8(v):
    """log2(v) in 1/256, the mantissa interpolated linearly; 0 for v < 2."""
    if v < 2:
        return 0
    k = v.bit_length() - 1
    return k * 256 + ((v << 8 >> k) & 255)


def toward(average, sample, shift):
    return average - (average >> shift) + (sample >> shift)


class State:
    __slots__ = ("loss_now", "rtt_usual", "rtt_off", "onsets_slow", "onsets_fast", "time_slow", "time_fast")
    __slots__ += ("was_unusable",)

    def __init__(self):
        for name in self.__slots__:
            setattr(self, name, 0)

    def second(self, asked, lost, rtt_us, unusable):
        """A second has passed in which probes ended (asked > 0), or throughout which the path could not be used."""
        if not asked and not unusable:
            return
        self.loss_now = toward(self.loss_now, ONE if unusable else ONE // asked * lost, 2)
        self.count(unusable)
        if not rtt_us:
            return
        rtt = min(rtt_us, RTT_MOST_US) << 4
        if not self.rtt_usual:
            self.rtt_usual = rtt
        self.rtt_off = toward(self.rtt_off, abs(rtt - self.rtt_usual), 4)
        self.rtt_usual = toward(self.rtt_usual, rtt, 8)

    def count(self, unusable):
        onset = unusable and not self.was_unusable
        self.was_unusable = int(unusable)
        self.onsets_slow -= self.onsets_slow >> SLOW_SHIFT
        self.onsets_fast -= self.onsets_fast >> FAST_SHIFT
        self.time_slow -= self.time_slow >> SLOW_SHIFT
        self.time_fast -= self.time_fast >> FAST_SHIFT
        if onset:
            self.onsets_slow = min(self.onsets_slow + ONSET, ONSETS_MOST)
            self.onsets_fast = min(self.onsets_fast + ONSET, ONSETS_MOST)
        if not unusable:
            self.time_slow += SECOND
            self.time_fast += SECOND

    def gap(self):
        """Nothing was seen for a while: what was a moment ago says nothing any more."""
        self.loss_now = 0
        self.was_unusable = 0

    def rate_q8(self):
        """log2 of onsets a second to be expected here, in 1/256."""
        slow = ((self.onsets_slow + PRIOR_ONSETS) << 26) // (self.time_slow + PRIOR_S * SECOND)
        onsets = self.onsets_fast + (FAST_S * slow >> 10)
        return log2_q8((onsets << 26) // (self.time_fast + FAST_S * SECOND)) - 30 * 256

    def features_q8(self):
        unrest = 0
        if self.rtt_usual >= 256:
            unrest = log2_q8(256 + (self.rtt_off << 3) // (self.rtt_usual >> 8)) - 2048
        return log2_q8(256 + (self.loss_now >> 8)) - 2048, unrest
