"""The lower bound: told the truth by the bench at the moment of the fault, it changes the route at
once and deletes the conntrack entries of the dead link.  No real system can know.

A default route with metric 50 per family (below those of the DHCP clients), replaced through one
`ip -batch` that is already running, so no process is started in the measured time but `conntrack`.
"""
import subprocess

from adapter import NotApplicable, System

METRIC = 50


class Adapter(System):
    title = "oracle"
    patience_s = 3.0
    age_s = 0.3
    resets = True

    def start(self):
        self.gateways = {f: self.defaults(f) for f in (4, 6)}
        self.usable = {(f, link): True for f in (4, 6) for link in self.links}
        self.chosen = {}
        self.batch = {f: self.spawn("ip", f"-{f}", "-force", "-batch", "-", stdin=subprocess.PIPE) for f in (4, 6)}
        self._choose(None)

    def stop(self):
        for family in getattr(self, "chosen", {}):
            self.router("ip", f"-{family}", "route", "del", "default", "metric", METRIC, check=False)
        self.end_processes()
        self.chosen = {}

    def told(self, link, usable, family=None):
        for f in (4, 6):
            if family in (None, f):
                self.usable[(f, link)] = usable
        self._choose(link)

    def _choose(self, failed):
        moved = []
        for family, rows in self.gateways.items():
            best = next((r for r in rows if self.usable[(family, r["dev"])]), None)
            if not best or self.chosen.get(family) == best["dev"]:
                continue
            self.chosen[family] = best["dev"]
            pipe = self.batch[family].stdin
            pipe.write(f"route replace default via {best['gateway']} dev {best['dev']} metric {METRIC}\n".encode())
            pipe.flush()
            moved.append(family)
        if failed and not self.usable[(4, failed)] and 4 in moved:
            address = self.address(failed)
            if address:
                self.router("conntrack", "-D", "--reply-dst", address, check=False)

    def _none(self):
        raise NotApplicable("the oracle lives inside the bench")

    kill = restart = upgrade = reload = _none
