"""What we send is lost, what is sent to us still arrives: a dead transmitter."""
from story import SWITCH, Story

STORY = Story(
    title="one-way black hole, up",
    fault=lambda t: t.lab.blackhole(t.link, "up"),
    expect=SWITCH,
    metric="fresh_ms",
    budget={"p50": 250, "p99": 500},
    trials=50,
)
