#!/usr/bin/env python3
"""Makes corpus/netlink from what this machine's kernel says; needs root and iproute2.

Every file is one netlink message: a notification caught while devices, addresses, routes and nexthops of many kinds come
and go in a namespace, or part of a dump.  usage: capture_netlink.py FOLDER
"""

import ctypes
import os
import select
import socket
import struct
import subprocess
import sys

CLONE_NEWNET = 0x40000000
GROUPS = [1, 5, 9, 7, 11, 32]  # LINK, IPV4_IFADDR, IPV6_IFADDR, IPV4_ROUTE, IPV6_ROUTE, NEXTHOP
SOL_NETLINK, ADD_MEMBERSHIP = 270, 1
SIZE_MAX = 700  # bytes of a file worth keeping

STORY = """
link set lo up
link add eth1 type veth peer name eth1p
link set eth1p up
link set eth1 up
addr add 10.1.0.2/24 dev eth1
addr add 10.1.0.3/24 dev eth1 valid_lft 3600 preferred_lft 1800
addr add 10.8.0.2 peer 10.8.0.1/32 dev eth1
addr add 2001:db8::2/64 dev eth1 nodad
addr add 2001:db8::3/64 dev eth1
addr add 2001:db8::4/64 dev eth1 nodad preferred_lft 0 valid_lft 60
link add br0 type bridge
tuntap add tun0 mode tun
link add eth2 type veth peer name eth2p
link set eth2p up
link set eth2 up
addr add 10.2.0.2/24 dev eth2
route add default via 10.1.0.1 dev eth1 metric 100
route add default via 10.1.0.1 dev eth1 metric 90 proto 74
route add default via 10.1.0.1 dev eth1 metric 80 src 10.1.0.3 mtu 1400
route add default dev eth2 metric 70 scope link
route add default metric 60 nexthop via 10.1.0.1 dev eth1 weight 2 nexthop via 10.2.0.1 dev eth2
route add default via inet6 fe80::1 dev eth1 metric 55
route add default via 10.1.0.1 dev eth1 table 1000
route add unreachable default metric 999
route add 192.0.2.0/24 via 10.1.0.1
route add default via fe80::1 dev eth1 proto ra metric 1024 expires 1800 pref high
route append default via fe80::2 dev eth1 proto ra metric 1024
route add default from 2001:db8:5::/56 via fe80::3 dev eth1 metric 512
nexthop add id 1 via 10.1.0.1 dev eth1
nexthop add id 2 via fe80::1 dev eth2
nexthop add id 3 blackhole
nexthop add id 4 via 10.2.0.1 dev eth2
nexthop add id 9 group 1/4
route add default nhid 9 metric 40
route add default nhid 2 metric 41
link set eth1p down
link set eth1 master br0
link set eth1 nomaster
link set eth2 name wan
link set eth1 mtu 1400
nexthop del id 9
route del default metric 100
addr del 10.1.0.2/24 dev eth1
link set eth1 down
link del eth1
"""


def messages(datagram):
    while len(datagram) >= 16:
        size = struct.unpack_from("=I", datagram)[0]
        if size < 16:
            return
        yield datagram[:size]
        datagram = datagram[(size + 3) & ~3:]


def dump(kind, header):
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.sendall(struct.pack("=IHHII", 16 + len(header), kind, 0x301, 1, 0) + header)
    while True:
        for message in messages(s.recv(1 << 16)):
            if struct.unpack_from("=H", message, 4)[0] == 3:
                return
            yield message


def main(folder):
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        sys.exit("needs root")
    listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    listener.bind((0, 0))
    for group in GROUPS:
        listener.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
    found = []
    for line in STORY.strip().splitlines():
        family = ["-6"] if ("::" in line or "nhid 2" in line) and "inet6" not in line else []
        subprocess.run(["ip"] + family + line.split(), check=False)
        while select.select([listener], [], [], 0.05)[0]:
            found += messages(listener.recv(1 << 16))
        if line.startswith(("nexthop add id 9", "route add default nhid")):
            found += dump(18, struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0))
            for af in (socket.AF_INET, socket.AF_INET6):
                found += dump(26, struct.pack("=BBBBBBBBI", af, 0, 0, 0, 0, 0, 0, 0, 0))
                found += dump(22, struct.pack("=BBBBI", af, 0, 0, 0, 0))
            found += dump(106, struct.pack("=BBBBI", 0, 0, 0, 0, 0))
    os.makedirs(folder, exist_ok=True)
    seen = {}
    for number, message in enumerate(found):
        # alike but for addresses and numbers: a few of a kind are enough
        kind = struct.unpack_from("=H", message, 4)[0]
        shape = (kind, len(message), message[16:24]) if len(message) <= SIZE_MAX else (kind, "long")
        seen[shape] = seen.get(shape, 0) + 1
        if seen[shape] <= (4 if shape[1] == "long" else 1):
            with open(f"{folder}/{kind:03d}-{number:03d}", "wb") as f:
                f.write(message)
    print(f"{len(found)} messages")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
