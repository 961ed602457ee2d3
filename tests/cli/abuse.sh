#!/usr/bin/env bash
# Ten producers at once, each a process, in frames, lines and rings, over TCP and a Unix socket, between peers that
# misbehave: random bytes, a frame of 4 GiB, handshakes that never end, a thousand idle connections, frames and lines
# that lack their last byte, subscribers that do not read. Nothing that the healthy ones send is lost, every refusal is
# counted, and the server's memory stays within its limits. Those that die are in deaths.sh.
source "$(dirname "$0")/lib.sh" "$@"
source "$root/tests/cli/lib_live.sh"
ulimit -n 4096 2>/dev/null || { echo 'too few descriptors for a thousand connections'; exit 77; }

idle=1000 hoarders=100 deaf=10 rings=3 queue=$((256 << 10)) longest=$((256 << 10)) ring=$((64 << 10))
cat >r.tocsin <<'RULES'
event E { k: int, a: int, n: int }
rule pairs { match x: E -> y: E[a == x.a + 1] partition by k emit Pair { k: y.k, a: y.a, n: y.n } }
rule all { from E emit All { k, a, n } }
RULES
cat >limits.toml <<LIMITS
[net]
handshake_timeout = "10m"
max_frame = "$((longest >> 10))KiB"
max_line = "$((longest >> 10))KiB"
LIMITS

cat >abuse.py <<'PYTHON'
import os, random, sys
from peers import *

tcp, unix = sys.argv[1:3]
idle, hoarders, deaf, queue, longest = map(int, sys.argv[3:])


def in_frames(k, address, ring=False):
    client = Frames(address, ring=ring)
    client.send(k, 0, 3000, 70)
    client.wait_acknowledged()
    client.finish()


def in_lines(k, address):
    peer = connect(address)
    data = lines(k, 0, 3000)
    for begin in range(0, len(data), 7919):
        peer.sendall(data[begin : begin + 7919])
    peer.shutdown(socket.SHUT_WR)
    to_end(peer)  # until the server has taken all and closes


random.seed(7)
# One list, so that all live until the producers have ended.
peers = [connect(tcp) for _ in range(idle)]
for i in range(deaf):
    peer = connect((tcp, unix)[i % 2])
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.sendall(b'{"subscribe":{"policy":"drop_oldest","queue_bytes":%d}}\n' % queue)
    assert b"subscribed" in peer.recv(100)
    peers.append(peer)
for i in range(hoarders):
    peer = connect((tcp, unix)[i % 2])
    peer.sendall(b" " * (longest - 1))
    peers.append(peer)
    client = Frames((tcp, unix)[i // 2 % 2])
    client.socket.sendall(frame(EVENTS, bytes(longest))[:-1])
    peers.append(client)
refused = []
for begin in (PREFACE + b"\xff\xff\xff\xff\x04\x00\x00\x00", PREFACE + random.randbytes(100), b"TOCSIN\x09\n" + bytes(8),
              PREFACE + frame(HELLO, b"{}")):
    peer = connect(tcp)
    peer.sendall(begin)
    refused.append(peer)
unfinished = connect(tcp)
unfinished.sendall(PREFACE + b"\x10\x00\x00\x00\x01")
noise = connect(tcp)
noise.sendall(random.randbytes(20000) + b"\n")

producers = [
    *(child(in_frames, k, address) for k, address in enumerate((tcp, tcp, unix, unix))),
    *(child(in_lines, k, address) for k, address in enumerate((tcp, tcp, unix), 4)),
    *(child(in_frames, k, unix, True) for k in (7, 8, 9)),
]
failed = [k for k, pid in enumerate(producers) if os.waitpid(pid, 0)[1] != 0]
for peer in refused:
    answer = to_end(peer)
    assert b'"code":' in answer, answer
sys.exit(f"producers failed: {failed}" if failed else 0)
PYTHON

python3 -c 'import sys; from peers import *; sys.stdout.buffer.write(b"".join(lines(k, 0, 3000) for k in range(10)))' \
  >all.ndjson
run 0 run r.tocsin -q --input all.ndjson
fields_of <out | sort >expected

# What the limits allow besides the engine's batches and state (32 MB and 8 a shard): who says nothing costs next to
# nothing, who speaks two reads of 16 KiB, a frame its length, a line twice that as its buffer doubles, as do queues;
# and a client has two rings.
allowed_kib=$((2 * idle + 32 * (2 * hoarders + deaf + 20) + hoarders * 3 * (longest >> 10) + deaf * 2 * (queue >> 10) +
  rings * 2 * (ring >> 10)))
memory() { awk -v what="$1:" '$1 == what { print int($2 / 1024) }' "/proc/$service_pid/status"; }

for shards in ${TOCSIN_TEST_SHARDS:-1 2 4}; do
  start r.tocsin --config limits.toml --shards "$shards" --listen "unix:$work/s"
  before=$(memory VmHWM)
  python3 abuse.py "tcp:127.0.0.1:$port" "unix:$work/s" $idle $hoarders $deaf $queue $longest >out 2>&1 ||
    fail 'the peers failed'
  counted 'tocsin_connections_refused_total{reason="version"} 1' 'tocsin_connections_refused_total{reason="protocol"} '$((3 + hoarders)) \
    'tocsin_connections{form="ring"} 0' 'tocsin_events_total 30000'
  [[ $(sed -n 's/^tocsin_dropped_matches_total //p' metrics.now) -gt 0 ]] || fail 'no queue was ever full'
  most=$(memory VmHWM)
  allowed=$((before + 32 + 8 * shards + allowed_kib / 1024))
  echo "$shards shards: $before MB at first, $most MB at most, $allowed allowed"
  is_sanitized || [[ $most -le $allowed ]] || fail "$most MB were resident, and $allowed are allowed"
  ends TERM 0
  fields_of <matches | sort >found
  same found expected
done
