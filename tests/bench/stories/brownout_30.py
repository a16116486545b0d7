"""Every third packet is lost, both ways together 30 % per direction: the link answers pings now and
then but is of no use to anyone."""
from story import SWITCH, Story

STORY = Story(
    title="30 % brown-out",
    fault=lambda t: t.lab.loss(t.link, 30),
    expect=SWITCH,
    metric="moved_ms",
    budget={"p95": 3000},
    patience_s=10,
    trials=50,
)
