"""The system is stopped as its service file would, and started again."""
from story import UNHARMED, Story

STORY = Story(
    title="restart",
    fault=lambda t: t.system.restart(),
    expect=UNHARMED,
    watch_s=4,
    told=False,
    trials=20,
)
