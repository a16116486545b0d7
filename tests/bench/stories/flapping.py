"""The preferred uplink dies for 1.5 s and lives for 3 s, eight times.  Each death costs something;
coming back each time costs it twice.  The figure is the number of switches."""
from story import RECOVER, Story


def fault(t):
    first = None
    for _ in range(8):
        at = t.lab.blackhole(t.link)
        first = first or at
        t.tell(t.link, False)
        t.wait(1.5)
        t.lab.blackhole(t.link, on=False)
        t.tell(t.link, True)
        t.wait(3)
    return first


STORY = Story(
    title="flapping link, 8 times",
    fault=fault,
    expect=RECOVER,
    traffic=("fresh", "udp"),
    metric="switches",
    budget={"p95": 4},
    told=False,
    trials=5,
)
