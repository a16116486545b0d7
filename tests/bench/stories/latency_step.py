"""The round trip of the uplink in use goes from 40 ms to 640 ms and stays there, without loss."""
from story import SWITCH, Story

STORY = Story(
    title="latency step +600 ms",
    fault=lambda t: t.lab.delay(t.link, 320),
    expect=SWITCH,
    traffic=("fresh", "udp"),
    metric="moved_ms",
    patience_s=15,
    trials=20,
)
