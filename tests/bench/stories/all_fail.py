"""All uplinks die at once; 5 s later one that is not the preferred returns.  Measured from the
return."""
from story import SWITCH, Story


def fault(t):
    for link in t.lab.links:
        t.lab.blackhole(link)
        t.tell(link, False)
    t.wait(5)
    at = t.lab.blackhole(t.last, on=False)
    t.tell(t.last, True)
    return at


STORY = Story(
    title="all fail, one returns",
    fault=fault,
    expect=SWITCH,
    metric="fresh_ms",
    budget={"p95": 3000},
    patience_s=10,
    told=False,
    trials=20,
)
