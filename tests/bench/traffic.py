"""The traffic of a trial: labflow programs in the LAN, and what they wrote."""
import ipaddress
import json
import tempfile
import time
from pathlib import Path

from measure import Flow, Packet

# kind -> labflow's words; the address is the echo server's, of the family the name ends with
KINDS = {
    "fresh": ("udp", "--fresh", "--period-ms", "10"),
    "udp": ("udp", "--period-ms", "10"),
    "tcp": ("stream", "--period-ms", "20"),
    "dns": ("dns", "--period-ms", "100", "--timeout-ms", "3000"),
    "http": ("http", "--period-ms", "250", "--timeout-ms", "3000"),
    "bulk_up": ("bulk", "--period-ms", "100"),
    "bulk_down": ("bulk", "--down", "--period-ms", "100"),
    "fresh6": ("udp", "--fresh", "--period-ms", "10"),
    "udp6": ("udp", "--period-ms", "10"),
    "tcp6": ("stream", "--period-ms", "20"),
}
DRAIN_MS = 500


class Traffic:
    def __init__(self, lab):
        self._lab = lab
        self._dir = tempfile.TemporaryDirectory(prefix="bench-traffic-")
        self._running = {}
        self._flows = None
        self._links = {}
        self.ended_us = None

    def begin(self, kind):
        lab = self._lab
        folder = Path(self._dir.name)
        address = lab.echo6_addr if kind.endswith("6") else lab.echo_addr
        with open(folder / f"{kind}.out", "w") as out:
            self._running[kind] = lab.popen(
                "lan",
                ["labflow", *KINDS[kind], "--to", address, "--drain-ms", DRAIN_MS, "--live",
                 "--log", folder / f"{kind}.log"], stdout=out)

    def live(self, kind):
        """What the program last said of itself (once a second), {} before."""
        lines = (Path(self._dir.name) / f"{kind}.out").read_text().splitlines()
        for line in reversed(lines):
            if line.endswith("}") and "live_us" in line:
                return json.loads(line)
        return {}

    def link_of(self, observed):
        if observed not in self._links:
            self._links[observed] = self._lab.link_of(observed)
        return self._links[observed]

    def end(self):
        """Stops all traffic; what was under way may still arrive."""
        if self._flows is not None:
            return
        self.ended_us = time.monotonic_ns() // 1000
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        for process in self._running.values():
            process.wait(10)
        self._flows = {kind: self._read(kind) for kind in self._running}
        self._dir.cleanup()

    def read(self):
        """{kind: Flow}, once ended."""
        return self._flows

    def _read(self, kind):
        packets, breaks = [], []
        path = Path(self._dir.name) / f"{kind}.log"
        for line in path.read_text().splitlines() if path.exists() else ():
            row = json.loads(line)
            if "event" in row:
                if row["event"] in ("broken", "stalled"):
                    breaks.append(row["at_us"])
                continue
            # a captive portal's redirect is not an answer
            answered = row["answered_us"] if row.get("status", 204) == 204 else None
            packets.append(Packet(row["sent_us"], answered, self.link_of(row.get("via"))))
        return Flow(packets, breaks)


def addresses(lab, role, device):
    """{4: address, 6: address} of a device of a namespace; None where it has none."""
    done = lab.run(role, ["ip", "-j", "addr", "show", "dev", device], capture_output=True, text=True)
    found = {4: None, 6: None}
    for row in json.loads(done.stdout):
        for entry in row.get("addr_info", ()):
            if entry.get("scope") == "global" and "local" in entry:
                version = ipaddress.ip_address(entry["local"]).version
                found[version] = found[version] or entry["local"]
    return found
