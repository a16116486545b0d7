"""The provider's router gets another address; the DHCP client learns it and changes the route."""
from story import RECOVER, Story

STORY = Story(
    title="gateway changes",
    fault=lambda t: t.lab.change_gateway(t.link),
    expect=RECOVER,
    metric="fresh_ms",
    budget={"p99": 1000},
    told=False,
    trials=20,
)
