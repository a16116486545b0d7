"""Servers of the far end of test_probes.py, one behaviour an address.  Runs inside the namespace; needs root."""

import random
import selectors
import socket
import struct
import sys
import threading
import time

MARK = 7  # packets the ruleset lets out, where the kernel's own answers are dropped


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_reply(request):
    body = b"\0\0\0\0" + request[4:]
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def mutations(data, count=200):
    """Damaged copies: bytes changed, cut off or added; the same in every run."""
    dice = random.Random(1)
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(dice.randint(1, 4)):
            copy[dice.randrange(len(copy))] = dice.randrange(256)
        if dice.random() < 0.3:
            copy = copy[:dice.randrange(1, len(copy))]
        if dice.random() < 0.2:
            copy += dice.randbytes(dice.randrange(600))
        yield bytes(copy)


def marked_socket(source):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    s.setsockopt(socket.SOL_SOCKET, 36, MARK)  # SO_MARK
    s.bind((source, 0))
    return s


def serve_echo():
    """10.9.9.20 and on: answers to pings that are wrong in one way each."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    out = {"10.9.9.%d" % n: marked_socket("10.9.9.%d" % n) for n in range(20, 30)}
    while True:
        packet, (client, _) = listener.recvfrom(2048)
        target = socket.inet_ntoa(packet[16:20])
        request = packet[20:]
        if request[0] != 8 or target not in out:
            continue
        good = echo_reply(request)
        to = (client, 0)
        s = out[target]
        kind = int(target.split(".")[3])
        if kind == 20:  # wrong cookie
            s.sendto(echo_reply(request[:8] + bytes(b ^ 1 for b in request[8:])), to)
        elif kind == 21:  # wrong source
            out["10.9.9.29"].sendto(good, to)
        elif kind == 22:  # twice
            s.sendto(good, to)
            s.sendto(good, to)
        elif kind == 23:  # slow, but before the slot ends
            threading.Timer(1.5, s.sendto, (good, to)).start()
        elif kind == 24:  # after the slot has ended
            threading.Timer(4, s.sendto, (good, to)).start()
        elif kind == 25:  # damaged
            s.sendto(good[:-1] + bytes([good[-1] ^ 0x10]), to)
        elif kind == 26:  # cut short
            s.sendto(echo_reply(request[:8]), to)
        elif kind == 27:  # an error that quotes it, then the answer
            error = b"\3\1\0\0\0\0\0\0" + packet
            error = error[:2] + struct.pack("!H", checksum(error)) + error[4:]
            out["10.9.9.29"].sendto(error, to)
            threading.Timer(0.3, s.sendto, (good, to)).start()
        elif kind == 29:  # all manner of things
            error = b"\3\1\0\0\0\0\0\0" + packet
            for bad in [*mutations(good), *mutations(error)]:
                if len(bad) < 8:  # the kernel does not send less
                    continue
                if bad[0] != 8:
                    bad = bad[:2] + b"\0\0" + bad[4:]
                    bad = bad[:2] + struct.pack("!H", checksum(bad)) + bad[4:]
                s.sendto(bad, to)
        elif kind == 28:  # refuses by itself
            error = b"\3\x0a\0\0\0\0\0\0" + packet
            error = error[:2] + struct.pack("!H", checksum(error)) + error[4:]
            s.sendto(error, to)


def dns_answer(query, rcode, ident=None, question=None):
    ident = query[:2] if ident is None else ident
    flags = struct.pack("!H", 0x8180 | rcode)
    return ident + flags + b"\0\1\0\0\0\0\0\0" + (query[12:] if question is None else question)


def serve_dns():
    loop = selectors.DefaultSelector()
    addresses = ["10.9.9.9", "fd00:9::9"] + ["10.9.9.%d" % n for n in (30, 31, 32, 33, 35, 36, 37)]
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.bind((address, 53))
        loop.register(s, selectors.EVENT_READ, address)
    odd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    odd.bind(("10.9.9.33", 5353))
    while True:
        for key, _ in loop.select():
            query, client = key.fileobj.recvfrom(2048)
            kind = key.data
            if kind == "10.9.9.30":  # SERVFAIL
                key.fileobj.sendto(dns_answer(query, 2), client)
            elif kind == "10.9.9.31":  # another id
                key.fileobj.sendto(dns_answer(query, 3, bytes(b ^ 0xFF for b in query[:2])), client)
            elif kind == "10.9.9.32":  # another question
                other = query[12:13] + bytes([query[13] ^ 3]) + query[14:]
                key.fileobj.sendto(dns_answer(query, 3, None, other), client)
            elif kind == "10.9.9.33":  # another port
                odd.sendto(dns_answer(query, 3), client)
            elif kind == "10.9.9.35":  # no answer, an echo of the query
                key.fileobj.sendto(query, client)
            elif kind == "10.9.9.36":  # upper case
                key.fileobj.sendto(dns_answer(query, 0, None, query[12:].upper()), client)
            elif kind == "10.9.9.37":  # all manner of things
                for bad in mutations(dns_answer(query, 3)):
                    key.fileobj.sendto(bad, client)
            else:
                key.fileobj.sendto(dns_answer(query, 3), client)


RESPONSES = {
    80: [b"HTTP/1.1 204 No Content\r\nServer: x\r\nContent-Length: 0\r\n\r\n"],
    81: [b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n"],
    82: [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"],
    83: [b"SSH-2.0-OpenSSH_9.2\r\n"],
    84: [b"HTTP/1.1 204 No Content\r\nContent-Length: 12\r\n\r\nHello portal"],
    85: [b"HTTP", b"/1.1 204 No", b" Content\r\n", b"X: y\r", b"\n\r\n"],  # in pieces
    86: [],  # accepts, closes
    87: None,  # accepts, says nothing
    88: [b"HTTP/1.1 204 No Content\r\n"] + [b"X-Fill: " + b"a" * 500 + b"\r\n"] * 20,  # no end
}


def answer_http(connection, pieces):
    connection.recv(2048)
    if pieces is None:
        time.sleep(10)
        return
    try:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.01)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    except OSError:
        pass
    connection.close()


def serve_http(port, pieces):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", port))
    s.listen(64)
    while True:
        connection, _ = s.accept()
        threading.Thread(target=answer_http, args=(connection, pieces), daemon=True).start()


def serve_tcp():
    """Port 443: accepts and lets the client reset it."""
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", 443))
    s.listen(512)
    while True:
        connection, _ = s.accept()
        connection.close()


def main():
    threads = [(serve_echo,), (serve_dns,), (serve_tcp,)]
    threads += [(serve_http, port, pieces) for port, pieces in RESPONSES.items()]
    for function, *arguments in threads:
        threading.Thread(target=function, args=arguments, daemon=True).start()
    time.sleep(0.3)
    print("ready", flush=True)
    sys.stdin.read()  # until the parent goes


main()
