"""Only IPv4 dies on the uplink in use, as when a provider's NAT fails: IPv4 must move, IPv6 must not notice."""
from story import SWITCH, Story


def fault(trial):
    fault_us = trial.lab.family_blackhole(trial.link, 4, True)
    trial.tell(trial.link, False, 4)
    return fault_us


def check(figures):
    if figures["lost6"] or figures["switches6"]:
        return f"IPv6: {figures['lost6']} packets lost, {figures['switches6']} switches"
    return None


STORY = Story(
    title="IPv4 only fails",
    fault=fault,
    expect=SWITCH,
    traffic=("fresh", "udp", "fresh6", "udp6"),
    metric="fresh_ms",
    budget={"p50": 250, "p99": 500},
    told=False,
    check=check,
    trials=30,
)
