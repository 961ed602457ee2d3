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
has err 'rule' 'started' 'open' 'even' '2,500' 'e.ndjson' '5,000 events, 2,500 matches' 'held at the end'
lines out 2500
grep -qE '^rule +events +started +advanced +matches +timeouts +expired +throttled .*busy$' err || fail 'columns of rules'
grep -qE '^open +5,000 +5,000 +0 +0 +0 +0 ' err || fail 'counters of a rule that finds nothing'
grep -qE '^held at the end +runs +nodes +entries +keys +bytes$' err || fail 'columns of what is held'
grep -qE '^open +5,000 +5,000 +0 +0 +[0-9,]{7,}$' err || fail 'what a rule holds whose runs all wait'
grep -qE '^even +0 +0 +0 +0 +0$' err || fail 'what a filter holds'

run 0 run r.tocsin --input e.ndjson --event E --quiet --stats=json
lines err 1
grep -qE '"rule":"open","events":5000,"started":5000,"advanced":0,.*"busy_ns":[0-9]+,"state":\{"runs":5000,"nodes":5000,' err ||
  fail 'counters and state as JSON'
has err '"events":5000' '"matches":2500' '{"rule":"even","events":' '"dropped_runs":0' '"input":"e.ndjson"' '"bad_records":0'

run 0 run r.tocsin --input e.ndjson --event E --limit-runs 1000
has err 'rule open: ' 'unfinished runs were dropped at --limit-runs 1000'

echo 'event E { n: int, at: time(ms) @timestamp } rule all { match a: E -> b: E[n == 499 and a.n < 499] report all }' >all.tocsin
run 0 run all.tocsin --input e.ndjson --event E --limit-matches 99
lines out 99
has err 'rule all: 400 matches were dropped at --limit-matches 99'

# What the bound ends is counted as the memory goes; with several shards the numbers are the same.
cat >pair.tocsin <<'RULES'
event E { n: int, at: time(ms) @timestamp }
rule pair { match a: E[n % 2 == 0] -> b: E[n == a.n + 1 and n % 10 == 1] partition by n within 100ms }
rule near { match a: E[n % 2 == 0] -> b: E[n % 10 == 1] within 5ms after match skip none report all }
RULES
for shards in 1 3; do
  run 0 run pair.tocsin --input e.ndjson --event E --quiet --stats=json --shards $shards
  grep -qE '"rule":"near","events":3000,"started":2500,"advanced":[0-9]+,"matches":1[0-9]+,"timeouts":0,"expired":[1-9]' err ||
    fail 'runs that expired'
done
