"""Packets over 1400 bytes vanish on the uplink in use without an ICMP message: small ones live, and
every download hangs."""
from story import SWITCH, Story

STORY = Story(
    title="MTU black hole",
    fault=lambda t: t.lab.mtu_blackhole(t.link, 1400),
    expect=SWITCH,
    traffic=("fresh", "bulk_down"),
    metric="moved_ms",
    patience_s=40,
    trials=10,
)
