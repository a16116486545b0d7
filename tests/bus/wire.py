"""The bytes of OpenWrt's bus: attributes, named values, frames.  Independent of src/codec, so that each checks the other."""
import math
import socket
import struct

HELLO, STATUS, DATA, PING, LOOKUP, INVOKE, ADD_OBJECT, REMOVE_OBJECT, SUBSCRIBE, UNSUBSCRIBE, NOTIFY, MONITOR = range(12)
(A_STATUS, A_PATH, A_OBJECT, A_METHOD, A_METHODS_ID, A_SIGNATURE, A_DATA, A_TARGET, A_ACTIVE, A_NO_REPLY, A_SUBSCRIBERS,
 A_USER, A_GROUP) = range(1, 14)
(OK, INVALID_COMMAND, INVALID_ARGUMENT, METHOD_NOT_FOUND, NOT_FOUND, NO_DATA, PERMISSION_DENIED, TIMEOUT, NOT_SUPPORTED,
 UNKNOWN_ERROR, CONNECTION_FAILED, NO_MEMORY, PARSE_ERROR, SYSTEM_ERROR) = range(14)
NULL, ARRAY, TABLE, STRING, INT64, INT32, INT16, BOOL, DOUBLE = range(9)
BODY_MAX = 1048576 - 4

TEXTS = {A_PATH, A_METHOD, A_USER, A_GROUP}
NUMBERS = {A_STATUS, A_OBJECT, A_METHODS_ID, A_TARGET}
FLAGS = {A_ACTIVE, A_NO_REPLY}


class Malformed(Exception):
    pass


def pad(data):
    return data + bytes(-len(data) % 4)


def record(first, payload):
    return pad(struct.pack(">I", first << 24 | 4 + len(payload)) + payload)


def records(data):
    at = 0
    while at < len(data):
        if len(data) - at < 4:
            raise Malformed("a header ends early")
        word, = struct.unpack_from(">I", data, at)
        size = word & 0xffffff
        if size < 4 or at + size > len(data):
            raise Malformed("a length leads out of the message")
        yield word >> 24, data[at + 4:at + size]
        at += size + -size % 4


# ---- named values ----

def value(name, v):
    name = name.encode("utf-8", "surrogateescape")
    head = pad(struct.pack(">H", len(name)) + name + b"\0")
    if v is None:
        kind, data = NULL, b""
    elif isinstance(v, bool):
        kind, data = BOOL, bytes([v])
    elif isinstance(v, int):
        kind, data = (INT32, struct.pack(">i", v)) if -2**31 <= v < 2**31 else (INT64, struct.pack(">q", v))
    elif isinstance(v, float):
        kind, data = DOUBLE, struct.pack(">d", v)
    elif isinstance(v, str):
        kind, data = STRING, v.encode("utf-8", "surrogateescape") + b"\0"
    elif isinstance(v, dict):
        kind, data = TABLE, values(v)
    else:
        kind, data = ARRAY, b"".join(value("", item) for item in v)
    return record(0x80 | kind, head + data)


def values(table):
    return b"".join(value(name, v) for name, v in table.items())


def split_value(kind, payload):
    if not kind & 0x80 or len(payload) < 3:
        raise Malformed("not a named value")
    size, = struct.unpack_from(">H", payload)
    end = 2 + size + 1
    end += -end % 4
    if end > len(payload) or payload[2 + size] != 0:
        raise Malformed("a name without end")
    name = payload[2:2 + size].decode("utf-8", "surrogateescape")
    data = payload[end:]
    sizes = {INT64: (8, ">q"), INT32: (4, ">i"), INT16: (2, ">h"), BOOL: (1, ">b"), DOUBLE: (8, ">d")}
    kind &= 0x7f
    if kind in sizes:
        size, form = sizes[kind]
        if len(data) != size:
            raise Malformed("a value of the wrong size")
        v, = struct.unpack(form, data)
        if kind == BOOL:
            v = bool(v)
        return name, v if kind != DOUBLE or math.isfinite(v) else None
    if kind == STRING:
        if data[-1:] != b"\0":
            raise Malformed("text without end")
        return name, data[:-1].decode("utf-8", "surrogateescape")
    if kind == TABLE:
        return name, table(data)
    if kind == ARRAY:
        return name, [split_value(k, p)[1] for k, p in records(data)]
    if kind == NULL:
        return name, None
    raise Malformed("a type that there is not")


def table(data):
    return dict(split_value(kind, payload) for kind, payload in records(data))


# ---- frames ----

def frame(kind, seq, peer, *attributes):
    body = b""
    for attribute, v in attributes:
        if isinstance(v, str):
            v = v.encode("utf-8", "surrogateescape") + b"\0"
        elif isinstance(v, bool):
            v = bytes([v])
        elif isinstance(v, int):
            v = struct.pack(">I", v)
        elif isinstance(v, dict):
            v = values(v)
        body += record(attribute, v)
    return struct.pack(">BBHII", 0, kind, seq, peer, 4 + len(body)) + body


class Message:
    """What a frame says: kind, seq, peer, and its attributes by number; of the wrong form: missing."""

    def __init__(self, kind, seq, peer, body):
        self.kind, self.seq, self.peer, self.body = kind, seq, peer, body
        self.has = {}
        for number, payload in records(body):
            if number in NUMBERS:
                if len(payload) == 4:
                    self.has[number], = struct.unpack(">I", payload)
            elif number in FLAGS:
                if len(payload) == 1:
                    self.has[number] = payload[0]
            elif number in TEXTS:
                if payload[-1:] == b"\0" and payload.count(b"\0") == 1:
                    self.has[number] = payload[:-1].decode("utf-8", "surrogateescape")
            else:
                self.has[number] = payload

    def __getitem__(self, attribute):
        return self.has.get(attribute)

    @property
    def data(self):
        return table(self[A_DATA] or b"")


class Stream:
    """Frames out of a stream of bytes, however it is cut."""

    def __init__(self):
        self.bytes = bytearray()

    def feed(self, data):
        self.bytes += data
        while len(self.bytes) >= 12:
            version, kind, seq, peer, size = struct.unpack_from(">BBHII", self.bytes)
            size &= 0xffffff
            size += -size % 4
            if size < 4 or size - 4 > BODY_MAX:
                raise Malformed("an impossible length")
            if len(self.bytes) < 8 + size:
                return
            body = bytes(self.bytes[12:8 + size])
            del self.bytes[:8 + size]
            if version == 0:
                yield Message(kind, seq, peer, body)


# ---- a client that waits ----

class Failed(Exception):
    def __init__(self, status):
        super().__init__(f"status {status}")
        self.status = status


class Client:
    def __init__(self, path, timeout=10):
        self.stream, self.queue, self.seq = Stream(), [], 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(path)
            self.id = self.read().peer
        except (OSError, EOFError):
            self.socket.close()
            raise

    def close(self):
        self.socket.close()

    def read(self):
        while not self.queue:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("the bus has closed the connection")
            self.queue += self.stream.feed(data)
        return self.queue.pop(0)

    def send(self, kind, peer, *attributes):
        self.seq = self.seq % 65535 + 1
        self.socket.sendall(frame(kind, self.seq, peer, *attributes))
        return self.seq

    def ask(self, kind, peer, *attributes):
        """All that is answered before the status, which is raised unless it is 0.  What comes in between waits in later."""
        seq, answers, later = self.send(kind, peer, *attributes), [], []
        try:
            while True:
                message = self.read()
                if message.seq != seq or message.kind not in (DATA, STATUS):
                    later.append(message)
                elif message.kind == DATA:
                    answers.append(message)
                elif message[A_STATUS]:
                    raise Failed(message[A_STATUS]) if not answers else FailedWith(message[A_STATUS], answers[0])
                else:
                    return answers
        finally:
            self.queue = later + self.queue

    def lookup(self, path):
        return self.ask(LOOKUP, 0, (A_PATH, path))[0][A_OBJECT]

    def objects(self):
        return {m[A_PATH]: table(m[A_SIGNATURE] or b"") for m in self.ask(LOOKUP, 0)}

    def invoke(self, obj, method, arguments=None):
        answers = self.ask(INVOKE, obj, (A_OBJECT, obj), (A_METHOD, method), (A_DATA, arguments or {}))
        return answers[0].data if answers else None

    def call(self, path, method, arguments=None):
        return self.invoke(self.lookup(path), method, arguments)

    def add_object(self, path=None, signature=None):
        attributes = [(A_PATH, path), (A_SIGNATURE, signature or {})] if path else []
        return self.ask(ADD_OBJECT, 0, *attributes)[0][A_OBJECT]

    def subscribe(self, path):
        mine = self.add_object()
        self.ask(SUBSCRIBE, 0, (A_OBJECT, mine), (A_TARGET, self.lookup(path)))
        return mine

    def listen(self, *patterns):
        mine = self.add_object()
        for pattern in patterns:
            self.invoke(1, "register", {"object": struct.unpack(">i", struct.pack(">I", mine))[0], "pattern": pattern})
        return mine

    def event(self, name, data):
        self.invoke(1, "send", {"id": name, "data": data})

    def next_invoke(self):
        """The next call, event or notification, as (message, name, data)."""
        while True:
            message = self.read()
            if message.kind == INVOKE:
                return message, message[A_METHOD], message.data

    def reply(self, message, data=None, status=OK):
        mine = (A_OBJECT, message[A_OBJECT])
        if data is not None:
            self.socket.sendall(frame(DATA, message.seq, message.peer, mine, (A_DATA, data)))
        self.socket.sendall(frame(STATUS, message.seq, message.peer, (A_STATUS, status), mine))

    def notify(self, obj, name, data):
        self.send(NOTIFY, obj, (A_OBJECT, obj), (A_METHOD, name), (A_NO_REPLY, True), (A_DATA, data))


class FailedWith(Failed):
    """A status that is not 0 after data that says more."""

    def __init__(self, status, message):
        super().__init__(status)
        self.data = message.data
