#!/usr/bin/env bash
# Clients that are killed, or stop without a word, at any place: producers of frames in mid-batch and mid-frame, of rings
# in mid-stream and mid-record, subscribers, handshakes. The healthy ones, which send all the while, lose nothing;
# connections and the memory of rings are given back, and every refusal is counted and explained.
source "$(dirname "$0")/lib.sh" "$@"
source "$root/tests/cli/lib_live.sh"

cat >r.tocsin <<'RULES'
event E { k: int, a: int, n: int }
rule pairs { match x: E -> y: E[a == x.a + 1] partition by k emit Pair { k: y.k, a: y.a, n: y.n } }
rule all { from E emit All { k, a, n } }
RULES
cat >limits.toml <<'LIMITS'
[net]
handshake_timeout = "3s"
idle_timeout = "3s"
LIMITS

cat >deaths.py <<'PYTHON'
import os, select, signal, struct, sys
from peers import *

tcp, unix = sys.argv[2:4]


# Healthy ones: they send until there is a file `enough`, and say how many events it was.

def until_enough(send):
    n = 0
    while not os.path.exists("enough"):
        send(n, n + 40)
        n += 40
        select.select([], [], [], 0.02)  # the load: 2,000 events a second each
    return n


def in_frames(k, address, ring):
    client = Frames(address, ring=ring)
    def send(begin, end):
        client.send(k, begin, end, 20)
        client.wait_acknowledged()
    n = until_enough(send)
    client.finish()
    return n


def in_lines(k, address):
    peer = connect(address)
    n = until_enough(lambda begin, end: peer.sendall(lines(k, begin, end)))
    peer.shutdown(socket.SHUT_WR)
    assert to_end(peer) == b""
    return n


def healthy(k, act, *arguments):
    n = act(k, *arguments)
    with open(f"{k}.ndjson", "wb") as file:
        file.write(lines(k, 0, n))


# Those that end; each gets the way to it.

def frames_between_batches(end, k, address):
    client = Frames(address)
    client.send(k, 0, 60, 20)
    end()

def frames_within_a_frame(end, k, address):
    client = Frames(address)
    client.send(k, 0, 60, 20)
    client.wait_acknowledged()  # with something unread its socket would be reset, not ended, and nothing refused
    whole = frame(EVENTS, client.batch(k, 60, 80))
    client.socket.sendall(whole[: len(whole) // 2 + 3])
    end()

def within_the_handshake(end, k, address):
    peer = connect(address)
    peer.sendall(PREFACE + frame(HELLO, b'{"client":"x","types":[]}')[:15])
    end()

def within_a_line(end, k, address):
    peer = connect(address)
    peer.sendall(lines(k, 0, 60) + lines(k, 60, 61)[:20])
    end()

def ring_in_mid_stream(end, k, address):
    client = Frames(address, ring=True)
    client.send(k, 0, 60, 20)
    end()

def ring_within_a_record(end, k, address):
    client = Frames(address, ring=True)
    client.send(k, 0, 60, 20)
    client.ring.begin(client.batch(k, 60, 80))
    end()

def ring_before_it_wakes(end, k, address):
    client = Frames(address, ring=True)
    client.ring.wake_up = os.eventfd(0)  # that nobody looks at
    client.send(k, 0, 60, 20)
    end()

def ring_of_4_gib(end, k, address):
    client = Frames(address, ring=True)
    client.send(k, 0, 60, 20)
    client.ring.publish(struct.pack("<IBBH", 0xFFFFFFF0, EVENTS, 0, 0))
    try:
        client.expect(MATCH)
    except Refusal as refusal:
        assert refusal.code == "protocol", refusal
        end()

def subscriber_of_frames(end, k, address, policy, ring=False):
    client = Frames(address, listens=True, ring=ring)
    client.subscribe(policy=policy, queue_bytes=4096)
    if not ring:
        client.expect(MATCH)
    end()

def subscriber_of_lines(end, k, address):
    peer = connect(address)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.sendall(b'{"subscribe":{"queue_bytes":4096}}\n')
    while b'"rule"' not in peer.recv(4096):
        pass
    end()

def silent(end, k, address):
    peer = connect(address)
    end()

endings = [
    *((act, each) for each in (tcp, unix) for act in (
        frames_between_batches, frames_within_a_frame, within_the_handshake, within_a_line)),
    *((act, unix) for act in (ring_in_mid_stream, ring_within_a_record, ring_before_it_wakes, ring_of_4_gib)),
    *((subscriber_of_frames, each, policy) for each in (tcp, unix) for policy in ("block", "drop_oldest")),
    (subscriber_of_frames, unix, "block", True),
    *((subscriber_of_lines, each) for each in (tcp, unix)),
]
silences = [
    (silent, tcp),
    (within_the_handshake, tcp),
    (frames_between_batches, tcp),
    (frames_within_a_frame, unix),
    (within_a_line, tcp),
    (ring_in_mid_stream, unix),
    (ring_within_a_record, unix),
    (subscriber_of_frames, tcp, "block"),
    (subscriber_of_lines, unix),
]

if sys.argv[1] == "healthy":
    children = [child(healthy, k, in_frames, address, ring)
                for k, (address, ring) in enumerate([(tcp, False), (tcp, False), (unix, False), (unix, True), (unix, True)])]
    children += [child(healthy, k, in_lines, address) for k, address in ((5, tcp), (6, unix))]
    sys.exit(any([os.waitpid(pid, 0)[1] for pid in children]))

how = signal.SIGKILL if sys.argv[1] == "die" else signal.SIGSTOP
k = 1000 if sys.argv[1] == "die" else 2000
pids = []
for act, *arguments in (endings if sys.argv[1] == "die" else silences):
    pids.append(child(act, lambda: os.kill(os.getpid(), how), k, *arguments))
    k += 1
    _, status = os.waitpid(pids[-1], os.WUNTRACED)
    if not (os.WIFSTOPPED(status) or os.WIFSIGNALED(status) and os.WTERMSIG(status) == how):
        sys.exit(f"{act.__name__} {arguments} did not come to its end")
if how == signal.SIGSTOP:
    print(*pids)
PYTHON

# taken FIRST…: the 60 complete events of each of these producers are among the matches of `all`.
taken() {
  local k count
  for k in "$@"; do
    count=$(grep -cF "\"fields\":{\"k\":$k," matches.all) || true
    [[ $count == 60 ]] || fail "of producer $k $count events were taken, not 60"
  done
}
rings() { find "/proc/$service_pid/fd" -lname '*memfd:*' | wc -l; }
has_rings() { [[ $(rings) == "$1" ]]; }
has_descriptors() { [[ $(descriptors) == "$1" ]]; }
descriptors() { find "/proc/$service_pid/fd" -type l | wc -l; }

for shards in ${TOCSIN_TEST_SHARDS:-2}; do
  rm -f enough ./*.ndjson
  start r.tocsin --config limits.toml --shards "$shards" --listen "unix:$work/s"
  before=$(descriptors)
  addresses=("tcp:127.0.0.1:$port" "unix:$work/s")
  python3 deaths.py healthy "${addresses[@]}" >healthy.out 2>&1 &
  producers=$!
  counted 'tocsin_connections{form="frames"} 3' 'tocsin_connections{form="ring"} 2' 'tocsin_connections{form="lines"} 2'
  [[ $(rings) == 4 ]] || fail "two rings should be four memories, not $(rings)"

  python3 deaths.py die "${addresses[@]}" >out 2>&1 || fail 'not all died'
  counted 'tocsin_connections{form="handshake"} 0' 'tocsin_connections{form="frames"} 3' \
    'tocsin_connections{form="ring"} 2' 'tocsin_connections{form="lines"} 2' 'tocsin_subscribers 0' \
    'tocsin_sources_open 7' 'tocsin_input_blocked 0' \
    'tocsin_connections_refused_total{reason="protocol"} 2' 'tocsin_connections_refused_total{reason="handshake"} 2' \
    'tocsin_connections_refused_total{reason="ring"} 1' 'tocsin_connections_refused_total{reason="idle"} 0'
  await 'the memory of the rings of the dead' has_rings 4

  python3 deaths.py stop "${addresses[@]}" >stopped 2>out || fail 'not all stopped'
  counted 'tocsin_connections_refused_total{reason="handshake"} 4' 'tocsin_connections_refused_total{reason="idle"} 7' \
    'tocsin_connections{form="frames"} 3' 'tocsin_connections{form="ring"} 2' 'tocsin_connections{form="lines"} 2' \
    'tocsin_subscribers 0' 'tocsin_sources_open 7' 'tocsin_input_blocked 0'
  await 'the memory of the rings of those that stopped' has_rings 4
  read -ra stopped <stopped
  kill -KILL "${stopped[@]}"

  touch enough
  wait "$producers" || fail "a healthy one failed: $(cat healthy.out)"
  counted 'tocsin_connections{form="frames"} 0' 'tocsin_connections{form="ring"} 0' 'tocsin_connections{form="lines"} 0' \
    'tocsin_sources_open 0'
  counted "tocsin_connections_closed_total $(sed -n 's/^tocsin_connections_accepted_total //p' metrics.now)"
  await 'the memory of all rings' has_rings 0
  await 'every descriptor but those at first' has_descriptors "$before"
  ends TERM 0

  # Every refusal is told, each with its reason.
  [[ $(grep -c 'connection refused' err) == 14 ]] || fail 'not every refusal is in the log'
  has err 'the connection ended within a frame' 'the connection ended before the handshake did' \
    'the handshake was not finished in time' 'nothing came within the idle timeout' 'code=protocol'

  # Of the dead, what was complete is taken; of the healthy ones all, and as from a file.
  grep -F '"rule":"all"' matches >matches.all
  taken 1000 1001 1003 1004 1005 1007 1008 1009 1010 1011 2002 2003 2004 2005 2006
  cat ./[0-9].ndjson >healthy.ndjson
  run 0 run r.tocsin -q --input healthy.ndjson
  fields_of <out | sort >expected
  grep -vE '"k":[12][0-9]{3},' matches | fields_of | sort >found
  [[ $(wc -l <expected) -gt 1000 ]] || fail 'the healthy ones sent too little'
  same found expected
done
