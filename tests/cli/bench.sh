#!/usr/bin/env bash
# `tocsin bench`: counts agree whatever the transport, files are written, and nonsense is refused. Never times.
source "$(dirname "$0")/lib.sh" "$@"

run 0 bench --list
has out filter sequence window many

# How many events of a built-in scenario match is the same by each way, and as the engine says.
matches() { python3 -c 'import json,sys; r=json.load(open("out"))["rates"][0]["all"]; print(r["sent"], r["unsent"], r["matches"], r["timed"])'; }
for scenario in filter many; do
  for via in engine shm unix tcp; do
    run 0 bench --scenario $scenario --via $via --count 20000 --repeats 1 --warmup 0 --rate 1M --json
    counts=$(matches)
    if [[ $via == engine ]]; then expected=$counts; fi
    [[ $counts == "$expected" ]] || fail "$scenario via $via: $counts, and the engine said $expected"
    [[ $counts == "20000 0 "* && $counts != *" 0" ]] || fail "$scenario via $via: $counts"
  done
done

# Rules and events of one's own: each pass over the file, with its times moved on, finds the same again.
cat >rules.tocsin <<'RULES'
event Payment { card: string, amount: float, at: time(ms) @timestamp }
rule pair { match a: Payment[amount < 2] -> b: Payment[amount > 100] partition by card within 10s emit Pair { card } }
RULES
cat >events.ndjson <<'EVENTS'
{"type":"Payment","card":"A","amount":1,"at":1000}
{"type":"Payment","card":"B","amount":500,"at":1500}
{"type":"Payment","card":"A","amount":500,"at":2000}
EVENTS
for via in engine shm unix tcp; do
  run 0 bench rules.tocsin --events events.ndjson --via $via --count 300 --repeats 2 --warmup 0 --rate 100k --json
  counts=$(matches)
  [[ $counts == "600 0 200 200" ]] || fail "own rules via $via: $counts"
done
has out '"cpu"' '"kernel"' '"commit"' '"compiler"' '"pinning"' '"hiccups_ns"' '"p99.99"'

run 0 bench --scenario filter --via unix --count 5000 --repeats 1 --warmup 0 --hgrm a.hgrm --svg a.svg --assert 'max<1m'
has out machine build jitter clock p99.9 unsent late
has a.hgrm Percentile '#[Max'
has a.svg '<svg' '</svg>'

# An assertion that can't hold, and one of nothing that was measured.
run 1 bench --scenario filter --via engine --count 5000 --repeats 1 --warmup 0 --assert 'p50<0ns'
has err 'p50<0ns does not hold'
printf '{"type":"Payment","card":"B","amount":500,"at":1500}\n' >none.ndjson
run 1 bench rules.tocsin --events none.ndjson --via engine --count 10 --repeats 1 --warmup 0 --assert 'p50<1s'
has err 'no event completed a match'

run 2 bench
has err 'give rules with --events FILE'
run 2 bench rules.tocsin
has err 'need events'
run 2 bench --scenario nothing
has err "there is no scenario 'nothing'"
run 2 bench --scenario filter --via pigeon
has err "'pigeon' is none of engine, shm, unix, tcp"
run 2 bench --scenario filter --rate fast
has err "'fast' is no rate"
run 2 bench --scenario filter --assert 'mean<2us'
has err "'mean' is no percentile"
run 2 bench --scenario filter --cores 4000
has err 'core 4000 is not there'
run 2 bench --scenario filter --sweep --assert 'p50<1s'
has err 'it can'"'"'t be used with --sweep'
run 1 bench rules.tocsin --events missing.ndjson
has err missing.ndjson
printf 'nonsense\n' >bad.ndjson
run 1 bench rules.tocsin --events bad.ndjson
has err 'are bad'
