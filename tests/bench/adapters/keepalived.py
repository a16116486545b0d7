"""keepalived with ping scripts: per uplink and family one VRRP instance that only holds a default
route, tracked by the interface and by a script that pings.

Fair: the script interval is 1 s, the least keepalived can (whole seconds); the script succeeds as
soon as one of two public targets answers within 1 s; two failures in a row take the route away and
two answers bring it back.  Advertisements every 100 ms so that the instance becomes master again at
once.  keepalived changes the routes itself, no notify script is in the way.
"""
from adapter import System

FALL = 2
RISE = 2
METRIC = {4: 50, 6: 50}
DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}

# One answer is enough; both are asked side by side, so a dead target costs no time.
CHECK = """#!/bin/sh
link=$1
shift
for target; do
	ping -n -q -c 1 -W 1 -I "$link" "$target" >/dev/null 2>&1 &
	jobs="${jobs-} $!"
done
for job in $jobs; do
	wait "$job" && exit 0
done
exit 1
"""


class Adapter(System):
    title = "keepalived, ping 1 s"
    packages = ("keepalived",)
    services = ("keepalived",)
    commands = ("keepalived", "ping")
    patience_s = 8.0
    settle_s = 20.0
    trials = 20

    def start(self):
        check = self.dir / "check"
        check.write_text(CHECK)
        check.chmod(0o755)
        (self.dir / "keepalived.conf").write_text(self._config(check))
        self._run()
        self.wait(self.settled, self.settle_s, "a default route of keepalived's")

    def _run(self):
        self.process = self.spawn(
            "keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file", self.dir / "keepalived.conf",
            "--pid", self.dir / "pid", "--vrrp_pid", self.dir / "vrrp.pid", log="keepalived.log")

    def stop(self):
        super().stop()
        for family in (4, 6):
            self.router("ip", f"-{family}", "route", "flush", "proto", "keepalived", check=False)

    def settled(self):
        shown = self.router("ip", "-4", "route", "show", "default", "proto", "keepalived", check=False)
        return shown.count("default") >= len(self.routes[4])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._run()

    def restart(self):
        self.process.terminate()
        self.process.wait()
        self._run()

    def reload(self):
        self.process.send_signal(1)

    def _config(self, check):
        self.routes = {f: self.defaults(f) for f in (4, 6)}
        targets = {4: self.lab.targets[:2], 6: self.lab.targets6[:2]}
        text = "global_defs {\n\tscript_user root\n\tvrrp_garp_master_repeat 1\n}\n"
        number = 10
        for family, rows in self.routes.items():
            for order, row in enumerate(rows):
                number += 1
                name = f"{row['dev']}_v{family}"
                text += f"""
vrrp_script answers_{name} {{
	script "{check} {row['dev']} {' '.join(targets[family])}"
	interval 1
	timeout 2
	fall {FALL}
	rise {RISE}
}}
vrrp_instance {name} {{
	state MASTER
	interface lan0
	virtual_router_id {number}
	priority 100
	advert_int 0.1
	track_interface {{
		{row['dev']}
	}}
	track_script {{
		answers_{name}
	}}
	virtual_routes {{
		{DEFAULT[family]} via {row['gateway']} dev {row['dev']} metric {METRIC[family] + order}
	}}
}}
"""
        return text
