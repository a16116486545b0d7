"""2 % loss in bursts of 3 on the uplink in use (Gilbert-Elliott), as radio links have it all day."""
from story import STAY, Story

STORY = Story(
    title="2 % bursty loss",
    fault=lambda t: t.lose(2, burst=3),
    expect=STAY,
    watch_s=12,
    trials=50,
)
