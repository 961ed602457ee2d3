#!/usr/bin/env bash
# SIGTERM and SIGINT: what was read is drained, the totals are printed, the exit code is 0. The input stays
# open all the time, so that only the signal can end the run; a match that arrives says that it is under way.
source "$(dirname "$0")/lib.sh" "$@"
echo 'event E { a: int, at: time @timestamp } rule r { match x: E -> y: E emit M { a: y.a } }' >r.tocsin
run 0 check r.tocsin
mkfifo input output

for signal in TERM INT; do
  for shards in 1 2; do
    "$tocsin" run r.tocsin --input input --event E --shards "$shards" >output 2>err &
    pid=$!
    exec 4<output 3>input
    printf '{"a":1,"at":1}\n{"a":2,"at":2}\n{"a":3,"at":3}\n{"a":4,"at":4}\n' >&3
    read -r first <&4
    kill -"$signal" "$pid"
    status=0
    wait "$pid" || status=$?
    { echo "$first"; cat <&4; } >out
    exec 3>&- 4<&-
    [[ $status == 0 ]] || fail "after SIG$signal with $shards shards: exit code $status"
    lines out 2
    has err "SIG$signal" '4 events' '2 matches'
  done
done
