"""Nothing: the routes as the DHCP clients left them, with metrics 100, 200, 300.

What a box without any failover does: the kernel leaves a link whose carrier is lost, because it
removes the route itself or ignores it, and stays on everything else for ever.
"""
from adapter import NotApplicable, System


class Adapter(System):
    title = "routes only"
    patience_s = 2.0
    trials = 5

    def _nothing(self):
        raise NotApplicable("there is no process")

    kill = restart = upgrade = reload = _nothing
