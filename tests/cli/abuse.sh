#!/usr/bin/env bash
# Ten producers at once, each a process, between peers that misbehave: random bytes, a frame of 4 GiB, handshakes that
# never end, a thousand idle connections, a subscriber that does not read, producers killed in mid-line. Nothing that
# the healthy ones send is lost, and every refusal is counted.
source "$(dirname "$0")/lib.sh" "$@"
service_pid=
trap 'if [[ -n $service_pid ]]; then kill -KILL "$service_pid" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
ulimit -n 4096 2>/dev/null || { echo 'too few descriptors for a thousand connections'; exit 77; }

cat >r.tocsin <<'RULES'
event E { k: int, a: int, at: time(ms) @timestamp }
rule pairs { match x: E -> y: E[a == x.a + 1] partition by k emit Pair { k: y.k, a: y.a } }
rule all { from E emit All { k, a } }
RULES

cat >peers.py <<'PYTHON'
import os, random, signal, socket, subprocess, sys, time

port = int(sys.argv[2])
address = ("127.0.0.1", port)

def events(k):
    return "".join('{"type":"E","k":%d,"a":%d,"at":%d}\n' % (k, n % 50, n) for n in range(3000)).encode()

if sys.argv[1] == "produce":
    k = int(sys.argv[3])
    connection = socket.create_connection(address)
    data = events(k)
    for begin in range(0, len(data), 7919):
        connection.sendall(data[begin:begin + 7919])
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):  # until the server has taken all and closes
        pass
    sys.exit()
if sys.argv[1] == "die":
    connection = socket.create_connection(address)
    connection.sendall(b'{"type":"E","k":1000,"a":1,"at":1}\n{"type":"E","k":1000,"a":')
    os.kill(os.getpid(), signal.SIGKILL)

random.seed(7)
idle = [socket.create_connection(address) for _ in range(1000)]
deaf = socket.create_connection(address)
deaf.sendall(b'{"subscribe":{"policy":"drop_oldest","queue_bytes":65536}}\n')
preface = b"TOCSIN\x01\n"
refused = []
for begin in (preface + b"\xff\xff\xff\xff\x04\x00\x00\x00", preface + os.urandom(100), b"TOCSIN\x09\n" + b"\0" * 8,
              preface + b"\x02\x00\x00\x00\x01\x00\x00\x00{}\0\0\0\0\0\0"):
    peer = socket.create_connection(address)
    peer.sendall(begin)
    refused.append(peer)
unfinished = socket.create_connection(address)
unfinished.sendall(preface + b"\x10\x00\x00\x00\x01")
noise = socket.create_connection(address)
noise.sendall(bytes(random.randrange(256) for _ in range(20000)) + b"\n")

producers = [subprocess.Popen([sys.executable, __file__, "produce", str(port), str(k)]) for k in range(10)]
for _ in range(5):
    subprocess.Popen([sys.executable, __file__, "die", str(port)]).wait()
failed = [each for each in producers if each.wait() != 0]
for peer in refused:
    peer.settimeout(30)
    answer = b""
    while True:
        try:
            piece = peer.recv(4096)
        except ConnectionResetError:
            break
        if not piece:
            break
        answer += piece
    if b'"code":' not in answer:
        sys.exit("a refusal without a reason: %r" % answer)
sys.exit("producers failed" if failed else 0)
PYTHON

# With this lateness it does not matter which producer is quicker.
"$tocsin" run r.tocsin --lateness 1h --listen tcp:127.0.0.1:0 --metrics tcp:127.0.0.1:0 --ready-file ready >matches 2>err &
service_pid=$!
mkfifo never
until [[ -s ready ]]; do
  kill -0 "$service_pid" 2>/dev/null || fail 'the service has ended'
  read -rt 0.02 <>never || true
done
port=$(sed -n 's/^listen tcp:127.0.0.1://p' ready)
python3 peers.py abuse "$port" >out 2>&1 || fail 'the peers failed'
exec 6<>"/dev/tcp/127.0.0.1/$(sed -n 's/^metrics tcp:127.0.0.1://p' ready)"
printf 'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&6
cat <&6 >metrics
exec 6>&-
grep -E '^tocsin_connections_refused_total' metrics >out || true
has out 'tocsin_connections_refused_total{reason="version"} 1' 'tocsin_connections_refused_total{reason="protocol"} 3'
resident=$(awk '$1 == "tocsin_resident_memory_bytes" { print int($2 / 1048576) }' metrics)
[[ $resident -lt 600 ]] || fail "$resident MB are resident"
kill "$service_pid"
wait "$service_pid" || fail "the service ended with $?"
service_pid=

for k in {0..9}; do
  for ((n = 0; n < 3000; n++)); do echo "{\"type\":\"E\",\"k\":$k,\"a\":$((n % 50)),\"at\":$n}"; done >"$k.ndjson"
  "$tocsin" run r.tocsin --input "$k.ndjson" -q
done | sed -E 's/,"seqs":.*//' | sort >expected
grep -vF '"k":1000' matches | sed -E 's/,"seqs":.*//' | sort >found
same found expected
