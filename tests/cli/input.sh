#!/usr/bin/env bash
# Inputs: files, stdin, zstd, CSV with and without header, several at once; bad lines and dead letters.
source "$(dirname "$0")/lib.sh" "$@"

cat >r.tocsin <<'RULES'
event Payment { card: string, amount: float, at: time(ms) @timestamp }
event Login { card: string, at: time(ms) @timestamp }
@severity("high") rule large { from Payment[amount > 100] emit Large { card, amount } }
rule seen { match l: Login -> p: Payment[amount > 100] partition by card emit Seen { card, amount: p.amount } }
RULES
cat >events.ndjson <<'EVENTS'
{"type":"Login","card":"A","at":1000}
{"type":"Payment","card":"A","amount":50,"at":2000}
{"type":"Payment","card":"A","amount":500,"at":3000}
{"type":"Payment","card":"B","amount":600.5,"at":4000}
EVENTS
cat >expected <<'MATCHES'
{"rule":"large","type":"Large","at":"1970-01-01T00:00:03Z","fields":{"card":"A","amount":500},"labels":{"severity":"high"},"seqs":[3]}
{"rule":"seen","type":"Seen","at":"1970-01-01T00:00:03Z","fields":{"card":"A","amount":500},"labels":{},"seqs":[1,3]}
{"rule":"large","type":"Large","at":"1970-01-01T00:00:04Z","fields":{"card":"B","amount":600.5},"labels":{"severity":"high"},"seqs":[4]}
MATCHES

run 0 run r.tocsin --input events.ndjson
same out expected
has err '4 events, 3 matches'
run 0 run r.tocsin --input events.ndjson --quiet
same out expected
empty err

# stdin, named and not; a file that does not end in a line end; zstd from a file and from a pipe
run 0 run r.tocsin --input - <events.ndjson
same out expected
run 0 run r.tocsin < <(head -c -1 events.ndjson)
same out expected
zstd -q events.ndjson
run 0 run r.tocsin --input events.ndjson.zst
same out expected
run 0 run r.tocsin <events.ndjson.zst
same out expected

# --output leaves stdout alone
run 0 run r.tocsin --input events.ndjson --output matches.ndjson
same matches.ndjson expected
empty out

# --with-events: step → events as they came in
run 0 run r.tocsin --input events.ndjson --with-events
has out '"events":{"l":[{"type":"Login","card":"A","at":' '"p":[{"type":"Payment","card":"A","amount":500,'

# CSV: a header, other columns and another separator, no header; two inputs are put in order by their time
printf 'at,card,ignored,amount\n2000,A,x,50\n3000,A,x,500\n4000,B,"x,y",600.5\n' >payments.csv
printf '1000;A\n' >logins.csv
run 0 run r.tocsin --input payments.csv --event Payment
lines out 2
printf '2000;A;50\n3000;A;500\n4000;B;600.5\n' >payments2.csv
run 0 run r.tocsin --input logins.csv --event Login --columns at,card \
  --input payments2.csv --event Payment --columns at,card,amount --separator ';'
[[ $(grep -c '"rule":"seen"' out) == 1 ]] || fail 'two inputs: the login is not seen'
lines out 3

# Bad lines: ten are shown, all are counted and kept, the stream goes on, the exit code stays 0.
{
  cat events.ndjson
  echo '{"type":"Payment","card":"C","amount":"much","at":5000}'
  echo 'no json'
  echo '{"type":"Refund","card":"C"}'
  for number in {1..20}; do echo "junk $number"; done
  echo '{"type":"Payment","card":"D","amount":900,"at":6000}'
} >mixed.ndjson
run 0 run r.tocsin --input mixed.ndjson --dead-letter bad.ndjson
lines out 4
has err 'mixed.ndjson:5: ' 'amount' 'mixed.ndjson:6: ' 'mixed.ndjson:7: ' 'Refund' '23 bad lines' 'bad.ndjson' '5 events, 4 matches'
lacks err 'mixed.ndjson:15:'
sed -n 5,27p mixed.ndjson | cmp -s - bad.ndjson || fail 'the dead letters are not the bad lines'

# What can't be read at all is a failure.
run 1 run r.tocsin --input missing.ndjson
has err 'missing.ndjson'
empty out
run 1 run r.tocsin --input .
run 1 run r.tocsin --input events.xml
has err 'events.xml'
run 1 run r.tocsin --input payments.csv --event Paymnt
has err 'Paymnt'
head -c 60 events.ndjson.zst >torn.ndjson.zst
run 1 run r.tocsin --input torn.ndjson.zst
has err 'torn.ndjson.zst'
run 1 run r.tocsin --input events.ndjson --output missing/matches.ndjson
has err 'missing/matches.ndjson'
run 1 run r.tocsin --input events.ndjson --output /dev/full
has err '/dev/full'
run 2 run r.tocsin --input events.ndjson --event Payment --event Login
has err '--event is given 2 times for 1 inputs'

# No events at all.
run 0 run r.tocsin --input /dev/null --format ndjson
empty out
has err '0 events, 0 matches'
