#!/usr/bin/env python3
"""How many instructions a second autonomyd needs on another CPU, counted by qemu-user in the lab.

    instructions.py --qemu qemu-mipsel --cc mipsel-linux-gnu-gcc --libraries DIR:DIR --daemon FILE --build DIR

The whole of the daemon's user space is counted, with its libraries; what the kernel does for it is not.  Netlink
goes past the emulator (guest.c), so it steers as it does on a router.  The emulator knows no time stamps of
packets, that alone is missing.  Needs root, else it is skipped (77).
"""
import argparse
import os
import shlex
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "bench"), str(HERE.parent / "lab")]

LIMIT = 5_800_000  # 1 % of what a MIPS at 580 MHz does at best
SETTLE_S = 15


def shared(folder, compiler, name):
    """A shared object of a file that lies here."""
    made = Path(folder) / f"{name}.so"
    subprocess.run([compiler, "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", made, HERE / f"{name}.c"], check=True)
    return made


def wrap(folder, args):
    """A folder with an autonomyd that is the other CPU's, counted, and this CPU's autonomyctl."""
    counter = Path(folder) / "count"
    build = Path(folder) / "build"
    build.mkdir()
    emulator = [
        "env", f"LD_PRELOAD={shared(folder, 'cc', 'host')}",
        args.qemu, "-plugin", f"{shared(folder, 'cc', 'count')},count={counter}",
        "-L", f"/usr/{args.cc.removesuffix('-gcc')}", "-E", f"LD_LIBRARY_PATH={args.libraries}",
        "-E", f"LD_PRELOAD={shared(folder, args.cc, 'guest')}"]
    daemon = build / "autonomyd"
    daemon.write_text(f'#!/bin/sh\nexec {shlex.join(emulator)} {shlex.quote(str(Path(args.daemon).resolve()))} "$@"\n')
    daemon.chmod(0o755)
    (build / "autonomyctl").symlink_to((Path(args.build) / "autonomyctl").resolve())
    os.environ["AUTONOMY_BUILD"] = str(build)
    return counter


def per_second(counter, seconds):
    """The mean, and the most in any one second."""
    rates, last, then = [], struct.unpack("Q", counter.read_bytes())[0], time.monotonic()
    begun = (last, then)
    while then - begun[1] < seconds:
        time.sleep(1)
        now = time.monotonic()
        count = struct.unpack("Q", counter.read_bytes())[0]
        rates.append((count - last) / (now - then))
        last, then = count, now
    return (last - begun[0]) / (then - begun[1]), max(rates)


def measure(args, counter):
    import adapter
    import bench

    found = {}
    with bench.make_lab(args.links) as lab:
        bench.prepare_lab(lab)
        system = adapter.find()["autonomy"](lab)
        try:
            system.start()
            system.wait(system.settled, 180, "settled")
            time.sleep(SETTLE_S)
            found["idle"] = per_second(counter, args.seconds)
            flows = [lab.flow("udp", fresh=True, period_ms=10), lab.flow("bulk", down=True, rate_mbit=20)]
            time.sleep(3)
            found["busy (100 packets/s up, 20 Mbit/s down)"] = per_second(counter, args.seconds)
            for flow in flows:
                flow.stop()
            lab.blackhole(lab.links[0])
            found["a black hole and the move away from it"] = per_second(counter, 5)
        except adapter.Failed:
            print((system.dir / "autonomyd.log").read_text(), system.ctl("status"), file=sys.stderr)
            raise
        finally:
            system.stop()
            system.forget()
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--qemu", "--cc", "--libraries"):
        p.add_argument(name, required=True)
    p.add_argument("--daemon", required=True)
    p.add_argument("--build", required=True)
    p.add_argument("--links", type=int, default=4)
    p.add_argument("--seconds", type=float, default=15)
    args = p.parse_args()
    if os.geteuid():
        print("needs root")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        counter = wrap(folder, args)
        found = measure(args, counter)
    for what, (mean, most) in found.items():
        print(f"{what}: {mean / 1e6:.2f} million instructions/s, at most {most / 1e6:.2f}; "
              f"{mean / LIMIT:.0%} of the budget of {LIMIT / 1e6} million")
    # of the steady states the mean should fit; a fault may cost more for its seconds
    return 3 if any(mean > LIMIT for what, (mean, _) in found.items() if not what.startswith("a ")) else 0


if __name__ == "__main__":
    sys.exit(main())
