"""5 % loss: nothing for a download, the end of a telephone call.  The traffic is of the class
realtime, on the systems that know classes."""
from story import SWITCH, Story

STORY = Story(
    title="5 % brown-out, realtime",
    fault=lambda t: t.lose(5),
    expect=SWITCH,
    traffic=("fresh", "udp"),
    profile="realtime",
    metric="moved_ms",
    budget={"p95": 8000},
    patience_s=20,
    trials=30,
)
