"""Figures of forecasts against what happened."""
import numpy as np
from sklearn.metrics import roc_auc_score

EDGES = (0.003, 0.01, 0.03, 0.1, 0.3)
ALARMS = (0.03, 0.1, 0.3)
BLOCK_S, DRAWS = 900, 400


class Score:
    """Of [(Data, ppm, base)]: sums by block, so that doubt can be drawn from them."""

    def __init__(self, results):
        self.results = results
        self.p = np.concatenate([ppm for _, ppm, _ in results]) / 1e6
        self.y = np.concatenate([d.happened for d, _, _ in results]).astype(float)
        by_site = {d.site: [] for d, _, _ in results}
        for d, _, _ in results:
            by_site[d.site].append(d.happened)
        self.rate = {site: np.concatenate(happened).mean() for site, happened in by_site.items()}
        base = np.concatenate([np.full(len(ppm), b) for _, ppm, b in results])
        site = np.concatenate([np.full(len(ppm), self.rate[d.site]) for d, ppm, _ in results])
        block = np.concatenate([(k << 32) + d.t // BLOCK_S for k, (d, _, _) in enumerate(results)])
        _, block = np.unique(block, return_inverse=True)
        terms = [(v - self.y) ** 2 for v in (self.p, base, site)]
        self.sums = np.stack([np.bincount(block, weights=t) for t in terms])

    def skill(self, reference):
        """1 - Brier / Brier of a constant (1: base rate of the training recordings, 2: the site's own)."""
        total = self.sums.sum(axis=1)
        return 1 - total[0] / total[reference] if total[reference] else float("nan")

    def doubt(self, reference):
        """95 % interval, drawn over blocks of a quarter of an hour."""
        rng = np.random.default_rng(1)
        n = self.sums.shape[1]
        draws = []
        for _ in range(DRAWS):
            total = self.sums @ rng.multinomial(n, np.full(n, 1 / n))
            if total[reference]:
                draws.append(1 - total[0] / total[reference])
        return np.percentile(draws, [2.5, 97.5]) if draws else (float("nan"),) * 2

    def auc(self):
        return roc_auc_score(self.y, self.p) if 0 < self.y.sum() < len(self.y) else float("nan")


def headline(score):
    low, high = score.doubt(2)
    beforehand = score.skill(1)  # a table that is only judged has no rate of its training
    return [len(score.y), int(score.y.sum()), f"{((score.p - score.y) ** 2).mean():.6f}",
            f"{beforehand:+.3f}" if beforehand == beforehand else "-",
            f"{score.skill(2):+.3f} ({low:+.3f} to {high:+.3f})", f"{score.auc():.2f}"]


def reliability(score):
    edges = (0.0,) + EDGES + (1.01,)
    rows = []
    for low, high in zip(edges, edges[1:]):
        m = (score.p >= low) & (score.p < high)
        if m.any():
            said, happened = 100 * score.p[m].mean(), 100 * score.y[m].mean()
            name = f"{100 * low:g} to {100 * min(high, 1):g} %"
            rows.append((name, int(m.sum()), f"{said:.2f} %", f"{happened:.2f} %"))
    return rows


def share(k, n):
    return f"{100 * k / n:.0f} %" if n else "-"


def alarms(score, horizon_s):
    """Per threshold: share of alarm seconds that were right, of onsets warned of, median warning, alarms a day."""
    rows = []
    seconds = len(score.y)
    for limit in ALARMS:
        right = raised = onsets = warned = spells = 0
        leads = []
        for d, ppm, _ in score.results:
            alarm = ppm >= limit * 1e6
            raised += int(alarm.sum())
            right += int((alarm & d.happened).sum())
            spells += int((alarm[1:] & ~alarm[:-1]).sum() + alarm[:1].sum())
            at = d.t + d.until_s  # when the next onset comes
            for onset in np.unique(at[d.happened]):
                onsets += 1
                m = (at == onset) & (d.until_s <= horizon_s) & alarm
                if m.any():
                    warned += 1
                    leads.append(int(d.until_s[m].max()))
        rows.append((f"{100 * limit:g} %", share(right, raised), share(warned, onsets),
                     f"{np.median(leads):.0f} s" if leads else "-", f"{spells * 86400 / seconds:.0f}"))
    return rows


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows])
