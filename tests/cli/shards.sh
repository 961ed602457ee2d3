#!/usr/bin/env bash
# The matches, and their order, are the same for every number of shards, batch size, matcher and idle policy:
# with several partition keys, rules without one, and rules fed by others.
source "$(dirname "$0")/lib.sh" "$@"
cat >r.tocsin <<'RULES'
event Payment { card: string, merchant: string, country: string, amount: float, at: time @timestamp }
rule large { from Payment[amount > 350] emit Large { card, country, amount } }
rule rising { match p: Payment[amount > prev.amount]{3..} partition by merchant within 2s emit Rising { merchant } }
rule twice { match a: Large -> b: Large[amount > a.amount] partition by country within 20s emit Twice { country, amount: b.amount } }
rule again { match t: Twice , u: Twice within 10s emit Again { more: u.amount > t.amount } }
rule card { match a: Payment ~> b: Payment[amount > 2 * a.amount] partition by card within 1m report all }
RULES
events=(--input gen:payments --seed 11 --count 20_000)

run 0 run r.tocsin "${events[@]}" --with-events
mv out expected
for rule in large rising twice again card; do
  [[ $(grep -c "\"rule\":\"$rule\"" expected) -gt 20 ]] || fail "too few matches of $rule to compare"
done
for shards in 2 3 7; do
  run 0 run r.tocsin "${events[@]}" --with-events --shards "$shards"
  same out expected
done
for options in '--shards 2 --idle spin' '--shards 2 --idle yield --cores 0' '--batch 1' '--batch 7 --shards 3' \
  '--batch 4096' '--matcher arena' '--no-predicate-index' '--shards auto --limit-batches 1'; do
  read -ra words <<<"$options"
  run 0 run r.tocsin "${events[@]}" --with-events "${words[@]}"
  same out expected
done
