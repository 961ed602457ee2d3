#!/usr/bin/env bash
# The matches, and their order, are the same for every number of shards, batch size, matcher and idle policy.
source "$(dirname "$0")/lib.sh" "$@"
events=(--input gen:payments --seed 11 --count 60_000)
rules=$root/examples/card_testing.tocsin

run 0 run "$rules" "${events[@]}" --with-events
mv out expected
[[ $(wc -l <expected) -gt 50 ]] || fail 'too few matches to compare'
for shards in 2 3 7; do
  run 0 run "$rules" "${events[@]}" --with-events --shards "$shards"
  same out expected
done
for options in '--shards 2 --idle spin' '--shards 2 --idle yield --cores 0' '--batch 1' '--batch 7 --shards 3' \
  '--batch 4096' '--matcher arena' '--no-predicate-index' '--shards auto --limit-batches 1'; do
  read -ra words <<<"$options"
  run 0 run "$rules" "${events[@]}" --with-events "${words[@]}"
  same out expected
done
