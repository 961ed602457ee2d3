"""Peers of a server for the scripts beside it, no more than docs/protocol.md says: lines, frames, and the ring of a
producer, byte by byte, so that they can stop anywhere. All send events of `event E { k: int, a: int, n: int }`, whose
time is that of their arrival: event n of the producer k."""

import json
import mmap
import os
import socket
import struct
import traceback

PREFACE = b"TOCSIN\x01\n"
HELLO, WELCOME, REFUSED, EVENTS, ACK = 1, 2, 3, 4, 5
HEARTBEAT, SUBSCRIBE, SUBSCRIBED, MATCH, BYE, RING = 8, 9, 10, 11, 13, 14


def connect(address, wrap=None):
    """tcp:HOST:PORT or unix:PATH; `wrap` makes TLS of it."""
    kind, _, rest = address.partition(":")
    if kind == "unix":
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.connect(rest)
    else:
        host, _, port = rest.rpartition(":")
        made = socket.create_connection((host, int(port)))
        # Else the kernel keeps small frames back, and throws them away where a peer dies with an ACK unread.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.settimeout(60)
    return wrap(made) if wrap else made


def lines(k, begin, end):
    return "".join('{"type":"E","k":%d,"a":%d,"n":%d}\n' % (k, n % 50, n) for n in range(begin, end)).encode()


def frame(kind, payload):
    return struct.pack("<IBBH", len(payload), kind, 0, 0) + payload + bytes(-len(payload) % 8)


def to_end(peer):
    """What comes until the server closes."""
    answer = b""
    while True:
        try:
            piece = peer.recv(65536)
        except ConnectionResetError:
            return answer
        if not piece:
            return answer
        answer += piece


def child(act, *arguments):
    """A process that does so, and ends: with 0, or with 1 and its trace on stderr."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        act(*arguments)
        status = 0
    except BaseException:
        traceback.print_exc()
    os._exit(status)


class Refusal(Exception):
    def __init__(self, payload):
        super().__init__(payload)
        self.code = json.loads(payload)["code"]


class Frames:
    """A client in frames; with `ring` its events go into a ring."""

    def __init__(self, address, *, name="peer", ring=False, listens=False, token=None, wrap=None):
        fields = [{"name": name, "type": "int"} for name in ("k", "a", "n")]
        hello = {"client": name, "types": [] if listens else [{"name": "E", "fields": fields}]}
        if token is not None:
            hello["token"] = token
        if ring:
            hello |= {"transport": "ring", "ring_bytes": 65536}
        self.with_ring = ring
        self.buffer = b""
        self.descriptors = []
        self.sent = self.acknowledged = 0
        self.socket = connect(address, wrap)
        self.socket.sendall(PREFACE + frame(HELLO, json.dumps(hello).encode()))
        welcome = json.loads(self.expect(WELCOME))
        if not listens:
            self.layout = welcome["types"][0]
            self.slots = {field["name"]: field["slot"] for field in self.layout["fields"]}
        if ring:
            self.expect(RING)
            self.ring = Ring(self.descriptors[0], self.descriptors[2])

    def read(self):
        """The next frame as (type, payload), or None where the connection has ended."""
        while True:
            if len(self.buffer) >= 8:
                length, kind = struct.unpack_from("<IB", self.buffer)
                whole = 8 + length + -length % 8
                if len(self.buffer) >= whole:
                    payload, self.buffer = self.buffer[8 : 8 + length], self.buffer[whole:]
                    return kind, payload
            if self.with_ring:
                piece, descriptors, _, _ = socket.recv_fds(self.socket, 65536, 3)
                self.descriptors += descriptors
            else:
                piece = self.socket.recv(65536)
            if not piece:
                return None
            self.buffer += piece

    def expect(self, wanted):
        """The payload of the next frame of that type; others are passed over but for ACK, which counts."""
        while True:
            came = self.read()
            if came is None:
                raise EOFError("the server has closed")
            kind, payload = came
            if kind == ACK:
                self.acknowledged = struct.unpack_from("<Q", payload)[0]
            if kind == wanted:
                return payload
            if kind in (REFUSED, BYE):
                raise Refusal(payload)

    def batch(self, k, begin, end):
        """The payload of EVENTS for the events begin … end - 1."""
        size = self.layout["fixed_size"]
        payload = bytearray(struct.pack("<QII", self.sent + 1, end - begin, 0))
        self.sent += end - begin
        for n in range(begin, end):
            event = bytearray(size)
            struct.pack_into("<IH", event, 0, size, self.layout["id"])
            for name, value in (("k", k), ("a", n % 50), ("n", n)):
                struct.pack_into("<q", event, self.slots[name], value)
            payload += event
        return bytes(payload)

    def send(self, k, begin, end, at_once=100):
        """Sends them in frames or records of `at_once` events."""
        for first in range(begin, end, at_once):
            payload = self.batch(k, first, min(first + at_once, end))
            if self.with_ring:
                while not self.ring.has_room(len(payload)):
                    self.expect(ACK)
                self.ring.put(EVENTS, payload)
            else:
                self.socket.sendall(frame(EVENTS, payload))

    def wait_acknowledged(self):
        while self.acknowledged < self.sent:
            self.expect(ACK)

    def heartbeat(self):
        self.socket.sendall(frame(HEARTBEAT, bytes(8)))

    def subscribe(self, **wishes):
        self.socket.sendall(frame(SUBSCRIBE, json.dumps(wishes).encode()))
        self.expect(SUBSCRIBED)

    def finish(self):
        """BYE, and the server's own."""
        self.socket.sendall(frame(BYE, b"{}"))
        bye = json.loads(self.expect(BYE))
        assert bye["code"] == "done", bye
        while self.read() is not None:
            pass


class Ring:
    """The producer's side. The stores of one thread come in order where this runs (x86), and it wakes the server up at
    every record, so that it needs no barrier."""

    def __init__(self, memory, wake_up):
        self.bytes = memoryview(mmap.mmap(memory, os.fstat(memory).st_size))
        self.words = self.bytes.cast("Q")
        assert bytes(self.bytes[:8]) == b"TOCRING\x01"
        self.capacity = self.words[1]
        self.wake_up = wake_up
        self.tail = 0

    def has_room(self, length):
        return self.tail + 8 + length + -length % 8 + 8 - self.words[16] <= self.capacity

    def write(self, place, data):
        """As if the memory lay twice in a row."""
        at = place % self.capacity
        first = data[: self.capacity - at]
        self.bytes[4096 + at : 4096 + at + len(first)] = first
        if len(first) < len(data):
            self.write(place + len(first), data[len(first) :])

    def begin(self, payload):
        """All of a record but the word that makes it one."""
        padded = payload + bytes(-len(payload) % 8)
        self.write(self.tail + 8, padded + bytes(8))
        return 8 + len(padded)

    def publish(self, header):
        self.words[(4096 + self.tail % self.capacity) // 8] = struct.unpack("<Q", header)[0]
        os.eventfd_write(self.wake_up, 1)

    def put(self, kind, payload):
        size = self.begin(payload)
        self.publish(struct.pack("<IBBH", len(payload), kind, 0, 0))
        self.tail += size
