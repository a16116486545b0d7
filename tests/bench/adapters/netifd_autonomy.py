"""autonomy connected to OpenWrt's ubusd and netifd, which are real and own the uplinks: AUTONOMY_UBUSD
and AUTONOMY_NETIFD name the programs.  Every uplink is a static interface of netifd's with the lab's
addresses and metric; no other configuration of autonomy but where the bus is.
"""
import importlib.util
import os
import time
from pathlib import Path

from adapter import Failed, end_session

_spec = importlib.util.spec_from_file_location("plain", Path(__file__).with_name("autonomy.py"))
_plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_plain)

UP_S = 15.0  # netifd has set every address and route
INTERFACE = """
config interface 'if_{link}'
	option device '{link}'
	option proto 'static'
	option ipaddr '{address}'
	option netmask '255.255.255.0'
	option gateway '{gateway}'
	option metric '{metric}'
"""
INTERFACE6 = """	option ip6addr '{address6}/64'
	option ip6gw '{gateway6}'
"""


class Adapter(_plain.Adapter):
    title = "autonomy + netifd"

    @classmethod
    def missing(cls):
        named = [(name, os.environ.get(name, "")) for name in ("AUTONOMY_UBUSD", "AUTONOMY_NETIFD")]
        return super().missing() + [name for name, file in named if not os.access(file, os.X_OK)]

    @classmethod
    def how_to_get(cls):
        return "name OpenWrt's programs in AUTONOMY_UBUSD and AUTONOMY_NETIFD"

    def start(self):
        if not hasattr(self, "netifd"):
            self._start_netifd()
        self.extra = f"{self._extra}\nconfig autonomy 'main'\n\toption ubus_socket '{self.bus_file}'\n"
        super().start()

    def stop(self):
        super().stop()
        if hasattr(self, "bus"):
            self._stop_netifd()

    def reset(self):
        super().stop()
        self.start()

    def settled(self):
        if not super().settled() or (self.ctl("status") or {}).get("ubus") != "up":
            return False
        links = (self.ctl("links") or {}).get("links", ())
        return {link.get("interface") for link in links} == {f"if_{link}" for link in self.links}

    def _start_netifd(self):
        self._extra = self.extra
        self.bus_file = self.dir / "ubus.sock"
        folder = self.dir / "netifd"
        (folder / "proto").mkdir(parents=True)
        text = ""
        for link in self.links:
            info = self.lab.link_info(link)
            text += (INTERFACE + (INTERFACE6 if info["address6"] else "")).format(link=link, **info)
        (folder / "network").write_text(text)
        self.bus = self.spawn(os.environ["AUTONOMY_UBUSD"], "-s", self.bus_file, log="ubusd.log")
        self._until(self.bus_file.exists, "ubusd")
        self.netifd = self.spawn(
            os.environ["AUTONOMY_NETIFD"], "-s", self.bus_file, "-p", folder, "-c", folder, "-h", "/bin/true",
            "-r", folder / "resolv.conf", "-S", "-l", "2", log="netifd.log")
        self._until(self._netifd_is_up, "netifd")

    def _netifd_is_up(self):
        families = (4, 6) if self.lab.ipv6 else (4,)
        found = {(row["dev"], family) for family in families for row in self.defaults(family)}
        if not found >= {(link, family) for link in self.links for family in families}:
            return False
        return "tentative" not in self.router("ip", "-6", "addr")

    def _until(self, true, what):
        end = time.monotonic() + UP_S
        while not true():
            if time.monotonic() > end:
                raise Failed(f"{what} does not get ready")
            time.sleep(0.1)

    def _stop_netifd(self):
        """What netifd set goes, which has no route of its own for an address; the lab's comes back."""
        for process in (self.netifd, self.bus):
            end_session(process)
            self.processes.remove(process)
        del self.netifd, self.bus
        for link in self.links:
            info = self.lab.link_info(link)
            self.router("ip", "link", "set", link, "up")
            self._restore(4, link, f"{info['address']}/24", info["gateway"], info["metric"])
            if info["address6"]:
                self._restore(6, link, f"{info['address6']}/64", info["gateway6"], info["metric"], "nodad")

    def _restore(self, family, link, address, gateway, metric, *flags):
        ip = ("ip", f"-{family}")
        self.router(*ip, "route", "flush", "dev", link, "proto", "static")
        self.router(*ip, "addr", "flush", "dev", link, "scope", "global")
        self.router(*ip, "addr", "replace", address, "dev", link, *flags)
        self.router(*ip, "route", "replace", "default", "via", gateway, "dev", link, "metric", metric)
