#!/usr/bin/env python3
"""
autonomyd on a bus: its object, events and behaviour when the bus goes away; in a namespace of its own.

usage: test_daemon.py AUTONOMYD [unittest arguments]

AUTONOMY_UBUSD=/sbin/ubusd runs it against that bus daemon instead of broker.py; AUTONOMY_CALLS=10000 makes more calls.
"""
import contextlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import wire

HERE = pathlib.Path(__file__).resolve().parent
FILES = HERE.parent.parent / "package/openwrt/autonomy/files/usr/share"
AUTONOMYD = ""
SKIP = 77
BOX = f"abus{os.getpid()}"
PATIENCE_S = 30
CONFIG = """
config autonomy 'main'
	option ubus_socket '{socket}'
	option log_syslog '0'
	option log_level 'debug'
config steer 'steer'
	option firewall 'none'
config link 'wan'
	option device 'wan0'
	option preference '100'
config link 'lte'
	option device 'lte0'
	option quota '1GB'
"""


def until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            value = condition()
        except (OSError, EOFError, wire.Failed):
            value = None
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"did not happen: {what}")
        time.sleep(0.02)


def ip(line, check=True):
    return subprocess.run(["ip", "-n", BOX, *line.split()], check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True).stdout


class World:
    """The namespace with two uplinks, the bus and the daemon."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="autonomy-bus-"))
        self.socket = str(self.dir / "bus.sock")
        subprocess.run(["ip", "netns", "add", BOX], check=True)
        ip("link set lo up")
        for n, device in ((1, "wan0"), (2, "lte0")):
            ip(f"link add {device} type veth peer name {device}p")
            ip(f"link set {device} up")
            ip(f"link set {device}p up")
            ip(f"addr add 10.{n}.0.2/24 dev {device}")
            ip(f"route add default via 10.{n}.0.1 dev {device} metric {n}")
        self.bus = self.daemon = None
        self.start_bus()
        self.start_daemon()

    def start_bus(self):
        real = os.environ.get("AUTONOMY_UBUSD")
        words = [real, "-s", self.socket] if real else [sys.executable, str(HERE / "broker.py"), self.socket]
        self.bus = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        until(lambda: self.client().close() is None, "the bus takes clients")

    def stop_bus(self):
        self.bus.kill()
        self.bus.wait()

    def start_daemon(self):
        (self.dir / "config").write_text(CONFIG.format(socket=self.socket))
        with open(self.dir / "log", "w", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(
                ["ip", "netns", "exec", BOX, AUTONOMYD, "-c", str(self.dir / "config"), "-r", str(self.dir / "run"), "-s",
                 str(self.dir / "state")], stdout=log, stderr=log)
        until(lambda: self.ask("version"), "the object is there")

    def client(self):
        return wire.Client(self.socket, PATIENCE_S)

    def kernel(self):
        return ip("rule") + ip("-6 rule") + ip("route show table all") + ip("nexthop", check=False)

    def settled(self):
        """What is in the kernel, once it has been the same for two seconds; else None."""
        first = self.kernel()
        time.sleep(2)
        return first if "proto 74" in first and first == self.kernel() else None

    def memory_kb(self):
        status = pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmRSS:")[1].split()[0])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def ask(self, method):
        with contextlib.closing(self.client()) as client:
            return client.call("autonomy", method)

    def metric(self, name):
        return next(m["value"] for m in self.ask("metrics")["metrics"] if m["name"] == name)

    def end(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
        if self.bus:
            self.stop_bus()
        subprocess.run(["ip", "netns", "del", BOX], check=False)
        shutil.rmtree(self.dir)


WORLD = None


class Daemon(unittest.TestCase):
    def setUp(self):
        self.client = WORLD.client()
        self.addCleanup(self.client.close)

    def status(self, method, arguments=None, path="autonomy"):
        try:
            self.client.call(path, method, arguments)
            return wire.OK
        except wire.Failed as failure:
            return failure.status

    def commands(self):
        return {c["name"]: c for c in self.client.call("autonomy", "commands")["commands"]}

    def test_every_command_is_a_method_with_typed_arguments(self):
        signature = self.client.objects()["autonomy"]
        types = {"integer": wire.INT32, "boolean": wire.BOOL, "any": wire.NULL}
        for name, command in self.commands().items():
            self.assertIn(name, signature)
            for argument in command["arguments"]:
                self.assertEqual(signature[name][argument["name"]], types.get(argument["type"], wire.STRING))
        for name in ("members", "action", "failover", "restore", "setlog", "config.get", "config", "info", "telemetry"):
            self.assertIn(name, signature)
        self.assertEqual(signature["history"]["since_s"], wire.INT32)

    def test_whoever_only_looks_gets_an_answer(self):
        for name, command in self.commands().items():
            if not command["changes"] and name not in ("whatif", "tune", "recording") and not any(
                    a["required"] for a in command["arguments"]):
                self.assertEqual(self.status(name), wire.OK, name)
        self.assertEqual(self.status("link", {"link": "wan"}), wire.OK)

    def test_status_has_ours_and_the_members_of_old(self):
        answer = self.client.call("autonomy", "status")
        self.assertIn(answer["state"], ("primary", "backup", "degraded"))
        self.assertIn(answer["health"], ("healthy", "degraded", "dead", "offline", "starting"))
        self.assertEqual([link["link"] for link in answer["links"]], ["wan", "lte"])
        self.assertEqual(answer["ubus"], "up")
        for name in ("current", "rank", "last_event", "config", "mwan3"):
            self.assertIn(name, answer)

    def test_mistakes_get_a_status_and_a_sentence(self):
        table = [("nosuch", {}, wire.METHOD_NOT_FOUND), ("pin", {}, wire.INVALID_ARGUMENT),
                 ("pin", {"link": 7}, wire.INVALID_ARGUMENT), ("pin", {"link": "nope"}, wire.NOT_FOUND),
                 ("pin", {"link": "lte", "for": {}}, wire.INVALID_ARGUMENT),
                 ("pin", {"link": "lte", "extra": 1}, wire.INVALID_ARGUMENT),
                 ("events", {"limit": 100000}, wire.INVALID_ARGUMENT), ("wifi_status", {}, wire.NOT_SUPPORTED),
                 ("action", {"cmd": "explode"}, wire.INVALID_ARGUMENT),
                 ("config.set", {"changes": ["default.hld=5s"]}, wire.INVALID_ARGUMENT)]
        for method, arguments, status in table:
            with self.assertRaises(wire.FailedWith) as caught:
                self.client.call("autonomy", method, arguments)
            self.assertEqual(caught.exception.status, status, method)
            self.assertTrue(caught.exception.data["error"])

    def test_what_a_browser_session_adds_is_passed_over(self):
        self.assertEqual(self.status("hold", {"for": 1, "ubus_rpc_session": "0" * 32}), wire.OK)

    def test_arguments_from_fuzz_get_a_status(self):
        rng = random.Random(7)
        obj = self.client.lookup("autonomy")
        good = wire.values({"link": "lte", "for": "1h", "class": "default", "x": [1, {"y": 2.5}]})
        methods = ["pin", "history", "events", "action", "config.check", "explain", "drain"]
        for _ in range(400):
            data = bytearray(good[:rng.randrange(len(good) + 1)])
            for _ in range(rng.randrange(4)):
                if data:
                    data[rng.randrange(len(data))] = rng.randrange(256)
            try:
                self.client.ask(wire.INVOKE, obj, (wire.A_OBJECT, obj), (wire.A_METHOD, rng.choice(methods)),
                                (wire.A_DATA, bytes(data)))
            except wire.Failed as failure:
                self.assertIn(failure.status, range(1, 14))
        deep = {}
        for _ in range(40):
            deep = {"x": deep}
        self.assertEqual(self.status("explain", deep), wire.INVALID_ARGUMENT)
        self.assertEqual(self.status("config.check", {"text": "x" * 70000}), wire.INVALID_ARGUMENT)
        self.client.call("autonomy", "unpin")
        self.client.call("autonomy", "undrain")

    def test_events_and_notifications_tell_what_happened(self):
        listener, follower = WORLD.client(), WORLD.client()
        listener.listen("autonomy.*")
        follower.subscribe("autonomy")
        # the first subscriber is told to the daemon by a message of its own, which may come after the call
        self.client.call("autonomy", "version")
        self.client.call("autonomy", "hold", {"for": 60, "class": "default"})
        for client, name in ((listener, "autonomy.command"), (follower, "command")):
            while True:
                _, event, data = client.next_invoke()
                if event == name and "hold" in data["text"]:
                    break
            client.close()
        self.client.call("autonomy", "unhold")

    def test_a_subscriber_that_sleeps_holds_nobody_up(self):
        sleeper = WORLD.client()
        sleeper.subscribe("autonomy")
        for _ in range(300):
            self.client.call("autonomy", "hold", {"for": 60})
        self.client.call("autonomy", "unhold")
        self.assertEqual(self.status("status"), wire.OK)
        sleeper.close()

    def test_calls_from_many_at_once_lose_and_leak_nothing(self):
        calls, n_clients = int(os.environ.get("AUTONOMY_CALLS", "1000")), 4
        times, errors = [], []

        def work():
            client = WORLD.client()
            obj = client.lookup("autonomy")
            for _ in range(calls // n_clients):
                begin = time.monotonic()
                try:
                    if "links" not in client.invoke(obj, "status"):
                        errors.append("an answer without links")
                except (wire.Failed, OSError) as error:
                    errors.append(error)
                times.append(time.monotonic() - begin)
            client.close()

        self.client.call("autonomy", "status")
        memory, descriptors, errors_before = WORLD.memory_kb(), WORLD.descriptors(), WORLD.metric("api_errors")
        threads = [threading.Thread(target=work) for _ in range(n_clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times.sort()
        print(f"\n  {len(times)} calls of {n_clients} clients: p50 {times[len(times) // 2] * 1e3:.2f} ms, "
              f"p99 {times[len(times) * 99 // 100] * 1e3:.2f} ms, {len(errors)} errors, "
              f"memory {memory} -> {WORLD.memory_kb()} kB, descriptors {descriptors} -> {WORLD.descriptors()}", flush=True)
        self.assertEqual(errors, [])
        self.assertEqual(len(times), calls // n_clients * n_clients)
        # probes open and close some of their own all the time
        self.assertLess(WORLD.descriptors() - descriptors, 20)
        self.assertLess(WORLD.memory_kb() - memory, 512)
        self.assertEqual(WORLD.metric("api_errors"), errors_before)

    def test_a_bus_that_restarts_gets_the_object_back_and_no_route_is_touched(self):
        before, waits = until(WORLD.settled, "routes are ours and stay as they are"), []
        for _ in range(3):
            WORLD.stop_bus()
            time.sleep(0.1)
            WORLD.start_bus()
            begin = time.monotonic()
            until(lambda: WORLD.ask("version"), "the object is back")
            waits.append(time.monotonic() - begin)
        print("\n  back after", ", ".join(f"{w:.2f} s" for w in waits), flush=True)
        self.assertEqual(WORLD.kernel(), before)
        self.setUp()
        self.assertEqual(self.status("status"), wire.OK)

    def test_the_access_lists_are_those_of_the_command_table(self):
        groups = json.loads((FILES / "rpcd/acl.d/autonomy.json").read_text(encoding="utf-8"))
        listed = {}
        for group, permission in (("status", "read"), ("operate", "operate"), ("admin", "admin")):
            for kind in ("read", "write"):
                for method in groups[f"autonomy-{group}"].get(kind, {}).get("ubus", {}).get("autonomy", []):
                    listed[method] = permission
        for name, command in self.commands().items():
            self.assertEqual(listed.get(name), command["permission"], name)
        group = json.loads((FILES / "acl.d/autonomy.json").read_text(encoding="utf-8"))
        for method in group["access"]["autonomy"]["methods"]:
            self.assertIn(listed[method], ("read", "operate"), method)


def main():
    global AUTONOMYD, WORLD
    if os.geteuid():
        print("needs root")
        return SKIP
    AUTONOMYD = os.path.abspath(sys.argv.pop(1))
    WORLD = World()
    try:
        return not unittest.main(exit=False).result.wasSuccessful()
    finally:
        if WORLD.daemon.poll() is not None:
            print(f"autonomyd ended with {WORLD.daemon.returncode}")
        WORLD.end()


if __name__ == "__main__":
    sys.exit(main())
