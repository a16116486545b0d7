"""Our own upload fills the link (10 Mbit/s, 400 ms of queue): round trips rise and packets drop, and
leaving the link would only move the upload.  A switch here is counted; an explained one is in the
system's own account."""
from story import STAY, Story


def prepare(t):
    for link in t.lab.links:
        t.lab.rate(link, 10, 400)


STORY = Story(
    title="own upload fills the link",
    prepare=prepare,
    fault=lambda t: t.begin("bulk_up"),
    expect=STAY,
    traffic=("fresh",),
    watch_s=12,
    trials=50,
)
