"""The program's file is replaced by a new one, and the running system goes over to it."""
from story import UNHARMED, Story

STORY = Story(
    title="upgrade",
    fault=lambda t: t.system.upgrade(),
    expect=UNHARMED,
    watch_s=4,
    told=False,
    trials=20,
)
