"""The preferred uplink dies, comes back, traffic returns to it (or 60 s pass), and it dies again: the
second death must be noticed as fast as the first.  Measured from the second."""
from story import SWITCH, Story


def fault(t):
    t.lab.blackhole(t.link)
    t.tell(t.link, False)
    t.until_away(t.link)
    t.lab.blackhole(t.link, on=False)
    t.tell(t.link, True)
    if not t.until_on(t.link, 60):
        return t.skip("no failback within 60 s: there is no relapse to measure")
    t.wait(1)
    return t.lab.blackhole(t.link)


STORY = Story(
    title="relapse after failback",
    fault=fault,
    expect=SWITCH,
    profile="short_hold",
    metric="fresh_ms",
    budget={"p50": 250, "p99": 500},
    trials=20,
)
