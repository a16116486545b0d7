"""The preferred uplink dies, traffic has just moved, and the one it moved to dies too.  Measured from
the second."""
from story import SWITCH, Story


def fault(t):
    t.lab.blackhole(t.link)
    t.tell(t.link, False)
    second = t.until_away(t.link)
    if not second:
        return t.skip("did not leave the first uplink")
    t.wait(0.2)
    at = t.lab.blackhole(second)
    t.tell(second, False)
    t.measure_from(second)
    return at


STORY = Story(
    title="second unplug after the first",
    fault=fault,
    expect=SWITCH,
    metric="fresh_ms",
    budget={"p50": 250, "p99": 500},
    told=False,
    trials=30,
)
