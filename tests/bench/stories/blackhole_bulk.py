"""As the black hole, while a bulk download fills the link (50 Mbit/s, 60 ms of queue)."""
from story import SWITCH, Story


def prepare(t):
    for link in t.lab.links:
        t.lab.rate(link, 50, 60)


STORY = Story(
    title="black hole, bulk load",
    prepare=prepare,
    fault=lambda t: t.lab.blackhole(t.link),
    expect=SWITCH,
    traffic=("fresh", "udp", "bulk_down"),
    metric="fresh_ms",
    budget={"p50": 250, "p99": 500},
    trials=50,
)
