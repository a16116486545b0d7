"""Names no longer resolve over the uplink in use, while pings, UDP and TCP live: for people the
Internet is gone."""
from story import SWITCH, Story

STORY = Story(
    title="DNS dead, ping lives",
    fault=lambda t: t.lab.dns_dead(t.link, True),
    expect=SWITCH,
    traffic=("fresh", "dns"),
    metric="dns_ms",
    patience_s=20,
    trials=20,
)
