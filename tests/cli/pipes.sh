#!/usr/bin/env bash
# A reader of stdout that goes away ends the run without a complaint, also where the input never ends.
source "$(dirname "$0")/lib.sh" "$@"
echo 'event E { a: int } rule r { from E emit M { a: a } }' >r.tocsin
run 0 check r.tocsin
mkfifo input

yes '{"a":1}' >input 2>/dev/null &
writer=$!
set +o pipefail
{ "$tocsin" run r.tocsin --input input --event E 2>err; echo $? >status; } | head -n 1 >out
set -o pipefail
wait "$writer" || true
lines out 1
empty err
[[ $(<status) == 0 ]] || fail "exit code $(<status)"
