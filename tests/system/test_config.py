#!/usr/bin/env python3
"""The configuration file, edited by several at the same time: nothing is lost.

Writers like `uci set` and `uci commit` (lock, read, temporary file, unlock, rename: the gaps included), one at a time
as people are, and clients of config.set, all of them on the file of a running daemon.  With UCI=/path/to/uci in the
environment the real one writes.  usage: test_config.py BUILD [edits of each writer]
"""
import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = sys.argv[1]
EDITS = int(sys.argv[2]) if len(sys.argv) > 2 else 60
OPTIONS = ["detect.timeout_max", "detect.heartbeat_standby"]
START = "# mine\nconfig defaults 'defaults'\n\toption hold '30s'\n"
BUSY = -32005


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    sys.exit(f"FAIL: {what}")


def uci_commit(folder, option):
    """What `uci commit` does with one staged option, step by step."""
    path = f"{folder}/autonomy"
    with open(path, "r+") as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        text = old.read()
        fd, temporary = tempfile.mkstemp(prefix=".autonomy.uci-", dir=folder)
        with os.fdopen(fd, "w") as new:
            new.write(text.replace("config defaults 'defaults'\n",
                                   f"config defaults 'defaults'\n\toption {option} '1'\n"))
            new.flush()
            os.fsync(new.fileno())
        fcntl.flock(old, fcntl.LOCK_UN)
    time.sleep(0.0005)  # the gap: unlocked, not yet renamed
    os.rename(temporary, path)


def uci_real(program, folder, save, option):
    uci = [program, "-c", folder, "-t", save]
    subprocess.run(uci + ["set", f"autonomy.defaults.{option}=1"], check=True)
    subprocess.run(uci + ["commit", "autonomy"], check=True)


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")

    def call(self, method, params):
        for _ in range(5000):
            self.file.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
            self.file.flush()
            answer = json.loads(self.file.readline())
            if answer.get("error", {}).get("code") != BUSY:
                break
            time.sleep(0.005)
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]


def main():
    if os.geteuid():
        sys.exit(77)
    base = tempfile.mkdtemp(prefix="autonomy-config-")
    folder, run, save = f"{base}/etc", f"{base}/run", f"{base}/save"
    for path in (folder, run, save, f"{base}/real"):
        os.mkdir(path)
    path = f"{folder}/autonomy"
    # a crash: nobody had confirmed this file, and a commit seems to be about to end
    with open(path, "w") as f:
        f.write(START.replace("30s", "29s"))
    with open(f"{folder}/.autonomy.before", "w") as f:
        f.write(START)
    with open(f"{folder}/.autonomy.uci-Ab12Cd", "w") as f:
        f.write("")
    log = open(f"{base}/log", "w+")
    daemon = subprocess.Popen(["unshare", "-n", f"{BUILD}/autonomyd", "-o", "-c", path, "-r", run, "-s", base, "-l",
                               "notice"], stdout=log, stderr=log)
    problems = []

    def text():
        with open(path) as f:
            return f.read()

    def client():
        return Client(f"{run}/autonomy.sock")

    def uci_writer():
        try:
            for i in range(EDITS):
                if os.environ.get("UCI"):
                    uci_real(os.environ["UCI"], folder, save, f"u{i}")
                else:
                    uci_commit(folder, f"u{i}")
        except Exception as problem:  # pylint: disable=broad-except
            problems.append(f"uci: {problem}")

    def own_writer(option):
        c, name = client(), option.split(".")[1]
        try:
            for i in range(EDITS):
                c.call("config.set", {"changes": {option: f"{1000 + i}ms"}})
                found = re.search(rf"option {name} '([^']*)'", text())
                if not found or found.group(1) != f"{1000 + i}ms":
                    problems.append(f"{option}: {1000 + i} is not there")
        except Exception as problem:  # pylint: disable=broad-except
            problems.append(f"{option}: {problem}")

    try:
        wait_for("the daemon's socket", lambda: os.path.exists(f"{run}/autonomy.sock") or daemon.poll() is not None)
        if "could not be rolled back yet" not in open(f"{base}/log").read():
            problems.append("that the start could not roll back is not told")
        c = client()
        wait_for("what the start could not roll back is rolled back later",
                 lambda: text() == START and c.call("config.get", {"section": "default.hold"})["value"] == "30s", 20)
        os.unlink(f"{folder}/.autonomy.uci-Ab12Cd")
        del c
        before = len(os.listdir(f"/proc/{daemon.pid}/fd"))
        threads = [threading.Thread(target=uci_writer)]
        threads += [threading.Thread(target=own_writer, args=(option,)) for option in OPTIONS]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        there = len(re.findall(r"option u\d+ ", text()))
        if there != EDITS:
            problems.append(f"{there} of {EDITS} edits of the other writer are there")
        if not os.environ.get("UCI") and "# mine" not in text():
            problems.append("the comment is gone")
        print(f"{EDITS} commits beside {len(OPTIONS)} x {EDITS} config.set: {there} and "
              f"{len(OPTIONS) * EDITS - len(problems)} there")

        # by itself: a rename over the file, a bad file, a symbolic link
        c = client()
        used = lambda: c.call("config.get", {"section": "default.hold"})["value"]  # noqa: E731
        with open(f"{base}/next", "w") as f:
            f.write(START.replace("30s", "31s"))
        os.rename(f"{base}/next", path)
        wait_for("a file that was renamed into place is used", lambda: used() == "31s")
        with open(path, "w") as f:
            f.write(START.replace("30s", "thirty"))
        wait_for("a bad file is told", lambda: "not taken" in open(f"{base}/log").read())
        if used() != "31s":
            problems.append("a bad file was used")
        os.rename(path, f"{base}/real/autonomy")
        os.symlink("../real/autonomy", path)
        with open(f"{base}/real/autonomy", "w") as f:
            f.write(START.replace("30s", "32s"))
        c.call("config.reload", {})
        c.call("config.set", {"changes": ["default.hold=33s"], "confirm": 5})
        if not os.path.islink(path) or "33s" not in text():
            problems.append("behind a symbolic link the file was not changed in its place")
        wait_for("what nobody confirms is rolled back", lambda: used() == "32s")
        if not os.path.islink(path) or "32s" not in text():
            problems.append("the roll-back replaced the symbolic link")
        del c
        # what waits on old files is let go after some seconds
        wait_for("nothing is left open", lambda: len(os.listdir(f"/proc/{daemon.pid}/fd")) <= before + 1)
    finally:
        daemon.terminate()
        daemon.wait()
        log.flush()
        shutil.rmtree(base)
    for problem in problems[:20]:
        print("FAIL:", problem)
    sys.exit(1 if problems else 0)


main()
