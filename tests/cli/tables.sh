#!/usr/bin/env bash
# Tables from files: errors before the run, and a file that changes while events come in by a pipe.
source "$(dirname "$0")/lib.sh" "$@"

mkdir rules
cat >rules/r.tocsin <<'RULES'
import "lists/common.tocsin"
event Connection { src: string, at: time(s) @timestamp }
table last from Connection keyed by src
rule listed {
  from Connection[src in blocklist]
  emit Listed { src, score: blocklist[src].score, before: last[src].at }
}
RULES
mkdir rules/lists
echo 'table blocklist from "block.csv" { ip: string @key, score: int }' >rules/lists/common.tocsin
list=rules/lists/block.csv

# A file that is not there: a warning, or an error.
run 0 check rules/r.tocsin
has out '1 rule, 1 event type, 2 tables: 1 warning'
has err 'warning: table blocklist: cannot open rules/lists/block.csv: No such file or directory'
echo '{"type":"Connection","src":"a","at":1}' >events
run 1 run rules/r.tocsin --input events
has err 'table blocklist: cannot open rules/lists/block.csv: No such file or directory'
empty out

# Rows that do not fit, with their places.
printf 'ip,score\na,1\nb,many\n"c,3\n' >$list
run 1 run rules/r.tocsin --input events
has err "$list:3: field 'score' of blocklist: expected int, got 'many'" "$list:4: the quote of value 1 is not closed"
run 0 check rules/r.tocsin
has out '2 warnings'
printf 'ip\na\n' >$list
run 1 run rules/r.tocsin --input events
has err "$list: there is no column 'score', which blocklist must have"
: >$list
run 1 run rules/r.tocsin --input events
has err "$list: the header line is missing"
printf 'ip,score\na,1\nb,2\n' >$list
run 1 run rules/r.tocsin --input events --limit-table-rows 1
has err "$list: there are more than 1 rows"

# The last row of a key counts; a table is no event type.
printf 'ip,score\na,1\nb,2\n\na,3\n' >$list
echo '{"type":"blocklist","ip":"x","score":1}' >>events
run 0 run rules/r.tocsin --input events
has out '"score":3'
has err "$list:5: this key stood there before; the last row of a key counts" "events:2: 'blocklist' is a table"
zstd -q --rm $list
sed 's/block.csv/block.csv.zst/' -i rules/lists/common.tocsin
run 0 run rules/r.tocsin --input events
has out '"score":3'
zstd -q -d --rm $list.zst
sed 's/block.csv.zst/block.csv/' -i rules/lists/common.tocsin

run 0 explain rules/r.tocsin
has out "table blocklist from \"$list\" by ip" 'table last from Connection by src' \
  'table blocklist: one for all shards' 'table last: each shard keeps the newest event a key, for layer 0'

# Dropped keys are told.
for i in 1 2 3 4; do echo "{\"type\":\"Connection\",\"src\":\"s$i\",\"at\":$i}"; done >many
printf 'ip,score\na,1\n' >$list
run 0 run rules/r.tocsin --input many --limit-table-rows 3
has err 'table last: 1 row was dropped at --limit-table-rows 3'

# await FILE TEXT: until the file holds the text.
await() {
  local tries=0
  until grep -qF -e "$2" "$1" 2>/dev/null; do
    tries=$((tries + 1))
    [[ $tries -lt 6000 ]] || fail "$1 never held: $2"
    kill -0 "$engine" 2>/dev/null || fail "the run has ended before $1 held: $2"
    read -rt 0.01 <>"$work/never" || true
  done
}
mkfifo never input
for shards in 1 3; do
  printf 'ip,score\na,1\n' >$list
  : >out
  "$tocsin" run rules/r.tocsin --input input --shards $shards >out 2>err &
  engine=$!
  exec 3>input
  send() { echo "{\"type\":\"Connection\",\"src\":\"$1\",\"at\":$2}" >&3; }

  send a 1
  await out '"score":1'
  send b 2

  # A new file takes the old one's place.
  printf 'ip,score\na,10\nb,20\n' >new.csv
  mv new.csv $list
  await err 'has changed, and has 2 rows now'
  send a 3
  await out '"score":10,"before":"1970-01-01T00:00:01Z"'
  send b 4
  await out '"score":20,"before":"1970-01-01T00:00:02Z"'

  # What is not sound changes nothing, and is told once.
  printf 'ip,score\na,100\nb,lots\n' >$list
  await err "table blocklist keeps its 2 rows: $list:3: field 'score' of blocklist: expected int, got 'lots'"
  send a 5
  await out '"at":"1970-01-01T00:00:05Z","fields":{"src":"a","score":10'
  rm $list
  await err 'table blocklist keeps its 2 rows: cannot open'

  # Written in place, it is read as it is once it lies still.
  printf 'ip,score\na,7\n' >$list
  await err 'has changed, and has 1 row now'
  send b 6
  send a 7
  await out '"score":7,'
  exec 3>&-
  wait "$engine" || fail "exit code $?"
  [[ $(grep -c 'keeps its' err) == 2 ]] || fail 'a reason is not told once'
  lines out 5
done
