#!/usr/bin/env python3
"""
A bus daemon for tests: what OpenWrt's ubusd does, as far as autonomy and its tests see it, on the same wire.

    broker.py SOCKET            until it is ended; the socket is there when it says "ready"

One loop, no threads.  Whoever connects may do everything.  Not here: access lists, monitors.
"""
import os
import pwd
import random
import selectors
import signal
import socket
import struct
import sys

from wire import (A_ACTIVE, A_DATA, A_GROUP, A_METHOD, A_METHODS_ID, A_NO_REPLY, A_OBJECT, A_PATH, A_SIGNATURE, A_STATUS,
                  A_SUBSCRIBERS, A_TARGET, A_USER, ADD_OBJECT, DATA, HELLO, INVALID_ARGUMENT, INVALID_COMMAND, INVOKE, LOOKUP,
                  NOT_FOUND, NOTIFY, OK, PERMISSION_DENIED, PING, REMOVE_OBJECT, STATUS, SUBSCRIBE, UNSUBSCRIBE, Malformed,
                  METHOD_NOT_FOUND, Stream, frame, record, values)

OUTPUT_MAX = 1048576
EVENT = 1


class Object:
    def __init__(self, client, number, path, signature):
        self.client, self.number, self.path, self.signature = client, number, path, signature
        self.methods_id = random.randrange(1024, 2**32) if path else None
        self.followers, self.patterns = [], []


class Client:
    def __init__(self, sock, number):
        self.socket, self.number = sock, number
        self.stream, self.out = Stream(), bytearray()
        uid, = struct.unpack_from("I", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12), 4)
        self.user = pwd.getpwuid(uid).pw_name


class Broker:
    def __init__(self, path):
        self.selector = selectors.DefaultSelector()
        self.clients, self.objects, self.seq = {}, {}, 0
        self.listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(64)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, None)

    def number(self):
        while True:
            n = random.randrange(1024, 2**32)
            if n not in self.clients and n not in self.objects:
                return n

    # ---- streams ----

    def run(self):
        while True:
            for key, what in self.selector.select():
                if key.data is None:
                    self.accept()
                    continue
                if what & selectors.EVENT_READ:
                    self.readable(key.data)
                if what & selectors.EVENT_WRITE and key.data.number in self.clients:
                    self.flush(key.data)

    def accept(self):
        sock, _ = self.listener.accept()
        sock.setblocking(False)
        client = Client(sock, self.number())
        self.clients[client.number] = client
        self.selector.register(sock, selectors.EVENT_READ, client)
        self.send(client, frame(HELLO, 0, client.number))

    def readable(self, client):
        try:
            data, fds, _, _ = socket.recv_fds(client.socket, 65536, 4)
            for fd in fds:
                os.close(fd)
            if not data:
                raise ConnectionResetError
            for message in client.stream.feed(data):
                self.message(client, message)
                if client.number not in self.clients:
                    return
        except BlockingIOError:
            pass
        except (OSError, Malformed):
            self.drop(client)

    def send(self, client, data):
        """Past its limit a message is left out without a word, as the real one does."""
        if len(client.out) + len(data) <= OUTPUT_MAX:
            client.out += data
            self.flush(client)

    def flush(self, client):
        try:
            while client.out:
                del client.out[:client.socket.send(client.out)]
        except BlockingIOError:
            pass
        except OSError:
            client.out.clear()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.out else 0)
        self.selector.modify(client.socket, wanted, client)

    def drop(self, client):
        self.selector.unregister(client.socket)
        client.socket.close()
        del self.clients[client.number]
        for obj in [o for o in self.objects.values() if o.client is client]:
            self.remove(obj)

    # ---- objects ----

    def remove(self, obj):
        del self.objects[obj.number]
        for follower in obj.followers:
            self.send(follower.client, frame(UNSUBSCRIBE, 0, 0, (A_OBJECT, follower.number), (A_TARGET, obj.number)))
        for other in self.objects.values():
            if obj in other.followers:
                other.followers = [f for f in other.followers if f is not obj]
                self.tell_followed(other, True)
        if obj.path:
            self.broadcast("ubus.object.remove", {"id": signed(obj.number), "path": obj.path})

    def tell_followed(self, obj, was):
        if bool(obj.followers) != was:
            self.send(obj.client, frame(NOTIFY, 0, 0, (A_OBJECT, obj.number), (A_ACTIVE, bool(obj.followers))))

    def broadcast(self, name, data, sender=None):
        self.seq = (self.seq + 1) & 0xffff
        for obj in list(self.objects.values()):
            if obj.client is not sender and any(
                    name.startswith(p[:-1]) if p.endswith("*") else name == p for p in obj.patterns):
                self.send(obj.client, frame(INVOKE, self.seq, 0, (A_OBJECT, obj.number), (A_METHOD, name),
                                            (A_DATA, values(data))))

    # ---- messages ----

    def message(self, client, m):
        handlers = {PING: self.ping, LOOKUP: self.lookup, INVOKE: self.invoke, ADD_OBJECT: self.add_object,
                    REMOVE_OBJECT: self.remove_object, SUBSCRIBE: self.subscribe, UNSUBSCRIBE: self.unsubscribe,
                    NOTIFY: self.notify}
        if m.kind in (STATUS, DATA):
            self.answer(client, m)
            return
        status = handlers[m.kind](client, m) if m.kind in handlers else INVALID_COMMAND
        if status is not None:
            self.send(client, frame(STATUS, m.seq, m.peer, (A_STATUS, status)))

    def ping(self, client, m):
        head = struct.pack(">BBHII", 0, DATA, m.seq, m.peer, 4 + len(m.body))
        self.send(client, head + m.body)
        return OK

    def lookup(self, client, m):
        path = m[A_PATH]
        if path == "":
            return INVALID_ARGUMENT
        found = sorted((o for o in self.objects.values() if o.path and (
            path is None or o.path == path or (path.endswith("*") and o.path.startswith(path[:-1])))),
            key=lambda o: o.path)
        for o in found:
            self.send(client, frame(DATA, m.seq, m.peer, (A_PATH, o.path), (A_OBJECT, o.number),
                                    (A_METHODS_ID, o.methods_id), (A_SIGNATURE, o.signature)))
        return OK if found or path is None or path.endswith("*") else NOT_FOUND

    def add_object(self, client, m):
        path = m[A_PATH]
        if path is not None and (m[A_SIGNATURE] is None or any(o.path == path for o in self.objects.values())):
            return INVALID_ARGUMENT
        obj = Object(client, self.number(), path, m[A_SIGNATURE])
        self.objects[obj.number] = obj
        more = [(A_METHODS_ID, obj.methods_id)] if path else []
        self.send(client, frame(DATA, m.seq, m.peer, (A_OBJECT, obj.number), *more))
        self.send(client, frame(STATUS, m.seq, m.peer, (A_STATUS, OK)))
        if path:
            self.broadcast("ubus.object.add", {"id": signed(obj.number), "path": path})
        return None

    def mine(self, client, m):
        obj = self.objects.get(m[A_OBJECT])
        return obj if obj and obj.client is client else None

    def remove_object(self, client, m):
        obj = self.mine(client, m)
        if not obj:
            return NOT_FOUND
        self.send(client, frame(DATA, m.seq, m.peer, (A_OBJECT, obj.number)))
        self.remove(obj)
        return OK

    def subscribe(self, client, m):
        obj, target = self.mine(client, m), self.objects.get(m[A_TARGET])
        if not obj or not target:
            return NOT_FOUND
        if target.client is client:
            return INVALID_ARGUMENT
        was = bool(target.followers)
        target.followers.append(obj)
        self.tell_followed(target, was)
        return OK

    def unsubscribe(self, client, m):
        obj, target = self.mine(client, m), self.objects.get(m[A_TARGET])
        if not obj or not target or obj not in target.followers:
            return NOT_FOUND
        target.followers.remove(obj)
        self.tell_followed(target, True)
        return OK

    def invoke(self, client, m):
        if m[A_OBJECT] == EVENT:
            return self.event_method(client, m)
        obj = self.objects.get(m[A_OBJECT])
        if not obj:
            return NOT_FOUND
        if m[A_METHOD] is None:
            return INVALID_ARGUMENT
        more = [(A_NO_REPLY, True)] if m[A_NO_REPLY] else []
        more += [(A_DATA, m[A_DATA])] if m[A_DATA] is not None else []
        self.send(obj.client, frame(INVOKE, m.seq, client.number, (A_OBJECT, obj.number), (A_METHOD, m[A_METHOD]),
                                    (A_USER, client.user), (A_GROUP, client.user), *more))
        return None

    def event_method(self, client, m):
        if m[A_DATA] is None:
            return INVALID_ARGUMENT
        data = m.data
        if m[A_METHOD] == "register":
            obj = self.objects.get(data.get("object", 0) & 0xffffffff)
            if not obj or obj.client is not client or not isinstance(data.get("pattern", "*"), str):
                return INVALID_ARGUMENT
            obj.patterns.append(data.get("pattern", "*"))
            return OK
        if m[A_METHOD] != "send":
            return METHOD_NOT_FOUND
        if not isinstance(data.get("id"), str) or not isinstance(data.get("data"), dict):
            return INVALID_ARGUMENT
        if data["id"].startswith("ubus."):
            return PERMISSION_DENIED
        self.broadcast(data["id"], data["data"], client)
        return OK

    def notify(self, client, m):
        obj = self.mine(client, m)
        if not obj or m[A_METHOD] is None:
            return NOT_FOUND if not obj else INVALID_ARGUMENT
        more = [(A_NO_REPLY, True)] if m[A_NO_REPLY] else []
        for follower in obj.followers:
            self.send(follower.client, frame(INVOKE, m.seq, client.number, *more, (A_OBJECT, follower.number),
                                             (A_METHOD, m[A_METHOD]), (A_USER, client.user), (A_GROUP, client.user),
                                             (A_DATA, m[A_DATA] or b"")))
        if m[A_NO_REPLY]:
            return None
        asked = b"".join(record(0, struct.pack(">I", f.number)) for f in obj.followers)
        self.send(client, frame(STATUS, m.seq, m.peer, (A_OBJECT, obj.number), (A_SUBSCRIBERS, asked), (A_STATUS, OK)))
        return None

    def answer(self, client, m):
        """From an object, to whoever called it; what is not complete is left out without a word."""
        obj, caller = self.mine(client, m), self.clients.get(m.peer)
        wanted = A_STATUS if m.kind == STATUS else A_DATA
        if obj and caller and m[wanted] is not None:
            head = struct.pack(">BBHII", 0, m.kind, m.seq, obj.number, 4 + len(m.body))
            self.send(caller, head + m.body)


def signed(number):
    return number - 2**32 if number >= 2**31 else number


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    broker = Broker(sys.argv[1])
    print("ready", flush=True)
    broker.run()
