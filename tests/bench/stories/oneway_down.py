"""What we send arrives, the answers are lost: a return route withdrawn at the provider."""
from story import SWITCH, Story

STORY = Story(
    title="one-way black hole, down",
    fault=lambda t: t.lab.blackhole(t.link, "down"),
    expect=SWITCH,
    metric="fresh_ms",
    budget={"p50": 250, "p99": 500},
    trials=50,
)
