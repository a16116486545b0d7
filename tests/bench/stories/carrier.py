"""The carrier of the uplink in use is lost: somebody pulls the cable.  The figure is when the first
packet was sent that got an answer, so the round trip is not in it."""
from story import SWITCH, Story

STORY = Story(
    title="carrier lost",
    fault=lambda t: t.lab.carrier(t.link, False),
    expect=SWITCH,
    metric="moved_ms",
    budget={"p99": 50},
    trials=100,
)
