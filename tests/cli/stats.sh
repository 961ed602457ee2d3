#!/usr/bin/env bash
# --stats, and what is said where a limit made the run lose something. Memory stays bounded, the run goes on.
source "$(dirname "$0")/lib.sh" "$@"
cat >r.tocsin <<'RULES'
event E { n: int, at: time(ms) @timestamp }
rule open { match a: E -> b: E[n == a.n + 10_000] report all emit Open { n: b.n } }
rule even { from E[n % 2 == 0] emit Even { n } }
RULES
for ((n = 0; n < 5000; n++)); do echo "{\"n\":$n,\"at\":$n}"; done >e.ndjson

run 0 run r.tocsin --input e.ndjson --event E --stats
has err 'rule' 'started' 'open' 'even' '2,500' 'e.ndjson' '5,000 events, 2,500 matches'
lines out 2500

run 0 run r.tocsin --input e.ndjson --event E --quiet --stats=json
lines err 1
has err '"events":5000' '"matches":2500' '{"rule":"even","events":' '"dropped_runs":0' '"input":"e.ndjson"' '"bad_records":0'

run 0 run r.tocsin --input e.ndjson --event E --limit-runs 1000
has err 'rule open: ' 'unfinished runs were dropped at --limit-runs 1000'

echo 'event E { n: int, at: time(ms) @timestamp } rule all { match a: E -> b: E[n == 499 and a.n < 499] report all }' >all.tocsin
run 0 run all.tocsin --input e.ndjson --event E --limit-matches 99
lines out 99
has err 'rule all: 400 matches were dropped at --limit-matches 99'
