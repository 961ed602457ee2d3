#!/usr/bin/env bash
# The live service end to end: events over connections, the same matches as from a file, reload, SIGTERM, the
# second one, metrics, top, tap, sockets that are stale or in use.
source "$(dirname "$0")/lib.sh" "$@"
source "$root/tests/cli/lib_live.sh"

cat >r.tocsin <<'RULES'
event E { k: int, a: int, at: time(ms) @timestamp }
rule pairs { match x: E -> y: E[a == x.a + 1] partition by k emit Pair { k: y.k, a: y.a } }
rule big { from E[a >= 900] emit Big { a } }
RULES
for ((n = 0; n < 5000; n++)); do echo "{\"type\":\"E\",\"k\":$((n % 7)),\"a\":$((n % 1000)),\"at\":$n}"; done >e.ndjson
run 0 run r.tocsin --input e.ndjson
cp out expected
[[ -s expected ]] || fail 'the file run finds nothing'

taken() { "$tocsin" top --control c.sock --once --json --interval 1ms | grep -qF "\"events\":$1,"; }

# All that was sent before SIGTERM is matched, with one shard and with several.
for shards in 1 3; do
  start r.tocsin --shards "$shards"
  has err 'listening addresses=tcp:127.0.0.1:' "rules=2"
  exec 5>"/dev/tcp/127.0.0.1/$port"
  cat e.ndjson >&5
  exec 5>&-
  await 'the last event' taken 5000
  get /metrics >answer
  has answer '# TYPE tocsin_detection_seconds histogram' 'tocsin_detection_seconds_bucket{le="2e-05"} ' 'tocsin_detection_seconds_sum'
  batches=$(tr -d '\r' <answer | sed -n 's/^tocsin_detection_seconds_count //p')
  [[ $batches -gt 0 ]] || fail 'no batch was timed'
  has answer "tocsin_detection_seconds_bucket{le=\"+Inf\"} $batches"
  ends TERM 0
  has err 'stopping by=SIGTERM' 'stopped events=5000'
  same matches expected
  [[ ! -e c.sock && ! -e ready ]] || fail 'the service leaves its socket or its ready file behind'
done

# What was sent but not read yet when the signal comes is taken as well.
start r.tocsin
exec 5>"/dev/tcp/127.0.0.1/$port"
cat e.ndjson >&5
ends TERM 0
exec 5>&-
same matches expected

# Files are read in between; the service goes on after their end.
start r.tocsin --input e.ndjson
await 'the end of the file' taken 5000
get /readyz >answer
has answer '200 OK' ready
ends INT 0
same matches expected

# --stats at the end of a service as at the end of a run, of the rules that ran last; --quiet leaves errors only.
start r.tocsin --input e.ndjson --stats=json --quiet
await 'the end of the file' taken 5000
exec 5>"/dev/tcp/127.0.0.1/$port"
printf '{"type":"E","k":1,"a":1,"at":1}\n{"type":"E","k":1,"a":1,"at":5001}\nnonsense\n' >&5
await 'another event' taken 5001
exec 5>&-
echo 'rule added { from E[a == 77] emit Added { a } }' >a.tocsin
run 0 rules --control c.sock --add more --from a.tocsin
run 0 rules --control c.sock --remove more
ends TERM 0
lines err 1
has err '{"events":5001,' '"rules":[{"rule":"pairs","events":5001,' '{"rule":"big","events":' \
  '"inputs":[{"input":"e.ndjson","events":5000,"late":0,' '{"input":"connections","events":1,"late":1,' '"bad_records":1}]}'
lacks err added
start r.tocsin --stats
ends TERM 0
has err 'stopped events=0' 'held at the end' 'bad records'

# stdin, without a writer for a while.
mkfifo pipe
start r.tocsin --input pipe
exec 7>pipe
head -n 10 e.ndjson >&7
await 'ten events' taken 10
exec 7>&-
await 'the end of the pipe' grep -qF 'an input has ended' err
get /metrics >answer
has answer 'tocsin_events_total 10' 'tocsin_rule_events_total{rule="pairs"}' 'tocsin_rule_matches_total{rule="big"} 0' \
  'tocsin_connections{form="lines"} 0' 'tocsin_resident_memory_bytes' '# TYPE tocsin_late_events_total counter'
get /nothing >answer
has answer '404 Not Found'

# Reload, good and bad; what is the same keeps its state.
exec 5<>"/dev/tcp/127.0.0.1/$port"
printf '{"type":"E","k":1,"a":10,"at":100}\n' >&5
await 'one more event' taken 11
sed -i 's/900/11/' r.tocsin
run 0 reload --control c.sock
has out '2 rules run now'
printf '{"type":"E","k":1,"a":11,"at":101}\n' >&5
await 'the match over a reload' grep -qF '"type":"Pair","at":"1970-01-01T00:00:00.101Z","fields":{"k":1,"a":11}' matches
await 'the match of the new rule' grep -qF '"type":"Big"' matches
sed -i 's/a >= 11/b >= 11/' r.tocsin
run 1 reload --control c.sock
has err "r.tocsin:3:" "error: unknown field 'b' of E"
cp r.tocsin bad.tocsin
kill -HUP "$service_pid"
counted 'tocsin_failed_reloads_total 2'
run 0 rules --control c.sock
has out 'pairs -> Pair' 'big -> Big'
echo 'rule added { from E[a == 77] emit Added { a } }' >a.tocsin
run 1 rules --control c.sock --add more --from a.tocsin # as r.tocsin is still wrong
sed -i 's/b >= 11/a >= 11/' r.tocsin
run 0 rules --control c.sock --add more --from a.tocsin
has out '3 rules run now'
"$tocsin" tap added --control c.sock --count 1 >tapped &
tap=$!
tapping() { printf '{"type":"E","k":3,"a":77,"at":200}\n' >&5 && [[ -s tapped ]]; }
await 'a tapped match' tapping
wait "$tap" || fail 'tap failed'
has tapped '{"rule":"added","type":"Added"'
run 1 tap aded --control c.sock
has err "there is no rule 'aded'; did you mean 'added'?"
run 0 rules --control c.sock --remove more
run 1 rules --control c.sock --remove more
has err "nothing was added under the name 'more'"

run 0 top --control c.sock --once --json --interval 10ms
has out '"state":"running"' '"detection_p50_ns":' '"detection_p99_ns":' '"rules":[{"rule":"pairs","events":' '"events_per_second":' '"connections":1'
run 0 top --control c.sock --once --interval 10ms
has out 'running, up' 'events/s' 'pairs'
lacks out $'\x1b'

# An address in use, a control socket in use.
run 1 run r.tocsin --listen "tcp:127.0.0.1:$port" --input e.ndjson
has err "127.0.0.1:$port"
run 1 run r.tocsin --listen tcp:127.0.0.1:0 --control c.sock
has err 'c.sock'

# A connection that stays open does not hold SIGTERM up for long; a stale socket is replaced.
run 0 stop --control c.sock
ended 0
exec 5>&-
run 1 top --control c.sock --once
has err 'no service answers at c.sock'
start r.tocsin
kill -KILL "$service_pid"
wait "$service_pid" 2>/dev/null || true
[[ -S c.sock ]] || fail 'a killed service should leave its socket'
start r.tocsin

ends TERM 0

# What does not end: a service whose stdout nobody reads. A second signal forces; `stop` has a time limit, as the first
# signal has.
run 1 run r.tocsin "${listen[@]}" --input gen:ticks
has err 'tocsin: ' # the rules have no ticks: a sentence, and the end
echo 'event Tick { symbol: string, price: float, at: time @timestamp } rule all { from Tick emit T { symbol } }' >t.tocsin
start_unread t.tocsin --input gen:ticks
forced
start_unread t.tocsin --input gen:ticks --drain 100ms
run 1 stop --control c.sock # which is not answered either
ended 1
has err 'what was under way did not end in time'

# systemd: the socket is told of readiness and of the end.
if command -v python3 >/dev/null; then
  python3 - "$tocsin" <<'PYTHON' || fail 'the notifications are not as they should be'
import os, signal, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify")
s.settimeout(60)
env = dict(os.environ, NOTIFY_SOCKET="notify", WATCHDOG_USEC="200000")
service = subprocess.Popen([sys.argv[1], "run", "r.tocsin", "--listen", "tcp:127.0.0.1:0"], env=env,
                           stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
seen = []
while not any(m.startswith("READY=1\nSTATUS=listening at tcp:127.0.0.1:") for m in seen) or "WATCHDOG=1" not in seen:
    seen.append(s.recv(4096).decode())
service.send_signal(signal.SIGTERM)
while "STOPPING=1" not in seen:
    seen.append(s.recv(4096).decode())
sys.exit(service.wait(60))
PYTHON
fi
if command -v systemd-analyze >/dev/null; then
  sed "s#/usr/bin/tocsin#$tocsin#" "$root/packaging/tocsin.service" >tocsin.service
  systemd-analyze verify ./tocsin.service >out 2>&1 || fail 'systemd-analyze finds faults'
  lacks out 'tocsin.service:'
fi
