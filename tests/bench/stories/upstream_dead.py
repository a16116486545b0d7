"""The provider's router still answers, nothing behind it does: a cut in the provider's network."""
from story import SWITCH, Story

STORY = Story(
    title="provider cut behind its gateway",
    fault=lambda t: t.lab.upstream_dead(t.link),
    expect=SWITCH,
    metric="fresh_ms",
    budget={"p50": 250, "p99": 500},
    trials=50,
)
