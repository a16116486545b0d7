#!/usr/bin/env python3
"""What a router asks for: a failover writes nothing to flash, a kernel without nexthop objects or nf_tables will do, and
the time need not be set.

    AUTONOMY_BUILD=build python3 tests/bench/system/test_router.py [-v]
"""
import ctypes
import os
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

BENCH = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BENCH), str(BENCH.parent / "lab")]

import adapter  # noqa: E402
import bench  # noqa: E402

LIBC = ctypes.CDLL(None, use_errno=True)
# IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE
CHANGES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200
OLD_KERNEL = """
config steer 'steer'
	option nexthop_objects '0'
	option firewall 'iptables'
"""


class Folder:
    """Everything that is written to or in a folder from now on, by inotify."""

    def __init__(self, path):
        self.fd = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if LIBC.inotify_add_watch(self.fd, str(path).encode(), CHANGES) < 0:
            raise OSError(ctypes.get_errno(), str(path))

    def changes(self):
        found = []
        while select.select([self.fd], [], [], 0)[0]:
            data, at = os.read(self.fd, 65536), 0
            while at < len(data):
                _, mask, _, size = struct.unpack_from("iIII", data, at)
                found.append((hex(mask), data[at + 16:at + 16 + size].rstrip(b"\0").decode()))
                at += 16 + size
        return found

    def close(self):
        os.close(self.fd)


class Router(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = bench.make_lab(2).start()
        cls.addClassCleanup(cls.lab.stop)
        bench.prepare_lab(cls.lab)

    def start(self, extra=""):
        bench.heal(self.lab)
        system = adapter.find()["autonomy"](self.lab)
        system.extra = extra
        self.addCleanup(system.forget)
        self.addCleanup(system.stop)
        system.start()
        system.wait(system.settled, 60, "settled")
        return system

    def start_with_clock(self, offset_s):
        """The daemon's wall clock is the real one and what set_clock() says; nothing else sees that."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        shim, real = folder / "clock.so", Path(os.environ.get("AUTONOMY_BUILD", "build")).resolve()
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", shim, Path(__file__).with_name("clock.c")],
                       check=True)
        self.clock = folder / "offset"
        self.set_clock(offset_s)
        wrapper = folder / "autonomyd"
        wrapper.write_text(f'#!/bin/sh\nexec env LD_PRELOAD={shim} CLOCK_OFFSET_FILE={self.clock} {real}/autonomyd "$@"\n')
        wrapper.chmod(0o755)
        (folder / "autonomyctl").symlink_to(real / "autonomyctl")
        with mock.patch.dict(os.environ, AUTONOMY_BUILD=str(folder)):
            return self.start()

    def set_clock(self, offset_s):
        self.clock.with_suffix(".new").write_text(str(offset_s))
        self.clock.with_suffix(".new").rename(self.clock)

    def uses(self, system):
        return {link["link"] for choice in system.ctl("status")["classes"] for link in choice["links"]}

    def fail_over(self, system):
        first, second = self.lab.links
        self.lab.blackhole(first)
        system.wait(lambda: self.uses(system) == {second}, 30, "a move to the second link")
        self.lab.blackhole(first, on=False)

    def test_failover_writes_nothing_to_flash(self):
        system = self.start()
        state, config = Folder(system.state_dir), Folder(system.config.parent)
        self.addCleanup(state.close)
        self.addCleanup(config.close)
        # what is written now and then by the clock is not a failover's doing, but can meet one
        for attempt in range(3):
            state.changes()
            self.fail_over(system)
            time.sleep(2)
            written = state.changes()
            print(f"\n{len(written)} changes below the state folder", flush=True)
            if not written:
                break
            bench.heal(self.lab)
            system.wait(lambda: self.uses(system) == {self.lab.links[0]}, 180, "the way back")
        self.assertEqual(written, [])
        self.assertEqual([c for c in config.changes() if c[1].startswith("config")], [])

    def test_old_kernel_without_nexthop_objects_and_nft(self):
        system = self.start(OLD_KERNEL)
        self.fail_over(system)
        held = self.lab.run("rtr", ["ip", "nexthop"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("proto 74", held)
        tables = self.lab.run("rtr", ["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("autonomy", tables)
        rules = self.lab.run("rtr", ["iptables-save", "-t", "mangle"], capture_output=True, text=True).stdout
        rules += self.lab.run("rtr", ["iptables-legacy-save", "-t", "mangle"], capture_output=True, text=True).stdout
        self.assertIn("AUTONOMY-", rules)

    def test_time_is_not_set_at_boot(self):
        since_1970 = int(time.time()) - 30
        system = self.start_with_clock(-since_1970)
        self.assertLess(system.ctl("status")["wall_ms"], 10 * 365 * 86400 * 1000)

        def switches():
            return sum(choice["switches"] for choice in system.ctl("status")["classes"])

        before = switches()
        # the time comes; later it is set back by an hour; neither moves anything
        for offset_s in (0, -3600, 0):
            self.set_clock(offset_s)
            time.sleep(3)
            self.assertEqual(system.ctl("status")["state"], "healthy")
            self.assertEqual(switches(), before)
        self.assertAlmostEqual(system.ctl("status")["wall_ms"] / 1000, time.time(), delta=60)
        self.fail_over(system)
        last = system.ctl("events")["events"][-1]
        self.assertAlmostEqual(last["wall_ms"] / 1000, time.time(), delta=60)


if __name__ == "__main__":
    if os.geteuid():
        print("needs root")
        sys.exit(77)
    unittest.main(verbosity=2)
