"""The configuration is changed a little and read again."""
from story import UNHARMED, Story

STORY = Story(
    title="reload",
    fault=lambda t: t.system.reload(),
    expect=UNHARMED,
    watch_s=3,
    told=False,
    trials=20,
)
