"""The others are dead already, and the uplink in use loses 30 %.  There is nothing better: leaving it,
or flushing its flows, would only make things worse."""
from story import STAY, Story


def prepare(t):
    for link in t.lab.links[1:]:
        t.lab.blackhole(link)
        t.tell(link, False)
    t.wait(3)


def check(figures):
    share = figures["lost"] / max(1, figures["sent"])
    return f"{share:.0%} of the packets lost, the link's own loss is 30 %" if share > 0.40 else None


STORY = Story(
    title="no alternative exists",
    prepare=prepare,
    fault=lambda t: t.lose(30),
    expect=STAY,
    told=False,
    watch_s=8,
    check=check,
    trials=20,
)
