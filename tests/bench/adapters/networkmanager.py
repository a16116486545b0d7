"""NetworkManager with its connectivity check: a profile per uplink with a route metric, and devices
whose check fails get 20000 added to theirs.

Fair: the check's interval is set to 1 s (300 s is the default), and the name it asks for is in the
hosts file, so that no resolver is in the way.  The time-out of a check (20 s) cannot be set.  The
default routes are its own, as where it is the DHCP client.  It runs on a bus, configuration and state
of its own, so that one installed on the machine is not touched.
"""
import ipaddress

from adapter import Failed, System

CHECK_S = 1

BUS = """<busconfig>
<type>session</type><listen>unix:path={bus}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
"""
CONFIG = """[main]
plugins=keyfile
dhcp=internal
dns=none
rc-manager=unmanaged
auth-polkit=false
no-auto-default=*
configure-and-quit=no

[keyfile]
path={profiles}
unmanaged-devices=*,except:interface-name:wan*

[connectivity]
uri=http://check.lab.test/generate_204
response=
interval={interval}

[logging]
level=INFO
backends=
"""
PROFILE = """[connection]
id={link}
type=ethernet
interface-name={link}
autoconnect=true

[ipv4]
method=manual
address1={address},{gateway}
route-metric={metric}

[ipv6]
{ipv6}
"""
# Its own view of the files it writes; /sys as of this namespace, read-only, so that it does not wait for udev.
ENTER = """
mount --make-rprivate /
mount -o remount,ro /sys
for folder in /run/NetworkManager /var/lib/NetworkManager; do
	mkdir -p $folder && mount -t tmpfs tmpfs $folder
done
mount --bind "$0/hosts" /etc/hosts
exec NetworkManager --no-daemon --config "$0/nm.conf" --config-dir "$0/empty" --pid-file "$0/nm.pid" --state-file "$0/nm.state"
"""


class Adapter(System):
    title = f"NetworkManager, check {CHECK_S} s"
    packages = ("network-manager", "dbus-daemon")
    services = ("NetworkManager", "NetworkManager-wait-online", "NetworkManager-dispatcher")
    commands = ("NetworkManager", "nmcli", "dbus-daemon", "unshare")
    patience_s = 40.0
    settle_s = 60.0
    trials = 5

    def start(self):
        self.before = {family: self.defaults(family) for family in (4, 6)}
        profiles = self.dir / "profiles"
        profiles.mkdir(exist_ok=True)
        (self.dir / "empty").mkdir(exist_ok=True)
        for row in self.before[4]:
            path = profiles / f"{row['dev']}.nmconnection"
            path.write_text(self._profile(row))
            path.chmod(0o600)
        (self.dir / "nm.conf").write_text(CONFIG.format(profiles=profiles, interval=CHECK_S))
        names = (self.lab.echo_addr, self.lab.echo6_addr)
        (self.dir / "hosts").write_text("".join(f"{address} check.lab.test\n" for address in names if address))
        self.bus = self.dir / "bus"
        (self.dir / "bus.conf").write_text(BUS.format(bus=self.bus))
        self.spawn("dbus-daemon", "--nofork", f"--config-file={self.dir / 'bus.conf'}", log="bus.log")
        self.wait(self.bus.exists, 5, "a bus")
        self._run()
        self.wait(self.settled, self.settle_s, "full connectivity on all uplinks")
        for family, rows in self.before.items():
            for row in rows:
                self.router("ip", f"-{family}", "route", "del", "default", "dev", row["dev"], "metric", row["metric"],
                            "proto", "boot", check=False)

    def _run(self):
        environment = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.bus}", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        self.process = self.spawn("unshare", "-m", "sh", "-c", ENTER, self.dir, log="nm.log", env=environment)

    def stop(self):
        super().stop()
        for family, rows in getattr(self, "before", {}).items():
            for link in self.links:
                self.router("ip", f"-{family}", "route", "flush", "default", "dev", link, check=False)
            for row in rows:
                self.router("ip", f"-{family}", "route", "replace", "default", "via", row["gateway"], "dev", row["dev"],
                            "metric", row["metric"], check=False)

    def settled(self):
        shown = self.router("nmcli", "-t", "-f", "DEVICE,IP4-CONNECTIVITY,IP6-CONNECTIVITY", "device", check=False,
                            env={"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.bus}", "PATH": "/usr/bin:/bin", "LC_ALL": "C"})
        if self.process.poll() is not None:
            raise Failed(f"NetworkManager ended: {(self.dir / 'nm.log').read_text()[-500:]}")
        wanted = ":full:full" if self.before[6] else ":full"
        return all(link + wanted in shown for link in self.links)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.processes.remove(self.process)
        self._run()

    def restart(self):
        self.process.terminate()
        self.process.wait()
        self.processes.remove(self.process)
        self._run()

    def reload(self):
        self.process.send_signal(1)

    def _profile(self, row):
        link = row["dev"]
        six = next((r for r in self.before[6] if r["dev"] == link), None)
        ipv6 = "method=disabled"
        if six:
            ipv6 = f"method=manual\naddress1={self.address(link, 6)}/64,{six['gateway']}\nroute-metric={six['metric']}"
        network = ipaddress.ip_interface(f"{self.address(link)}/24")
        return PROFILE.format(link=link, address=network, gateway=row["gateway"], metric=row["metric"], ipv6=ipv6)
