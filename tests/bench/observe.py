#!/usr/bin/env python3
"""Watches which uplink the kernel would send fresh LAN traffic over, and prints every change.

Runs in the router's namespace:  observe.py --iif lan0 --from 192.168.1.2 --to 1.1.1.1
                                            [--from6 ADDR --to6 ADDR]
Output, one line a change, flushed:  <CLOCK_MONOTONIC us> <4|6> <device or "-">

The kernel's forwarding decision is asked for (RTM_GETROUTE with the LAN's source address and
device) after every route, rule, nexthop, address or link notification, and every POLL_S in case one
was dropped.  So it works for any system that steers with routes, without a packet of its own and
whether traffic flows or not.  The time printed is the time the answer was read, at most a few ms
late on a busy machine.
"""
import argparse
import os
import select
import socket
import struct
import sys
import time

POLL_S = 0.25

NETLINK_ROUTE = 0
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1
SO_RCVBUFFORCE = 33
# <linux/rtnetlink.h> RTNLGRP_*: link, v4 address, v4 route, v4 rule, v6 address, v6 route, v6 rule, nexthop
GROUPS = (1, 5, 7, 8, 9, 11, 19, 32)
RTM_NEWROUTE, RTM_GETROUTE, NLMSG_ERROR = 24, 26, 2
NLM_F_REQUEST = 1
RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF = 1, 2, 3, 4

NLMSGHDR = struct.Struct("=IHHII")
RTMSG = struct.Struct("=BBBBBBBBI")
RTATTR = struct.Struct("=HH")


def attribute(kind, payload):
    raw = RTATTR.pack(RTATTR.size + len(payload), kind) + payload
    return raw + b"\0" * (-len(raw) % 4)


def route_request(family, source, target, iif, seq):
    """The bytes of an RTM_GETROUTE for a packet from source to target that came in on iif."""
    bits = 32 if family == socket.AF_INET else 128
    body = RTMSG.pack(family, bits, bits, 0, 0, 0, 0, 0, 0)
    body += attribute(RTA_DST, socket.inet_pton(family, target))
    body += attribute(RTA_SRC, socket.inet_pton(family, source))
    body += attribute(RTA_IIF, struct.pack("=I", iif))
    return NLMSGHDR.pack(NLMSGHDR.size + len(body), RTM_GETROUTE, NLM_F_REQUEST, seq, 0) + body


def route_oif(raw, seq):
    """The outgoing device index in an answer, 0 for "no route", None if it answers another request."""
    length, kind, _flags, got, _pid = NLMSGHDR.unpack_from(raw)
    if got != seq:
        return None
    if kind != RTM_NEWROUTE:
        return 0
    at = NLMSGHDR.size + RTMSG.size
    while at + RTATTR.size <= length:
        size, attr = RTATTR.unpack_from(raw, at)
        if size < RTATTR.size:
            break
        if attr == RTA_OIF:
            return struct.unpack_from("=I", raw, at + RTATTR.size)[0]
        at += (size + 3) & ~3
    return 0


class Asker:
    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        self.sock.settimeout(1)
        self.seq = 0

    def device(self, family, source, target, iif):
        """The name of the device the packet would leave by, "-" for none."""
        self.seq += 1
        self.sock.sendto(route_request(family, source, target, socket.if_nametoindex(iif), self.seq), (0, 0))
        oif = None
        while oif is None:
            oif = route_oif(self.sock.recv(65536), self.seq)
        try:
            return socket.if_indextoname(oif) if oif else "-"
        except OSError:
            return "-"


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--iif", required=True)
    p.add_argument("--from", dest="source", required=True)
    p.add_argument("--to", dest="target", required=True)
    p.add_argument("--from6", dest="source6")
    p.add_argument("--to6", dest="target6")
    args = p.parse_args()

    news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_ROUTE)
    news.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    news.bind((0, 0))
    for group in GROUPS:
        news.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
    asker = Asker()
    asked = [("4", socket.AF_INET, args.source, args.target)]
    if args.source6 and args.target6:
        asked.append(("6", socket.AF_INET6, args.source6, args.target6))
    parent = os.getppid()
    last = {}
    while os.getppid() == parent:
        for name, family, source, target in asked:
            try:
                device = asker.device(family, source, target, args.iif)
            except OSError:
                device = "-"
            if device != last.get(name):
                last[name] = device
                print(time.monotonic_ns() // 1000, name, device, flush=True)
        select.select([news], [], [], POLL_S)
        try:
            while True:
                news.recv(65536)
        except BlockingIOError:
            pass
        except OSError:  # ENOBUFS: news was dropped, the question is asked again anyway
            pass


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
