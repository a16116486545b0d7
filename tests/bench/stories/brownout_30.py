"""30 % of the round trips fail: the link answers most pings and is of no use to anyone."""
from story import SWITCH, Story

STORY = Story(
    title="30 % brown-out",
    fault=lambda t: t.lose(30),
    expect=SWITCH,
    metric="moved_ms",
    budget={"p95": 3000},
    patience_s=10,
    trials=50,
)
