"""What a fault story says, and how the files in stories/ are found.

A story is a file with one `STORY = Story(...)`; its docstring is the long form of the title.  The
bench starts the traffic, waits until it flows, calls fault(trial), watches, and measures:

    fresh_ms    fault -> first answer to a flow begun after it (arrival)
    moved_ms    fault -> sending of the first packet answered over another uplink
    switch_ms   fault -> the kernel's forwarding decision for LAN traffic changed
    udp_ms      the longest silence of an established UDP flow
    tcp_ms      fault -> an established TCP stream goes on or is reset
    dns_ms, http_ms   as fresh_ms, for DNS queries and HTTP requests
    lost        fresh and UDP packets sent after the fault and never answered
    switches    changes of the uplink fresh traffic leaves by
    broken      established TCP streams that ended
    late_ms     the 95th percentile of the round trip of fresh packets, after the fault

All of them again with a 6 at the end of the flow's name for IPv6 traffic (fresh6_ms, lost6, ...).
"""
import importlib.util
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Optional

STORIES = Path(__file__).resolve().parent / "stories"

# What must happen to the traffic.
SWITCH = "switch"  # it must go elsewhere: metric against budget
STAY = "stay"  # it must not: every switch counts against the system
UNHARMED = "unharmed"  # nothing may be lost, and nothing may switch
RECOVER = "recover"  # it must flow again, by whichever uplink


@dataclass(frozen=True)
class Story:
    title: str
    fault: Callable  # fault(trial) -> t_us of the fault, or None for the time of the call
    expect: str
    traffic: tuple = ("fresh", "udp", "tcp")
    metric: Optional[str] = None  # the figure the table shows; needed with SWITCH and RECOVER
    budget: dict = field(default_factory=dict)  # {"p99": 500}, in the metric's unit
    trials: int = 20
    watch_s: float = 0.0  # watch at least so long after the fault
    patience_s: float = 0.0  # wait at least so long for the metric (a slower system waits longer)
    delayed: dict = field(default_factory=dict)  # traffic that begins so many s after the fault
    prepare: Optional[Callable] = None  # prepare(trial), before the traffic: the state of the network
    from_start: bool = False  # fault() starts the system itself
    check: Optional[Callable] = None  # check(figures) -> what is wrong with this trial, or None
    profile: str = "default"  # what the system is configured for; see the adapter of autonomy
    told: bool = True  # an oracle is told that trial.link is dead when fault() returns
    family: int = 4


def find():
    """{name: (Story, docstring)} of all stories, by file name."""
    found = {}
    for path in sorted(STORIES.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"stories.{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found[path.stem] = (module.STORY, (module.__doc__ or "").strip())
        problem = wrong_with(module.STORY)
        if problem:
            raise ValueError(f"{path.name}: {problem}")
    return found


def with_budget(story, budget):
    return replace(story, budget=budget)


def wrong_with(story):
    if story.expect not in (SWITCH, STAY, UNHARMED, RECOVER):
        return f"expect={story.expect!r} is none of switch, stay, unharmed, recover"
    if story.expect in (SWITCH, RECOVER) and not story.metric:
        return "needs a metric"
    for key in story.budget:
        if key not in ("p50", "p95", "p99", "max"):
            return f"budget {key!r} is none of p50, p95, p99, max"
    if story.expect == STAY and not story.watch_s:
        return "needs watch_s: how long must it stay?"
    return None
