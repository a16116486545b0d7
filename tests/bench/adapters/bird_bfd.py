"""BIRD 2 with BFD, 3 x 50 ms: static default routes towards each provider's router, each held up by
a BFD session, in both families.  The provider's router runs BIRD too.

Fair, even generous: 50 ms x 3 is what operators use on access lines at the fastest, and the
provider's help is given for nothing here, which hardly any consumer line has.  (FRR 8.4 of Debian 12
has no BFD for static routes, so BIRD stands for both.)
"""
import json

from adapter import System

INTERVAL_MS = 50
MULTIPLIER = 3
DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}
TIMERS = (f"min rx interval {INTERVAL_MS} ms; min tx interval {INTERVAL_MS} ms; "
          f"idle tx interval {INTERVAL_MS} ms; multiplier {MULTIPLIER};")
HEAD = "router id 192.0.2.1;\nprotocol device { }\n"
KERNEL = f"""
protocol bfd {{ interface "wan*" {{ {TIMERS} }}; }}
protocol kernel {{ ipv4 {{ export where source = RTS_STATIC; }}; persist; }}
protocol kernel {{ ipv6 {{ export where source = RTS_STATIC; }}; persist; }}
"""


class Adapter(System):
    title = f"BIRD BFD {MULTIPLIER} x {INTERVAL_MS} ms"
    packages = ("bird2",)
    services = ("bird",)
    commands = ("bird", "birdc")
    patience_s = 3.0
    settle_s = 15.0
    age_s = 0.5

    def start(self):
        self.birds = {}
        routes = {f: self.defaults(f) for f in (4, 6)}
        self._bird("rtr", self._router_config(routes))
        for link in self.links:
            self._bird(self._provider(link), self._provider_config(link, routes))
        self.wait(self.settled, self.settle_s, "all BFD sessions up")

    def stop(self):
        super().stop()
        for family in (4, 6):
            self.router("ip", f"-{family}", "route", "flush", "proto", "bird", check=False)

    def settled(self):
        shown = self._ask("rtr", "show", "bfd", "sessions")
        up = sum(1 for line in shown.splitlines() if " Up " in line)
        return up >= self.sessions and "Down" not in shown

    def kill(self):
        self.birds["rtr"].kill()
        self.birds["rtr"].wait()
        self._bird("rtr", None)

    def restart(self):
        self._ask("rtr", "graceful", "restart")
        self.birds["rtr"].wait(5)
        self._bird("rtr", None)

    def reload(self):
        self._ask("rtr", "configure")

    def _provider(self, link):
        return "isp" + link.removeprefix("wan")

    def _ask(self, role, *words):
        socket = self.dir / f"{role}.ctl"
        return self.router("birdc", "-s", socket, *words, check=False)

    def _bird(self, role, config):
        path = self.dir / f"{role}.conf"
        if config is not None:
            path.write_text(config)
        self.birds[role] = self.spawn("bird", "-f", "-c", path, "-s", self.dir / f"{role}.ctl",
                                      "-P", self.dir / f"{role}.pid", role=role, log=f"{role}.log")

    def _router_config(self, routes):
        self.sessions = sum(len(r) for r in routes.values())
        text = HEAD + KERNEL
        for family, rows in routes.items():
            for order, row in enumerate(rows):
                scope = f"%{row['dev']}" if row["gateway"].startswith("fe80") else ""
                text += f"""
protocol static {row['dev']}_v{family} {{
	ipv{family} {{ preference {250 - order}; }};
	route {DEFAULT[family]} via {row['gateway']}{scope} bfd;
}}
"""
        return text

    def _provider_config(self, link, routes):
        neighbors = ""
        for family, rows in routes.items():
            for row in (r for r in rows if r["dev"] == link):
                scope = "link" if row["gateway"].startswith("fe80") else "global"
                neighbors += (f"\n\tneighbor {self._router_address(link, family, scope)}"
                              f" dev \"{self._device_with(link, row['gateway'])}\" local {row['gateway']};")
        return f'{HEAD}protocol bfd {{\n\tinterface "*" {{ {TIMERS} }};{neighbors}\n}}\n'

    def _router_address(self, link, family, scope):
        rows = json.loads(self.router("ip", f"-{family}", "-j", "addr", "show", "dev", link, "scope", scope))
        return next(a["local"] for row in rows for a in row.get("addr_info", ()) if "local" in a)

    def _device_with(self, link, address):
        """The provider's device that has the gateway's address."""
        for row in json.loads(self.run_in(self._provider(link), "ip", "-j", "addr")):
            if any(a.get("local") == address for a in row["addr_info"]):
                return row["ifname"]
        raise RuntimeError(f"{self._provider(link)} has no device with {address}")
