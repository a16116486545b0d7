"""The targets answer hardly any ping (2 a second in all), as busy servers do: not the link's fault."""
from story import STAY, Story

STORY = Story(
    title="targets limit ICMP",
    fault=lambda t: t.lab.icmp_ratelimit(2),
    expect=STAY,
    watch_s=8,
    trials=50,
)
