"""Only IPv6 dies on the uplink in use: IPv6 must move, IPv4 must not notice.  Both families have traffic, and IPv4's goes
on being answered: what the link carries in all does not tell."""
from story import SWITCH, Story


def check(figures):
    if figures["lost"] or figures["switches"]:
        return f"IPv4: {figures['lost']} packets lost, {figures['switches']} switches"
    return None


STORY = Story(
    title="IPv6 only fails",
    fault=lambda t: t.lab.family_blackhole(t.link, 6, True),
    expect=SWITCH,
    traffic=("fresh", "udp", "fresh6", "udp6"),
    metric="fresh6_ms",
    budget={"p50": 250, "p99": 500},
    family=6,
    check=check,
    trials=30,
)
