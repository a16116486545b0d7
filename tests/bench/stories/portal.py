"""The provider puts a captive portal before the line: names, pings and TCP handshakes work, and every
page is the portal's."""
from story import SWITCH, Story

STORY = Story(
    title="captive portal",
    fault=lambda t: t.lab.portal(t.link, True),
    expect=SWITCH,
    traffic=("fresh", "http"),
    metric="moved_ms",
    patience_s=40,
    trials=10,
)
