"""The model: onsets a second as this site has had them lately, times a lift that was learned from recordings.

    expected onsets in the horizon = horizon * rate * 2^(offset + loss_now * a + rtt_unrest * b)
    chance that it happens         = 1 - exp(-expected)

Fitted by Poisson regression with the site's own rate as exposure, ridge-regularised; everything is then rounded to
1/256.
"""
import dataclasses
import math
import re

import numpy as np
from sklearn.linear_model import PoissonRegressor

import features

HORIZONS_S = (1, 10, 60)
ALPHA = 0.01  # of the ridge, against the mean deviance
RECORDING_MOST_S = 3000  # a long recording weighs as much as so many seconds: it is one place
CHANCE_FIRST, CHANCE_STEP, CHANCE_N = -20 * 256, 128, 48  # the table of 1 - exp(-2^x), x in 1/256


def chance_table():
    expected = [2 ** ((CHANCE_FIRST + i * CHANCE_STEP) / 256) for i in range(CHANCE_N + 1)]
    return [max(1, round(1e6 * -math.expm1(-e))) for e in expected]


CHANCE = chance_table()


def chance_ppm(x_q8):
    """As hazard.c: chance() does it."""
    place = max(0, min(CHANCE_N * CHANCE_STEP - 1, x_q8 - CHANCE_FIRST))
    i, rest = divmod(place, CHANCE_STEP)
    return CHANCE[i] + (CHANCE[i + 1] - CHANCE[i]) * rest // CHANCE_STEP


def chances_ppm(x_q8):
    """The same for an array."""
    table = np.array(CHANCE)
    place = np.clip(x_q8 - CHANCE_FIRST, 0, CHANCE_N * CHANCE_STEP - 1)
    i, rest = np.divmod(place, CHANCE_STEP)
    return table[i] + (table[i + 1] - table[i]) * rest // CHANCE_STEP


def truncated(a, b):
    """Division of C."""
    return -(-a // b) if a < 0 else a // b


@dataclasses.dataclass
class Model:
    horizon_s: int
    offset_q8: int
    weight_q8: tuple
    proven: bool = False

    def x_q8(self, rate_q8, feature_q8):
        lift = sum(w * f for w, f in zip(self.weight_q8, feature_q8))
        return rate_q8 + features.log2_q8(self.horizon_s) + self.offset_q8 + truncated(lift, 256)

    def ppm(self, rate_q8, feature_q8):
        return chance_ppm(self.x_q8(rate_q8, feature_q8))

    def ppms(self, data):
        lift = data.feature_q8 @ np.array(self.weight_q8)
        lift = np.where(lift < 0, -(-lift // 256), lift // 256)
        return chances_ppm(data.rate_q8 + features.log2_q8(self.horizon_s) + self.offset_q8 + lift)


@dataclasses.dataclass
class Data:
    """The seconds of one recording after which the horizon is known; until_s: seconds until the next outage."""

    name: str
    kind: str
    site: str
    t: np.ndarray
    rate_q8: np.ndarray
    feature_q8: np.ndarray
    happened: np.ndarray
    until_s: np.ndarray


def until_unusable(piece):
    """For each second how many later the path cannot be used; a large number: not within the piece."""
    far, out = 1 << 30, [0] * len(piece)
    for i in range(len(piece) - 1, -1, -1):
        out[i] = far
        far = 1 if piece[i].unusable else min(far + 1, 1 << 30)
    return out


def seen_unusable(s):
    return bool(s.unusable) or (s.asked > 0 and 2 * s.lost >= s.asked)


def examples(recording, site):
    """{horizon: Data} of a recording, its seconds in order through one State."""
    rows = {h: [] for h in HORIZONS_S}
    state = features.State()
    for piece in recording.pieces:
        state.gap()
        until = until_unusable(piece)
        known = np.cumsum([0] + [s.unusable is not None for s in piece])
        for i, s in enumerate(piece):
            unusable = seen_unusable(s)
            state.second(s.asked, s.lost, s.rtt_us, unusable)
            if unusable or s.unusable is None:
                continue
            row = (s.t, state.rate_q8(), *state.features_q8(), until[i])
            for h in HORIZONS_S:
                if i + h < len(piece) and (until[i] <= h or 2 * (known[i + h + 1] - known[i + 1]) > h):
                    rows[h].append(row)
    out = {}
    for h, r in rows.items():
        if r:
            a = np.array(r, dtype=np.int64)
            out[h] = Data(recording.name, recording.kind, site, a[:, 0], a[:, 1], a[:, 2:-1], a[:, -1] <= h, a[:, -1])
    return out


def weights(data):
    return np.concatenate([np.full(len(d.happened), min(1.0, RECORDING_MOST_S / len(d.happened))) for d in data])


def fit(data, horizon_s):
    """A Model from a list of Data; None when nothing ever happened in them."""
    happened = np.concatenate([d.happened for d in data])
    if not happened.any():
        return None
    exposure = horizon_s * 2.0 ** (np.concatenate([d.rate_q8 for d in data]) / 256)
    x = np.vstack([d.feature_q8 for d in data]) / 256
    regressor = PoissonRegressor(alpha=ALPHA, max_iter=500)
    regressor.fit(x, happened / exposure, sample_weight=weights(data) * exposure)
    to_q8 = 256 / math.log(2)
    return Model(horizon_s, round(regressor.intercept_ * to_q8), tuple(round(w * to_q8) for w in regressor.coef_))


def leave_one_site_out(data, horizon_s):
    """[(Data, ppm of a model that never saw its site, base rate of what that model saw)]"""
    out = []
    for site in sorted({d.site for d in data}):
        rest = [d for d in data if d.site != site]
        model = fit(rest, horizon_s) if rest else None
        if not model:
            continue
        base = np.average(np.concatenate([d.happened for d in rest]), weights=weights(rest))
        out += [(d, model.ppms(d), base) for d in data if d.site == site]
    return out


ROW = re.compile(r"\{\.horizon_s = (\d+), \.offset_q8 = (-?\d+), \.weight_q8 = \{(-?\d+), (-?\d+)\}, "
                 r"\.proven = (true|false)\}")


def parse_table(text):
    """The models of a hazard_table.c."""
    rows = ROW.findall(" ".join(text.split()))
    return [Model(int(h), int(o), (int(a), int(b)), p == "true") for h, o, a, b, p in rows]
