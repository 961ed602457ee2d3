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

# What came late goes to a file of its own, which reads as an input: with the type in each line, under the key
# that the inputs use, unless the events have a field of that name.
run 0 run r.tocsin --input late.ndjson --event E --late-output dropped.ndjson
has err '2 events came late and were dropped' 'would have kept them all; see dropped.ndjson'
lines dropped.ndjson 2
has dropped.ndjson '{"type":"E","n":3,"at":"1970-01-01T00:00:02.8Z"}'
echo 'event E { n: int, at: time(ms) @timestamp } rule all { from E emit Seen { n, at } }' >all.tocsin
run 0 run all.tocsin --input dropped.ndjson
lines out 2
has out '"fields":{"n":3,"at":"1970-01-01T00:00:02.8Z"}' '"fields":{"n":5,"at":"1970-01-01T00:00:08Z"}'
run 0 run r.tocsin --input late.ndjson --event E --type-field kind --late-output dropped.ndjson
has dropped.ndjson '{"kind":"E","n":3,'
run 0 run all.tocsin --input dropped.ndjson --type-field kind
lines out 2
run 0 run r.tocsin --input late.ndjson --event E --type-field n --late-output dropped.ndjson --shards 3
has dropped.ndjson '{"n":3,"at":'
run 0 run all.tocsin --input dropped.ndjson --event E
lines out 2
run 0 run r.tocsin --input late.ndjson --event E --lateness 3.2s --late-output dropped.ndjson
empty dropped.ndjson

# Every kind of field comes back as it was.
cat >kinds.tocsin <<'RULES'
event K { at: time @timestamp, s: string, i: int, f: float, b: bool, d: duration, t: time(s), e: enum(low, high),
  tags: string[], opt: int? }
rule all { from K emit Seen { at, s, i, f, b, d, t, e, tags, opt } }
RULES
cat >kinds.ndjson <<'EVENTS'
{"type":"K","at":"2025-01-01T00:00:09Z","s":"","i":0,"f":0,"b":false,"d":0,"t":0,"e":"low","tags":[]}
{"type":"K","at":"2025-01-01T00:00:01.000000001Z","s":"quote \" \\ é \n","i":-9223372036854775808,"f":0.1,"b":true,"d":"1h30m","t":7,"e":"high","tags":["a,b","\"c\""]}
{"type":"K","at":"2025-01-01T00:00:02Z","s":"x","i":9223372036854775807,"f":1e300,"b":true,"d":"-1ns","t":"1969-12-31T23:59:59Z","e":"high","tags":[""],"opt":3}
EVENTS
run 0 run kinds.tocsin --input kinds.ndjson --late-output first.ndjson
lines first.ndjson 2
sed 1q kinds.ndjson | cat - first.ndjson >again.ndjson
run 0 run kinds.tocsin --input again.ndjson --late-output second.ndjson
same first.ndjson second.ndjson
run 0 run kinds.tocsin --input kinds.ndjson --lateness 1m
grep -o '"fields":.*' out | cut -d, -f1-10 | sort >expected
run 0 run kinds.tocsin --input again.ndjson --lateness 1m
grep -o '"fields":.*' out | cut -d, -f1-10 | sort >actual
same expected actual

run 1 run r.tocsin --input late.ndjson --event E --late-output /nowhere/late.ndjson
has err '/nowhere/late.ndjson'
