"""OpenWrt's mwan3 as it is shipped: four targets, two of which must answer, every 10 s, five times.

Fair: the file that comes with the package, with one failover policy for all three uplinks.  IPv4 only, as
there.  Runs where AUTONOMY_MWAN3 says.
"""
import mwan3
from adapter import NotApplicable, System


class Adapter(System):
    title = "mwan3"
    patience_s = 160.0
    settle_s = 3.0
    trials = 3
    marks = True
    options, n_targets = mwan3.SHIPPED, 4

    missing = staticmethod(mwan3.missing)
    how_to_get = staticmethod(mwan3.how_to_get)

    def start(self):
        self.mwan3 = mwan3.Mwan3(self, self.options, self.n_targets)
        self.mwan3.start()

    def stop(self):
        if hasattr(self, "mwan3"):
            self.mwan3.stop()

    def settled(self):
        return self.mwan3.prefers_first()

    def _service(self):
        raise NotApplicable("mwan3 is scripts: there is nothing to kill, and a restart takes its rules out")

    kill = restart = upgrade = reload = _service
