"""An uplink that is not in use dies: what flows over the other must not notice."""
from story import UNHARMED, Story

STORY = Story(
    title="standby fails",
    fault=lambda t: t.lab.blackhole(t.standby),
    expect=UNHARMED,
    watch_s=5,
    told=False,
    trials=20,
)
