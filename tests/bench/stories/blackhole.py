"""The uplink in use swallows every packet, both ways, while its carrier stays up: a dead modem, a
provider's router that crashed.  Traffic flows all the time."""
from story import SWITCH, Story

STORY = Story(
    title="black hole, under traffic",
    fault=lambda t: t.lab.blackhole(t.link),
    expect=SWITCH,
    metric="fresh_ms",
    budget={"p50": 250, "p99": 500},
    trials=100,
)
