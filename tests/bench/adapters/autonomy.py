"""autonomy as it comes: no configuration but where to log, its files in a temporary folder.

The profile "realtime" declares the bench's echo port to be of the class realtime, as a site with
telephones would; "short_hold" lets traffic return to a link after 5 s instead of a minute, so that a
relapse can be tried often.
"""
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from adapter import Failed, System, end_session

REPOSITORY = Path(__file__).resolve().parents[3]
PROFILES = {
    "default": "",
    "realtime": """
config class 'calls'
	option need 'realtime'

config match
	option class 'calls'
	option protocol 'udp'
	option port '7'
""",
    "short_hold": """
config defaults 'defaults'
	option hold '5s'
	option hold_max '5s'
""",
}
MAIN = """
config autonomy 'main'
	option log_syslog '0'
"""


def program(name):
    return Path(os.environ.get("AUTONOMY_BUILD", REPOSITORY / "build")) / name


class Adapter(System):
    title = "autonomy"
    patience_s = 5.0
    settle_s = 10.0
    age_s = 1.5
    resets = True
    extra = ""  # configuration of whoever uses the adapter

    @classmethod
    def missing(cls):
        return [str(program(n)) for n in ("autonomyd", "autonomyctl") if not program(n).exists()]

    @classmethod
    def how_to_get(cls):
        return "build it first"

    def start(self):
        self.config = self.dir / "config"
        self.run_dir = self.dir / "run"
        self.state_dir = self.dir / "state"
        self.daemon_file = self.dir / "autonomyd"
        self.run_dir.mkdir(exist_ok=True)
        shutil.rmtree(self.state_dir, ignore_errors=True)
        self.state_dir.mkdir()
        self.config.write_text(MAIN + PROFILES[self.profile] + self.extra)
        shutil.copy(program("autonomyd"), self.daemon_file)
        self._run()

    def stop(self):
        self._end()
        if hasattr(self, "config"):
            self.router(self.daemon_file, "--config", self.config, "--run-dir", self.run_dir, "--release")

    def _run(self):
        self.daemon = self.spawn(
            self.daemon_file, "--config", self.config, "--run-dir", self.run_dir, "--state-dir", self.state_dir,
            "--foreground", log="autonomyd.log")

    def _end(self):
        daemon = getattr(self, "daemon", None)
        if daemon and daemon in self.processes:
            end_session(daemon)
            self.processes.remove(daemon)

    def ctl(self, *words):
        """A command's answer, None if the daemon does not answer."""
        done = subprocess.run([program("autonomyctl"), "--socket", self.run_dir / "autonomy.sock", *words, "--json"],
                              capture_output=True, text=True, timeout=5, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return None

    def settled(self):
        if self.daemon.poll() is not None:
            raise Failed(f"autonomyd ended with status {self.daemon.returncode}: {self.log_tail()}")
        status = self.ctl("status")
        return bool(status) and status.get("state") == "healthy" and all(
            path["health"] == "up" for link in status["links"] for path in link["paths"])

    def log_tail(self):
        return (self.dir / "autonomyd.log").read_text()[-500:]

    def kill(self):
        self.daemon.kill()
        self._end()
        time.sleep(1)
        self._run()

    def restart(self):
        self._end()
        self._run()

    def upgrade(self):
        fresh = self.dir / "autonomyd.new"
        shutil.copy(program("autonomyd"), fresh)
        fresh.rename(self.daemon_file)
        self.restart()

    def reload(self):
        with open(self.config, "a") as config:
            config.write("\nconfig failover 'failover'\n\toption canary '3s'\n")
        self.daemon.send_signal(1)

    def account(self, since_us):
        events = self.ctl("events") or {}
        since_ms = (time.time() - (time.monotonic() - since_us / 1e6)) * 1000
        return [e["text"] for e in events.get("events", ()) if e["wall_ms"] >= since_ms]
