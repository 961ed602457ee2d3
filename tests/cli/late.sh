#!/usr/bin/env bash
# --lateness puts events in order; without it late ones are dropped, which the run says, with what would have
# kept them.
source "$(dirname "$0")/lib.sh" "$@"
cat >r.tocsin <<'RULES'
event E { n: int, at: time(ms) @timestamp }
rule pairs { match a: E -> b: E[n == a.n + 1] after match skip none emit Pair { first: a.n } }
RULES
# in order but for one that is 3.2 s late and one that is 1 s late
printf '{"n":%d,"at":%d}\n' 1 1000 2 2000 4 6000 3 2800 6 9000 5 8000 7 9500 >late.ndjson

run 0 run r.tocsin --input late.ndjson --event E
has err '2 events came late and were dropped; --lateness 3.2s would have kept them all'
lines out 2
run 0 run r.tocsin --input late.ndjson --event E --lateness 3.2s
lacks err 'late'
lines out 6
run 0 run r.tocsin --input late.ndjson --event E --lateness 1s
has err '1 event came late and was dropped; --lateness 3.2s would have kept it'
