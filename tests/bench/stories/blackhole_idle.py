"""As the black hole, but nobody uses the line: the LAN's first packet comes 1 s after the fault, so
no traffic helps to notice it.  The figure is when the router changed its mind."""
from story import SWITCH, Story

STORY = Story(
    title="black hole, idle line",
    fault=lambda t: t.lab.blackhole(t.link),
    expect=SWITCH,
    traffic=(),
    delayed={"fresh": 1.0},
    metric="switch_ms",
    budget={"p99": 1000},
    trials=100,
)
