"""The client of Tocsin in Python: sends events to a running `tocsin run`, and gets its matches.

Python 3.11, the standard library, this file; the protocol is docs/protocol.md. It goes over sockets, also under TLS; rings in
shared memory are for the clients in C and C++.

    with tocsin.Client("till 7", "unix:/run/tocsin.sock",
                       types={"Payment": {"card": "string", "amount": "float", "at": "time"}}) as client:
        client.send("Payment", card="4711", amount=12.5, at=time.time_ns())
        client.subscribe(rules=["card_testing"])
        for match in client.matches():
            print(match.rule, match.fields)

Times and durations are int, in ns (times since 1970); a datetime or timedelta is taken too. Enums are their labels, arrays
lists, nulls None. What fails raises Error; what has just not happened in time is a result (False, or None). A client belongs
to one thread at a time, and does nothing between calls: one that has nothing to send calls poll() now and then, which
also sends heartbeats.
"""

import datetime
import functools
import json
import math
import select
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass, field

PREFACE = b"TOCSIN\x01\n"
HELLO, WELCOME, REFUSED, EVENTS, ACK, REJECTED, WATERMARK, HEARTBEAT, SUBSCRIBE, SUBSCRIBED, MATCH, DROPPED, BYE = range(
    1, 14
)

_BATCH_EVENTS = 1024
_BATCH_BYTES = 64 << 10
_MOST_OUT_BYTES = 1 << 20
_MOST_INBOX_BYTES = 16 << 20
_MOST_FRAME_BYTES = 64 << 20
_MOST_REJECTIONS = 1000
_HEADER = struct.Struct("<IBBH")
_EVENT = struct.Struct("<IHHqQ")
_VAR = struct.Struct("<II")


class Error(Exception):
    """What went wrong. `code` is the protocol's ("schema", "shutdown", …) where the server refused or ended the
    connection, else empty."""

    def __init__(self, message, code=""):
        super().__init__(message)
        self.code = code


class Refused(Error):
    """The server did not take the connection."""


class Closed(Error):
    """The connection has ended: by the server (`code`), or because it broke."""


class _Field:
    def __init__(self, name, type_text, slot):
        self.name, self.type, self.slot = name, type_text, slot
        text = type_text
        self.nullable = text.endswith("?")
        text = text.removesuffix("?")
        self.array = text.endswith("[]")
        self.kind = text.removesuffix("[]")
        self.labels = None
        if self.kind.startswith("enum(") and self.kind.endswith(")"):
            self.labels = [label.strip() for label in self.kind[5:-1].split(",")]
            self.kind = "enum"
        if self.kind not in ("bool", "int", "float", "string", "time", "duration", "enum"):
            raise Error(f"the server's field '{name}' has the unknown type {type_text}")


class _Layout:
    """Where the fields of a type lie in its events."""

    def __init__(self, told):
        self.name, self.id, self.fixed_size = told["name"], told["id"], told["fixed_size"]
        self.timestamp = told.get("timestamp")
        self.fields = [_Field(each["name"], each["type"], each["slot"]) for each in told["fields"]]
        self.null_words = (len(self.fields) + 63) // 64
        for each in self.fields:
            if each.slot % 8 or not 8 <= each.slot <= self.fixed_size - 8:
                raise Error(f"the server's layout of {self.name} can't be")
        self.names = {each.name: index for index, each in enumerate(self.fields)}


def _ns(value):
    """An int of ns from what stands for a time or a duration; exact to the microsecond that datetime has."""
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise Error("a datetime needs a time zone")
        value -= datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    if isinstance(value, datetime.timedelta):
        return (value.days * 86_400 + value.seconds) * 1_000_000_000 + value.microseconds * 1000
    return value


def _scalar(of, kind, value):
    """The 8 bytes of a slot, for all kinds but strings."""
    try:
        if kind == "float":
            if not math.isfinite(value):
                raise Error(f"field '{of.name}': a float must be finite")
            return struct.pack("<d", value)
        if kind == "bool":
            if not isinstance(value, bool):
                raise Error(f"field '{of.name}' is bool, got {value!r}")
            return struct.pack("<q", value)
        if kind == "enum":
            if value not in of.labels:
                raise Error(f"field '{of.name}': {value!r} is none of {', '.join(of.labels)}")
            return struct.pack("<q", of.labels.index(value))
        value = _ns(value)
        if isinstance(value, bool):
            raise Error(f"field '{of.name}' is {kind}, got {value!r}")
        return struct.pack("<q", value)
    except (struct.error, TypeError, OverflowError):
        raise Error(f"field '{of.name}' is {kind}, got {value!r}") from None


def _encode(layout, values):
    """One event in the server's layout."""
    event = bytearray(layout.fixed_size)
    nulls = 0
    for index, of in enumerate(layout.fields):
        value = values.get(of.name)
        if value is None:
            if not of.nullable:
                raise Error(f"field '{of.name}' of {layout.name} is not set")
            nulls |= 1 << index
        elif of.array:
            if not isinstance(value, (list, tuple)):
                raise Error(f"field '{of.name}' is {of.type}, got {value!r}")
            event += bytes(-len(event) % 8)
            first = len(event)
            event += bytes(8 * len(value))
            _VAR.pack_into(event, of.slot, first - of.slot, len(value))
            for i, element in enumerate(value):
                _put(event, first + 8 * i, of, element)
        else:
            _put(event, of.slot, of, value)
    event += bytes(-len(event) % 8)
    event[24 : 24 + 8 * layout.null_words] = nulls.to_bytes(8 * layout.null_words, "little")
    struct.pack_into("<IHH", event, 0, len(event), layout.id, 0)
    return bytes(event)


def _put(event, slot, of, value):
    if of.kind != "string":
        event[slot : slot + 8] = _scalar(of, of.kind, value)
        return
    if not isinstance(value, str):
        raise Error(f"field '{of.name}' is {of.type}, got {value!r}")
    text = value.encode()
    _VAR.pack_into(event, slot, len(event) - slot, len(text))
    event += text


def _decode(layout, event):
    """The fields of an event as a dict. Raises struct.error or IndexError where they do not lie in it."""
    nulls = int.from_bytes(event[24 : 24 + 8 * layout.null_words], "little")
    values = {}
    for index, of in enumerate(layout.fields):
        if nulls >> index & 1:
            values[of.name] = None
        elif of.array:
            distance, count = _VAR.unpack_from(event, of.slot)
            first = of.slot + distance
            if first + 8 * count > len(event):
                raise IndexError
            values[of.name] = [_get(event, first + 8 * i, of) for i in range(count)]
        else:
            values[of.name] = _get(event, of.slot, of)
    return values


def _get(event, slot, of):
    if of.kind == "string":
        distance, size = _VAR.unpack_from(event, slot)
        begin = slot + distance
        if begin + size > len(event):
            raise IndexError
        return event[begin : begin + size].decode(errors="replace")
    if of.kind == "float":
        return struct.unpack_from("<d", event, slot)[0]
    number = struct.unpack_from("<q", event, slot)[0]
    if of.kind == "bool":
        return bool(number)
    if of.kind == "enum":
        if number < 0:
            raise IndexError
        return of.labels[number]
    return number


@dataclass
class Event:
    """An event of a match. `type` and `fields` are there where events were asked for."""

    number: int
    step: str
    type: str | None = None
    time_ns: int | None = None
    fields: dict | None = None


@dataclass
class Match:
    """Rule, time, trigger, ordinal and is_timeout name one match."""

    rule: str
    time_ns: int
    trigger: int
    ordinal: int
    is_timeout: bool
    is_cut: bool
    type: str | None = None
    fields: dict = field(default_factory=dict)
    events: list = field(default_factory=list)


def _connect(address, timeout):
    kind, _, rest = address.partition(":")
    rest = rest.removeprefix("//")
    if kind == "unix" and rest:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(timeout)
        try:
            made.connect(rest)
        except BaseException:
            made.close()
            raise
        return made
    host, _, port = rest.rpartition(":")
    if kind != "tcp" or not host or not port.isdigit():
        raise Error(f"'{address}' is no address: tcp:HOST:PORT or unix:PATH")
    made = socket.create_connection((host.removeprefix("[").removesuffix("]"), int(port)), timeout)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _usable(method):
    """A call of a connection that is gone says why it is."""

    @functools.wraps(method)
    def call(self, *arguments, **named):
        if self._ended is not None:
            raise self._ended
        return method(self, *arguments, **named)

    return call


class Client:
    """A connection. `types` are the events that it will send: name to fields, field to type as rule files write it.

    committed, acknowledged and rejected count events; dropped counts matches that this client was too slow for;
    rejections holds (number, sentence) of the last rejected events that the server told."""

    def __init__(
        self, name, address, *, types=None, token=None, source_idle_ms=None, timeout=5.0, tls=None, server_name=None
    ):
        """Connects to tcp:HOST:PORT or unix:PATH, and agrees on the types. `timeout` in seconds, of connecting and
        whatever else must wait. `tls`: an ssl.SSLContext to speak TLS with; `server_name` the name to verify."""
        hello = {"client": name, "types": []}
        if token is not None:
            hello["token"] = token
        if source_idle_ms is not None:
            hello["source_idle_ms"] = source_idle_ms
        for type_name, fields in (types or {}).items():
            hello["types"].append(
                {"name": type_name, "fields": [{"name": each, "type": of} for each, of in fields.items()]}
            )
        self.timeout = timeout
        self.committed = self.acknowledged = self.rejected = self.dropped = 0
        self.rejections = deque(maxlen=_MOST_REJECTIONS)
        self.rules = []
        self._ended = None
        self._welcome = None
        self._in = bytearray()
        self._out = bytearray()
        self._batch = deque()
        self._batch_bytes = 0
        self._numbered = 0
        self._credit_end = 0
        self._inbox = deque()
        self._inbox_bytes = 0
        self._subscriptions = 0
        self._layouts = {}
        self._told = {}
        self._rule_of_id = {}
        self._closing = False
        try:
            self._socket = _connect(address, timeout)
            if tls is not None:
                host = server_name or address.removeprefix("tcp:").removeprefix("//").rpartition(":")[0]
                self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        except OSError as error:
            raise Closed(f"can't connect to {address}: {error}") from None
        self._socket.setblocking(False)
        self._last_sent = self._last_heard = time.monotonic()
        self._out += PREFACE
        self._frame(HELLO, json.dumps(hello).encode())
        try:
            if not self._run_until(lambda: self._welcome, timeout):
                self._end(Closed("the server did not answer in time"))
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None and self._ended is None:
            self.close()
        self._socket.close()

    def fileno(self):
        """The socket, for select: where it is readable, poll() has something to do."""
        return self._socket.fileno()

    # --- events ---

    @_usable
    def send(self, type_name, values=None, /, **fields):
        """Puts an event into the batch, which is sent when it has gathered some, or by flush(). Fields by name, or as a
        dict; those that are not given are null."""
        layout = self._layouts.get(type_name)
        if layout is None:
            raise Error(f"the event type {type_name} was not declared")
        values = {**(values or {}), **fields}
        for name in values:
            if name not in layout.names:
                raise Error(f"{type_name} has no field '{name}'")
        event = _encode(layout, values)
        if len(event) + 16 > self._welcome["max_frame"]:
            raise Error("the event is larger than a frame may be")
        if len(self._batch) >= _BATCH_EVENTS or self._batch_bytes >= _BATCH_BYTES:
            if not self.flush():
                raise Error("the server takes no more events in time; this one was not taken")
        self._batch.append(event)
        self._batch_bytes += len(event)
        self.committed += 1

    @_usable
    def flush(self, timeout=None):
        """Sends what is in the batch. False where the time did not suffice."""
        return self._run_until(lambda: not self._batch and not self._out, timeout)

    @_usable
    def wait_acknowledged(self, timeout=None):
        """The same, and waits until the server has acknowledged all of it."""
        return self._run_until(lambda: self.acknowledged == self.committed, timeout)

    @_usable
    def watermark(self, time_ns):
        """This client has come to that time without an event, behind all that was sent before."""
        sent = self.flush()
        if sent:
            self._frame(WATERMARK, struct.pack("<q", _ns(time_ns)))
            sent = self.flush()
        if not sent:
            raise Error("the server takes no more in time")

    # --- matches ---

    @_usable
    def subscribe(self, rules=None, types=None, policy=None, queue_bytes=None, with_events=False):
        """Subscribes, in place of an earlier subscription; to all rules and types where none are given."""
        wishes = {"with_events": with_events}
        for name, value in (("rules", rules), ("types", types), ("policy", policy), ("queue_bytes", queue_bytes)):
            if value is not None:
                wishes[name] = value
        self._frame(SUBSCRIBE, json.dumps(wishes).encode())
        before = self._subscriptions
        if not self._run_until(lambda: self._subscriptions != before, None):
            raise Error("the server did not answer in time")

    def poll(self, timeout=None):
        """The next Match, or None where none came in time. Raises Closed only when all that came before were given.
        What was committed is sent meanwhile."""
        while True:
            if not self._inbox:
                if self._ended is not None:
                    raise self._ended
                if not self._run_until(lambda: self._inbox, timeout):
                    return None
            kind, payload = self._inbox.popleft()
            self._inbox_bytes -= len(payload)
            if kind == SUBSCRIBED:
                self._take_subscribed(payload)
            else:
                return self._take_match(payload)

    def matches(self):
        """Matches as they come, until the server stops."""
        try:
            while True:
                match = self.poll(60)
                if match is not None:
                    yield match
        except Closed as end:
            if end.code not in ("done", "shutdown"):
                raise

    # --- the end ---

    @_usable
    def close(self):
        """Sends what is in the batch, says BYE, and waits until the server has taken everything and says so too. What matches
        come meanwhile poll() gives afterwards."""
        self._closing = True
        try:
            if not self.flush():
                raise Error("the server takes no more events in time")
            self._frame(BYE, b'{"code":"done","message":""}')
            self._run_until(lambda: False, None)
            raise Error("the server did not answer in time")
        except Closed as end:
            if end.code != "done":
                raise
            if self.acknowledged != self.committed:
                raise Closed("the server ended without taking all events") from None
        finally:
            self._socket.close()
            if self._ended is None:
                self._ended = Closed("the client was closed")

    # --- what goes on below ---

    def _end(self, error):
        self._socket.close()
        self._ended = error
        raise error

    def _frame(self, kind, payload):
        self._out += _HEADER.pack(len(payload), kind, 0, 0) + payload + bytes(-len(payload) % 8)

    def _run_until(self, done, timeout):
        """Writes what can be written, reads what has come, looks whether `done()` holds, sleeps. False where the time has
        passed, or where nothing more is read as matches wait to be polled."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            now = time.monotonic()
            beat = self._welcome["heartbeat_ms"] / 1000 if self._welcome else 0
            if beat and not self._out and now >= self._last_sent + beat:
                self._frame(HEARTBEAT, bytes(8))
            reads = self._closing or self._inbox_bytes < _MOST_INBOX_BYTES
            broken = self._write()
            worked = False
            try:
                worked = reads and self._read()
                while broken and worked:
                    worked = self._read()
            except Closed:
                if not done():
                    raise
            if done():
                return True
            if broken:
                self._end(Closed(f"the connection broke: {broken}"))
            if worked:
                continue
            now = time.monotonic()
            if now >= deadline or (not reads and not self._out):
                return False
            wake = deadline
            if beat:
                if now >= self._last_heard + 3 * beat:
                    self._end(Closed("nothing came from the server for too long"))
                wake = min(wake, self._last_sent + beat, self._last_heard + 3 * beat)
            waits = [self._socket] if reads else []
            select.select(waits, [self._socket] if self._out else [], [], max(0, wake - now))

    def _frame_events(self):
        """Puts events into frames, as far as the server takes more."""
        while self._batch and self._numbered < self._credit_end and len(self._out) < _MOST_OUT_BYTES:
            events = []
            size = 16
            while (
                self._batch
                and self._numbered + len(events) < self._credit_end
                and size + len(self._batch[0]) <= self._welcome["max_frame"]
            ):
                size += len(self._batch[0])
                events.append(self._batch.popleft())
            self._frame(EVENTS, struct.pack("<QII", self._numbered + 1, len(events), 0) + b"".join(events))
            self._numbered += len(events)
            self._batch_bytes -= size - 16

    def _write(self):
        """Returns the error where the connection can't be written any more."""
        if self._welcome:
            self._frame_events()
        while self._out:
            try:
                sent = self._socket.send(self._out)
            except (BlockingIOError, InterruptedError):
                return None
            except OSError as error:
                if type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError"):
                    return None
                return error
            del self._out[:sent]
            self._last_sent = time.monotonic()
        return None

    def _read(self):
        """One read of the socket, and all frames that it completes. False where there was nothing."""
        try:
            data = self._socket.recv(256 << 10)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            if type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError"):
                return False
            self._end(Closed(f"the connection broke: {error}"))
        if not data:
            self._end(Closed("the server closed the connection"))
        self._last_heard = time.monotonic()
        self._in += data
        at = 0
        while len(self._in) - at >= 8:
            length, kind, flags, reserved = _HEADER.unpack_from(self._in, at)
            if not 1 <= kind <= 14 or flags or reserved or length > _MOST_FRAME_BYTES:
                self._end(Error("the server sent no frame"))
            if len(self._in) - at < 8 + length + -length % 8:
                break
            payload = bytes(self._in[at + 8 : at + 8 + length])
            at += 8 + length + -length % 8
            try:
                self._take(kind, payload)
            except (struct.error, ValueError, KeyError, TypeError, AttributeError):
                self._end(Error(f"the server sent a wrong frame of type {kind}"))
        del self._in[:at]
        return True

    def _take(self, kind, payload):
        if self._welcome is None and kind not in (WELCOME, REFUSED):
            raise ValueError
        if kind == ACK:
            number, self.rejected, window, _ = struct.unpack("<QQII", payload)
            if not self.acknowledged <= number <= self._numbered:
                raise ValueError
            self.acknowledged = number
            self._credit_end = number + window
        elif kind == MATCH or (kind == SUBSCRIBED and self._inbox):
            self._subscriptions += kind == SUBSCRIBED
            self._inbox.append((kind, payload))
            self._inbox_bytes += len(payload)
        elif kind == SUBSCRIBED:
            self._subscriptions += 1
            self._take_subscribed(payload)
        elif kind == REJECTED:
            self.rejections.append((struct.unpack_from("<Q", payload)[0], payload[8:].decode()))
        elif kind == DROPPED:
            (self.dropped,) = struct.unpack("<Q", payload)
        elif kind == BYE:
            told = json.loads(payload)
            self._end(Closed(told.get("message") or "the connection is closed", told["code"]))
        elif kind == REFUSED:
            told = json.loads(payload)
            self._end(Refused(told.get("message", ""), told["code"]))
        elif kind == WELCOME and self._welcome is None:
            told = json.loads(payload)
            self.rules = told["rules"]
            self._layouts = {each["name"]: _Layout(each) for each in told["types"]}
            self._credit_end = told["window"]
            self._welcome = {"max_frame": told["max_frame"], "heartbeat_ms": told["heartbeat_ms"]}
        elif kind != HEARTBEAT:
            raise ValueError

    def _take_subscribed(self, payload):
        told = json.loads(payload)
        self._told = {each["id"]: _Layout(each) for each in told["types"]}
        self._rule_of_id = {each["id"]: each for each in told["rules"]}
        self.rules = [each["name"] for each in told["rules"]]

    def _take_match(self, payload):
        try:
            rule_id, flags, time_ns, trigger, ordinal, count, _ = struct.unpack_from("<IIqQIIQ", payload)
            rule = self._rule_of_id[rule_id]
            match = Match(rule["name"], time_ns, trigger, ordinal, bool(flags & 1), bool(flags & 4))
            steps = rule["steps"]
            if 40 + 16 * count > len(payload):
                raise IndexError
            for i in range(count):
                number, step, _ = struct.unpack_from("<QII", payload, 40 + 16 * i)
                match.events.append(Event(number, steps[step]["name"] if step < len(steps) else ""))
            at = 40 + 16 * count
            emitted, _ = _VAR.unpack_from(payload, at)
            at += 8
            if emitted:
                match.type, _, match.fields, size = self._take_event(payload, at)
                at += size
            if flags & 2:
                for event in match.events:
                    event.type, event.time_ns, event.fields, size = self._take_event(payload, at)
                    at += size
            return match
        except (struct.error, IndexError, KeyError):
            self._end(Error("the server sent a wrong match"))

    def _take_event(self, payload, at):
        size, type_id, _, time_ns, _ = _EVENT.unpack_from(payload, at)
        layout = self._told[type_id]
        if size < layout.fixed_size or at + size > len(payload):
            raise IndexError
        return layout.name, time_ns, _decode(layout, payload[at : at + size]), size
