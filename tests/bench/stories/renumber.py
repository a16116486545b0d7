"""The provider gives the line another address; the old one no longer works.  Staying with the new
address is as good as leaving, as long as traffic flows."""
from story import RECOVER, Story

STORY = Story(
    title="provider renumbers",
    fault=lambda t: t.lab.renumber(t.link),
    expect=RECOVER,
    metric="fresh_ms",
    budget={"p99": 1000},
    told=False,
    trials=20,
)
