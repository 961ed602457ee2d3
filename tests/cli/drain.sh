#!/usr/bin/env bash
# SIGTERM with subscribers that do not read: the service ends within its drain time, says how many matches are lost and
# ends with 1; who reads gets every match up to the last, with one shard and with several.
source "$(dirname "$0")/lib.sh" "$@"
source "$root/tests/cli/lib_live.sh"

cat >r.tocsin <<'RULES'
event E { n: int, text: string, at: time(ms) @timestamp }
rule all { from E emit All { n, text } }
RULES
cat >drain.py <<'PYTHON'
# drain.py PORT PID POLICY: subscribes twice, once without ever reading on, sends events until the one that does not
# read has more than sockets hold, has the service stopped, and says how many matches the other one got and how many
# events were sent.
import json, os, signal, socket, sys, threading, time

port, pid, policy = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

def subscriber(wishes, buffer):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.connect(("127.0.0.1", port))
    connection.sendall(b'{"subscribe":%s}\n' % json.dumps(wishes).encode())
    lines = connection.makefile("rb")
    assert b"subscribed" in lines.readline()
    return connection, lines

deaf = subscriber({"policy": policy, "queue_bytes": 32 << 20}, 4096)
reader, lines = subscriber({"policy": "block"}, 1 << 20)
got = []
def read():
    for line in lines:
        if line.startswith(b'{"rule"'):
            got.append(json.loads(line)["fields"]["n"])
thread = threading.Thread(target=read)
thread.start()
producer = socket.create_connection(("127.0.0.1", port))
sent = 20000
text = "x" * 500
for n in range(sent):
    producer.sendall(b'{"type":"E","n":%d,"text":"%s","at":%d}\n' % (n, text.encode(), n))
producer.shutdown(socket.SHUT_WR)
while producer.recv(4096):  # all is taken
    pass
os.kill(pid, signal.SIGTERM)
thread.join()
try:
    while True:  # the deaf one stays until the service has gone
        os.kill(pid, 0)
        time.sleep(0.02)
except ProcessLookupError:
    pass
print(sent, len(got), got == list(range(sent)))
PYTHON

for shards in 1 3; do
  # Within the drain time where that is short, else when a second has passed in which the subscriber took nothing.
  for drain in 600ms 30s; do
    start r.tocsin --output none --shards "$shards" --drain "$drain"
    begin=$SECONDS
    python3 drain.py "$port" "$service_pid" drop_oldest >out &
    peers=$!
    ended 1
    wait "$peers" || fail 'the peers failed'
    [[ $((SECONDS - begin)) -lt 25 ]] || fail 'that took too long'
    has out '20000 20000 True'
    grep -qE 'error +subscribers did not take all their matches in time lost=[1-9][0-9]{3}' err || fail 'the loss is not told'
  done
done

# Everybody has what is theirs: nothing is lost, and nothing is said.
start r.tocsin --output none --shards 3 --drain 30s
exec 5<>"/dev/tcp/127.0.0.1/$port"
printf '{"subscribe":{}}\n{"type":"E","n":1,"text":"","at":1}\n' >&5
read -r line <&5
read -r line <&5
kill -TERM "$service_pid"
cat <&5 >rest
exec 5>&-
ended 0
[[ $line == '{"rule":"all"'* ]] || fail "no match, but $line"
lacks err 'did not take'
