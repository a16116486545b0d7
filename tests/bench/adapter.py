"""What a system under test is to the bench, and how an adapter is found.  The contract for people
who plug in a system of their own is README.md; this is its Python side.
"""
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ADAPTERS = Path(__file__).resolve().parent / "adapters"


class NotApplicable(Exception):
    """This system cannot take part in this story; the text says why."""


class Failed(Exception):
    """The system did not do what every system must: start, settle, stop."""


class System:
    """A failover system that is started and stopped in the router of the lab.

    A subclass is an adapter: a file adapters/NAME.py that defines `class Adapter(System)`.  Its
    docstring says how the system is configured and why that is fair.
    """

    title = ""  # what the league table says
    about = ""  # the docstring of its file
    packages = ()  # Debian packages it comes from
    services = ()  # systemd units those bring, which must not run on this machine
    commands = ()  # programs that must be found
    patience_s = 5.0  # how long a trial waits for it to react before that counts as never
    settle_s = 30.0  # how long it may take to be back on the preferred uplink
    age_s = 1.0  # how long it runs settled before a trial begins
    trials = None  # at most so many trials of a story (a slow system would take hours)
    marks = False  # it steers by packet marks: where a packet without one would go says nothing
    resets = False  # reset() between trials, rather than waiting until it comes back by itself
    profile = "default"  # set by the bench: the story's profile

    def __init__(self, lab):
        self.lab = lab
        self.links = list(lab.links)
        self.dir = Path(tempfile.mkdtemp(prefix="bench-"))
        self.processes = []

    @classmethod
    def name(cls):
        return cls.__module__

    @classmethod
    def missing(cls):
        """The programs it needs and the machine does not have."""
        return [c for c in cls.commands if not shutil.which(c)]

    @classmethod
    def how_to_get(cls):
        if cls.packages:
            return f"`./dev bench --peers` installs it (Debian: {' '.join(cls.packages)})"
        return "it is not in a Debian package"

    # What an adapter writes.

    def start(self):
        """Returns when it runs; it need not have settled."""

    def stop(self):
        """Ends it and undoes what it did to the router.  Also called after a failed start."""
        self.end_processes()

    def settled(self):
        """Whether it says itself that all is well (routes are looked at by the bench)."""
        return True

    def reset(self):
        """Back to how it is when it has long been running and nothing ever failed."""
        self.stop()
        self.start()

    def told(self, link, usable, family=None):
        """The truth, at the time of the fault.  Only for an oracle; every other one leaves it."""

    def kill(self):
        raise NotApplicable("adapter has no kill")

    def restart(self):
        raise NotApplicable("adapter has no restart")

    def upgrade(self):
        raise NotApplicable("cannot exec a new binary in place")

    def reload(self):
        raise NotApplicable("adapter has no reload")

    def account(self, since_us):
        """Its own events since then, for the JSON: a list of anything, or None."""
        return None

    # What an adapter can use.

    def router(self, *argv, **options):
        """Runs a command in the router's namespace and returns its output."""
        return self.run_in("rtr", *argv, **options)

    def run_in(self, role, *argv, check=True, **options):
        done = subprocess.run(
            ["ip", "netns", "exec", self.lab.ns(role), *map(str, argv)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options,
        )
        if check and done.returncode:
            raise Failed(f"{' '.join(map(str, argv))}: {done.stdout.strip() or done.returncode}")
        return done.stdout

    def spawn(self, *argv, role="rtr", log=None, **options):
        """Starts a long-running program in a namespace, in a session of its own."""
        sink = open(self.dir / log, "ab") if log else subprocess.DEVNULL
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.lab.ns(role), *map(str, argv)],
            stdin=options.pop("stdin", subprocess.DEVNULL), stdout=options.pop("stdout", sink), stderr=sink,
            start_new_session=True, **options,
        )
        if log:
            sink.close()
        self.processes.append(process)
        return process

    def end_processes(self, grace_s=2.0):
        """SIGTERM, then SIGKILL, to the sessions this adapter started."""
        for process in reversed(self.processes):
            end_session(process, grace_s)
        self.processes.clear()

    def defaults(self, family=4):
        """The router's default routes as the DHCP clients left them, best first: [{dev, gateway, metric}]."""
        rows = json.loads(self.router("ip", f"-{family}", "-j", "route", "show", "default") or "[]")
        out = []
        for row in rows:
            hops = row.get("nexthops") or [row]
            for hop in hops:
                if hop.get("dev") in self.links and hop.get("gateway"):
                    out.append({"dev": hop["dev"], "gateway": hop["gateway"], "metric": row.get("metric", 0)})
        return sorted(out, key=lambda r: r["metric"])

    def address(self, link, family=4):
        """The router's global address on a link, None if it has none."""
        rows = json.loads(self.router("ip", f"-{family}", "-j", "addr", "show", "dev", link, "scope", "global") or "[]")
        found = [a["local"] for row in rows for a in row.get("addr_info", ()) if "local" in a]
        return found[0] if found else None

    def wait(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Failed(f"{self.name()}: {what} did not happen within {seconds:g} s")
            time.sleep(0.02)

    def forget(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def end_session(process, grace_s=2.0):
    """Ends a process started with start_new_session, and what is left of its session."""
    if process.poll() is None:
        signal_session(process, signal.SIGTERM)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            pass
    signal_session(process, signal.SIGKILL)
    process.wait()


def signal_session(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


class Program(System):
    """An adapter that is an executable: it is run in the router's namespace as `PROGRAM start|stop`."""

    program = None

    def _verb(self, verb):
        env = dict(os.environ, BENCH_DIR=str(self.dir), BENCH_LINKS=" ".join(self.links), BENCH_LAN="lan0",
                   BENCH_TARGETS=" ".join(self.lab.targets))
        for row in self.defaults():
            env[f"BENCH_GATEWAY_{row['dev']}"] = row["gateway"]
        # Into a file: what the program leaves running may hold a pipe open for ever.
        said = self.dir / "said"
        with open(said, "w") as sink:
            done = subprocess.run(["ip", "netns", "exec", self.lab.ns("rtr"), self.program, verb], env=env, check=False,
                                  stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, timeout=60)
        if done.returncode:
            raise Failed(f"{self.program} {verb}: {said.read_text().strip() or done.returncode}")

    def start(self):
        self._verb("start")

    def stop(self):
        self._verb("stop")
        self.end_processes()


def find():
    """{name: class} of all adapters, by file name."""
    found = {}
    for path in sorted(ADAPTERS.iterdir()):
        if path.suffix == ".py" and not path.name.startswith("_"):
            spec = importlib.util.spec_from_file_location(path.stem, path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            module.Adapter.about = (module.__doc__ or "").strip()
            found[path.stem] = module.Adapter
        elif path.is_file() and not path.suffix and os.access(path, os.X_OK):
            name = path.name
            said = subprocess.run([path, "name"], capture_output=True, text=True, check=False).stdout.split("\n")
            facts = dict(line.split("=", 1) for line in said[1:] if "=" in line)
            found[name] = type("Adapter", (Program,), {
                "__module__": name, "program": str(path), "title": said[0] or name,
                "patience_s": float(facts.get("patience_s", System.patience_s)),
                "settle_s": float(facts.get("settle_s", System.settle_s)),
                "trials": int(facts["trials"]) if "trials" in facts else None,
                "packages": tuple(facts.get("packages", "").split()),
                "commands": tuple(facts.get("commands", "").split()),
            })
    return found


def install(adapters):
    """Installs the Debian packages of the given adapters; none of their services runs, now or after a
    boot."""
    lacking = [a for a in adapters if a.missing()]
    wanted = sorted({p for a in lacking for p in a.packages})
    if not wanted:
        return
    guard = Path("/usr/sbin/policy-rc.d")
    ours = not guard.exists()
    if ours:
        guard.write_text("#!/bin/sh\nexit 101\n")
        guard.chmod(0o755)
    try:
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        for argv in (["apt-get", "update", "-q"],
                     ["apt-get", "install", "-qy", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *wanted]):
            print("bench:", " ".join(argv), flush=True)
            subprocess.run(argv, check=True, env=env, stdout=subprocess.DEVNULL)
        for service in (s for a in lacking for s in a.services if shutil.which("systemctl")):
            subprocess.run(["systemctl", "disable", service], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finally:
        if ours:
            guard.unlink()
