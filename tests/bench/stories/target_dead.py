"""One of the well-known addresses that everybody pings is dead, over every uplink: not the link's
fault."""
from story import STAY, Story


def fault(t):
    ip = t.lab.targets[t.number % len(t.lab.targets)]
    return t.lab.target_dead(ip, True)


STORY = Story(
    title="one target dead everywhere",
    fault=fault,
    expect=STAY,
    watch_s=8,
    trials=50,
)
