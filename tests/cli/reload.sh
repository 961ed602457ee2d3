#!/usr/bin/env bash
# What makes a service compile its rules again, and what goes on meanwhile: --watch-rules, SIGHUP, which opens the log
# anew as well, rules that take long to compile, inputs whose types change.
source "$(dirname "$0")/lib.sh" "$@"
source "$root/tests/cli/lib_live.sh"
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
counted 'tocsin_failed_reloads_total 1'
rules in_place || fail 'a broken file has changed the rules'
has log 'r.tocsin:3:' 'the rules stay as they were'
# A file that is imported for the first time is broken; only that one is mended then.
echo 'event Other {' >other.tocsin
{ rule_file importing; echo 'import "other.tocsin"'; } >r.tocsin
counted 'tocsin_failed_reloads_total 2'
echo 'event Other { b: int }' >other.tocsin
await 'the mended import' rules importing
echo 'event E { a: int, b: int?, at: time(ms) @timestamp }' >types.tocsin
counted 'tocsin_reloads_total 4'

# SIGHUP: rules and log. The old log may have been moved away before.
mv log log.1
rule_file after_hup >r.tocsin.new
mv r.tocsin.new r.tocsin
kill -HUP "$service_pid"
await 'the reload' rules after_hup
await 'the new log' grep -qF 'the rules have changed' log
has log 'reload by SIGHUP'
lacks log.1 'reload by SIGHUP'
ends TERM 0
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
says 'tocsin_rules 1' || fail 'no metrics during a compilation'
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
ends TERM 0
has err 'rules were still being compiled, which is given up' 'stopped events=1'
[[ ! -e c.sock && ! -e ready ]] || fail 'the service leaves its socket or its ready file behind'
if wait "$reload"; then fail 'a reload that was given up should fail'; fi
exec 7>&-

# A second one does not wait at all: here for stdout, which nobody reads.
rm r.tocsin
rule_file first >r.tocsin
seq 20000 | sed 's/.*/{"type":"E","a":&,"at":&}/' >e.ndjson
start_unread r.tocsin --input e.ndjson
rm r.tocsin
mkfifo r.tocsin
"$tocsin" reload --control c.sock >reloaded 2>&1 &
exec 7>r.tocsin
forced
has err 'forced to stop signal=SIGTERM'
exec 7>&-

# Inputs that are open go on with the new types, or the reload is refused.
rm -f r.tocsin
# typed FIELDS CONDITION
typed() { printf 'event E { a: int, %s at: time(ms) @timestamp }\nrule r { from E[%s] emit M { a } }\n' "$1" "$2" >r.tocsin; }
# takes LINE A: the input's next line is a match with this `a`.
takes() {
  echo "$1" >&8
  await "the match of $1" grep -qF "\"fields\":{\"a\":$2}" matches
}
mkfifo pipe pipe.csv
typed '' 'a > 0'
start r.tocsin --input pipe
exec 8>pipe
takes '{"type":"E","a":1,"at":1}' 1
typed 'b: int,' 'b == 7'
run 0 reload --control c.sock
takes '{"type":"E","a":2,"b":7,"at":2}' 2
exec 8>&-
ends TERM 0
typed '' 'a > 0'
start r.tocsin --input pipe.csv --event E --columns a,at
exec 8>pipe.csv
typed 'b: int,' 'b == 7'
run 1 reload --control c.sock
has err "pipe.csv: there is no column 'b', which E must have; the input is open still"
takes 1,1 1
typed 'b: int?,' 'b is null and a > 1'
run 0 reload --control c.sock
takes 2,2 2
exec 8>&-
await 'the end of the input' grep -qF 'an input has ended' err
typed 'b: int,' 'b == 7'
run 0 reload --control c.sock
ends TERM 0
