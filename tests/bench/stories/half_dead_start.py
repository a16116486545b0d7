"""The router starts while its preferred uplink has carrier, an address and a gateway that answers
nothing.  Measured from the start of the system.  Flows that were there before must move too."""
from stats import NEVER
from story import SWITCH, Story


def prepare(t):
    t.lab.blackhole(t.link, "down")


def fault(t):
    at = t.now_us()
    t.system.start()
    t.tell(t.link, False)
    return at


def check(figures):
    if figures["udp_ms"] == NEVER:
        return "the UDP flow that was there before stays on the dead uplink"
    return None


STORY = Story(
    title="starts with a half-dead uplink",
    prepare=prepare,
    fault=fault,
    from_start=True,
    expect=SWITCH,
    metric="fresh_ms",
    budget={"p95": 3000},
    check=check,
    patience_s=15,
    trials=20,
)
