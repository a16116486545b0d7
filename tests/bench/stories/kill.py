"""The system's process is killed with SIGKILL and started again 1 s later."""
from story import UNHARMED, Story

STORY = Story(
    title="kill -9",
    fault=lambda t: t.system.kill(),
    expect=UNHARMED,
    watch_s=4,
    told=False,
    trials=20,
)
