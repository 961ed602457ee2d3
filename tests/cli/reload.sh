#!/usr/bin/env bash
# What makes a service compile its rules again, and what goes on meanwhile: --watch-rules, SIGHUP, which opens the log
# anew as well, rules that take long to compile, inputs whose types change.
source "$(dirname "$0")/lib.sh" "$@"
service_pid=
trap 'if [[ -n $service_pid ]]; then kill -KILL "$service_pid" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
mkfifo never
# await WHAT COMMAND…: until the command succeeds.
await() {
  local what=$1 deadline=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $deadline ]] || fail "$what did not come"
    kill -0 "$service_pid" 2>/dev/null || fail "the service has ended; $what did not come"
    read -rt 0.02 <>"$work/never" || true
  done
}
# start ARGUMENTS…: a service with its log in `err`, its matches in `matches`; sets port and metrics.
start() {
  rm -f ready
  "$tocsin" run "$@" --listen tcp:127.0.0.1:0 --control c.sock --metrics tcp:127.0.0.1:0 --ready-file ready \
    >matches 2>err &
  service_pid=$!
  await 'readiness' test -s ready
  port=$(sed -n 's/^listen tcp:127.0.0.1://p' ready)
  metrics=$(sed -n 's/^metrics tcp:127.0.0.1://p' ready)
}
# ends STATUS: the service ends by itself with this exit code.
ends() {
  local status=0
  wait "$service_pid" || status=$?
  service_pid=
  [[ $status == "$1" ]] || fail "expected exit code $1, got $status"
}
get() {
  exec 6<>"/dev/tcp/127.0.0.1/$metrics"
  printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&6
  cat <&6
  exec 6>&-
}
metric() { get /metrics | grep -qxF "tocsin_$1"; }
rules() { "$tocsin" rules --control c.sock | grep -qF "$1"; }

echo 'event E { a: int, at: time(ms) @timestamp }' >types.tocsin
# rule_file NAME: the rules with one of this name.
rule_file() { printf 'import "types.tocsin"\nrule %s { from E[a > 1] emit M { a } }\n' "$1"; }

# --watch-rules: as editors save (a new file takes the old one's place), written in place, and what is imported.
rule_file first >r.tocsin
start r.tocsin --watch-rules --log-file log
rule_file renamed >r.tocsin.new
mv r.tocsin.new r.tocsin
await 'the renamed file' rules renamed
rule_file in_place >r.tocsin
await 'the file written in place' rules in_place
{ rule_file broken; echo 'rule other { from Nothing }'; } >r.tocsin
await 'the refusal' metric 'failed_reloads_total 1'
rules in_place || fail 'a broken file has changed the rules'
has log 'r.tocsin:3:' 'the rules stay as they were'
# A file that is imported for the first time is broken; only that one is mended then.
echo 'event Other {' >other.tocsin
{ rule_file importing; echo 'import "other.tocsin"'; } >r.tocsin
await 'the second refusal' metric 'failed_reloads_total 2'
echo 'event Other { b: int }' >other.tocsin
await 'the mended import' rules importing
echo 'event E { a: int, b: int?, at: time(ms) @timestamp }' >types.tocsin
await 'the changed import' metric 'reloads_total 4'

# SIGHUP: rules and log. The old log may have been moved away before.
mv log log.1
rule_file after_hup >r.tocsin.new
mv r.tocsin.new r.tocsin
kill -HUP "$service_pid"
await 'the reload' rules after_hup
await 'the new log' grep -qF 'the rules have changed' log
has log 'reload by SIGHUP'
lacks log.1 'reload by SIGHUP'
kill -TERM "$service_pid"
ends 0
has log 'stopped events=0'

# Rules that take long: the file is a pipe whose writer (7) takes its time. All else is answered meanwhile.
rule_file first >r.tocsin
start r.tocsin
rm r.tocsin
mkfifo r.tocsin
echo 'rule more { from E[a == 7] emit N { a } }' >more.tocsin
"$tocsin" reload --control c.sock >reloaded 2>&1 &
reload=$!
exec 7>r.tocsin # waits for who reads
get /healthz >answer
has answer '200 OK' alive
get /readyz >answer
has answer ready
metric 'rules 1' || fail 'no metrics during a compilation'
run 0 rules --control c.sock
has out first
run 0 top --control c.sock --once --interval 1ms
exec 5<>"/dev/tcp/127.0.0.1/$port"
printf '{"type":"E","a":5,"at":1}\n' >&5
exec 5>&-
await 'a match during a compilation' grep -qF '"rule":"first"' matches
"$tocsin" rules --control c.sock --add more --from more.tocsin >added 2>&1 7>&- &
add=$!
kill -0 "$reload" 2>/dev/null || fail 'the reload has ended before it could'
rule_file second >&7
exec 7>&-
wait "$reload" || fail 'the reload failed'
has reloaded '1 rule runs now'
rule_file second >r.tocsin # for the change that waited
wait "$add" || fail 'the second change failed'
has added '2 rules run now'
rules more || fail 'the second change is not there'

# SIGTERM during one: the service drains, and waits for it no longer than a second.
"$tocsin" reload --control c.sock >reloaded 2>&1 &
reload=$!
exec 7>r.tocsin
kill -TERM "$service_pid"
ends 0
has err 'rules were still being compiled, which is given up' 'stopped events=1'
[[ ! -e c.sock && ! -e ready ]] || fail 'the service leaves its socket or its ready file behind'
if wait "$reload"; then fail 'a reload that was given up should fail'; fi
exec 7>&-

# A second one does not wait at all: here for stdout, which nobody reads.
rm r.tocsin
rule_file first >r.tocsin
mkfifo full
exec 8<>full
rm -f ready
seq 20000 | sed 's/.*/{"type":"E","a":&,"at":&}/' >e.ndjson
"$tocsin" run r.tocsin --listen tcp:127.0.0.1:0 --control c.sock --ready-file ready --input e.ndjson >full 2>err &
service_pid=$!
await 'readiness' test -s ready
read -rN1 <&8 # it writes more than the pipe holds, and waits
rm r.tocsin
mkfifo r.tocsin
"$tocsin" reload --control c.sock >reloaded 2>&1 &
exec 7>r.tocsin
kill -TERM "$service_pid"
until ! kill -TERM "$service_pid" 2>/dev/null; do
  read -rt 0.02 <>never || true
done
ends 143
has err 'forced to stop signal=SIGTERM'
exec 7>&-

# Inputs that are open go on with the new types, or the reload is refused.
rm -f r.tocsin
# typed FIELDS CONDITION
typed() { printf 'event E { a: int, %s at: time(ms) @timestamp }\nrule r { from E[%s] emit M { a } }\n' "$1" "$2" >r.tocsin; }
typed '' 'a > 0'
mkfifo pipe pipe.csv
start r.tocsin --input pipe
exec 8>pipe
echo '{"type":"E","a":1,"at":1}' >&8
await 'a match of the old type' grep -qF '"fields":{"a":1}' matches
typed 'b: int,' 'b == 7'
run 0 reload --control c.sock
echo '{"type":"E","a":2,"b":7,"at":2}' >&8
await 'a match of the new type' grep -qF '"fields":{"a":2}' matches
exec 8>&-
kill -TERM "$service_pid"
ends 0
typed '' 'a > 0'
start r.tocsin --input pipe.csv --event E --columns a,at
exec 8>pipe.csv
typed 'b: int,' 'b == 7'
run 1 reload --control c.sock
has err "pipe.csv: there is no column 'b', which E must have; the input is open still"
echo '1,1' >&8
await 'a match of the old type' grep -qF '"fields":{"a":1}' matches
typed 'b: int?,' 'b is null and a > 1'
run 0 reload --control c.sock
echo '2,2' >&8
await 'a match of the new type' grep -qF '"fields":{"a":2}' matches
exec 8>&-
await 'the end of the input' grep -qF 'an input has ended' err
typed 'b: int,' 'b == 7'
run 0 reload --control c.sock
kill -TERM "$service_pid"
ends 0
