"""From what the traffic programs wrote down to the figures of one trial.  Pure: lists in, numbers out.

All times are CLOCK_MONOTONIC microseconds, the figures are milliseconds.  A figure is None where
there was nothing to measure it on, and NEVER where what it waits for did not come while the trial
was watched.
"""
from typing import NamedTuple, Optional

from stats import NEVER

# Fewer answers in a row over another uplink than this is not a switch (an answer out of order, one
# flow of a weighted group).
SWITCH_RUN = 3
# No answer for this long when the watching ends is a flow that did not come back.
STILL_SILENT_US = 500_000


class Packet(NamedTuple):
    sent_us: int
    answered_us: Optional[int] = None
    via: Optional[str] = None  # the uplink it left by, as the far end saw it


class Flow(NamedTuple):
    """What one traffic program saw.

    packets: in order of sending; an answer is counted for the packet that caused it.
    breaks: times at which an established flow's user was told that it is gone (reset, error).
    """

    packets: list
    breaks: list = []


def first_answer_ms(packets, fault_us):
    """Fault to the arrival of the first answer to a packet sent after it."""
    if not packets:
        return None
    came = [p.answered_us for p in packets if p.sent_us >= fault_us and p.answered_us is not None]
    return _ms(min(came) - fault_us) if came else NEVER


def moved_ms(packets, fault_us, link):
    """Fault to the sending of the first packet that was answered over another uplink than link."""
    if not packets:
        return None
    for p in packets:
        if p.sent_us >= fault_us and p.via is not None and p.via != link:
            return _ms(p.sent_us - fault_us)
    return NEVER


def outage_ms(packets, fault_us, end_us):
    """The longest silence of a flow whose packets should all be answered: the longest time between
    two answers of which the second came after the fault.

    Silent until the end: NEVER.  Only the beginning of a silence is free of the fault's own doing,
    so the flow's usual interval is part of the figure.
    """
    answers = sorted(p.answered_us for p in packets if p.answered_us is not None and p.answered_us <= end_us)
    if not answers:
        return NEVER if packets else None
    longest, before = 0, None
    for at in answers:
        if before is not None and at >= fault_us:
            longest = max(longest, at - before)
        before = at
    tail = end_us - answers[-1]
    if answers[-1] < fault_us or tail > max(longest, STILL_SILENT_US):
        return NEVER
    return _ms(longest)


def silent_ms(flow, fault_us):
    """Fault to the moment the user of an established TCP stream learns where it stands: data comes
    through for something sent after the fault, or the stream is reset."""
    if not flow.packets:
        return None
    told = [t for t in flow.breaks if t >= fault_us]
    told += [p.answered_us for p in flow.packets if p.sent_us >= fault_us and p.answered_us is not None]
    return _ms(min(told) - fault_us) if told else NEVER


def lost(packets, from_us, until_us):
    """How many packets sent in [from, until) were never answered."""
    return sum(1 for p in packets if from_us <= p.sent_us < until_us and p.answered_us is None)


def switches(packets, from_us=0):
    """The uplinks fresh traffic left by, in order: [(sent_us, via), ...] with a row per change.

    The first row is where it was at the beginning; the number of switches is the length less one.
    """
    rows = []
    run_via, run_at, run = None, 0, 0
    for p in packets:
        if p.sent_us < from_us or p.via is None:
            continue
        if p.via != run_via:
            run_via, run_at, run = p.via, p.sent_us, 0
        run += 1
        if run >= SWITCH_RUN and (not rows or rows[-1][1] != run_via):
            rows.append((run_at, run_via))
    return rows


def round_trip_ms(packets, from_us, until_us):
    """The round trips of the answered packets sent in [from, until), in order of sending."""
    return [
        _ms(p.answered_us - p.sent_us)
        for p in packets
        if from_us <= p.sent_us < until_us and p.answered_us is not None
    ]


def first_change_ms(decisions, fault_us, link):
    """Fault to the first of the router's own decisions [(t_us, device), ...] that leaves link.

    0 if it had left before the fault, NEVER if it stays.
    """
    current = None
    for t_us, device in decisions:
        if t_us >= fault_us:
            break
        current = device
    if current is not None and current != link:
        return 0.0
    for t_us, device in decisions:
        if t_us >= fault_us and device != link and device != "-":
            return _ms(t_us - fault_us)
    return NEVER if decisions else None


def _ms(us):
    return us / 1000
