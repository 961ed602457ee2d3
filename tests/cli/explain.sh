#!/usr/bin/env bash
# `tocsin explain`: each stage as text, and an automaton as DOT.
source "$(dirname "$0")/lib.sh" "$@"

cat >r.tocsin <<'RULES'
event Payment { card: string, amount: float, at: time @timestamp }
rule probes {
  match a: Payment[amount < 5]{2..} -> b: Payment[amount > 500]
  partition by card
  within 1m
  emit Probes { card, taken: b.amount }
}
rule large { from Payment[amount > 900] emit Large { card } }
RULES
run 0 explain r.tocsin
has out probes large Payment
empty err
cp out all

run 0 explain r.tocsin --plan
cp out plan
run 0 explain r.tocsin --matchers
cp out matchers
{ cat plan; echo; cat matchers; } >both
same all both

run 0 explain r.tocsin --ast
has out 'r.tocsin' 'probes'

run 0 explain r.tocsin --dot probes
has out 'digraph' '}'
lacks out 'large'
run 1 explain r.tocsin --dot prodes
has err "there is no rule 'prodes'; did you mean 'probes'?"
empty out

echo 'rule r { from Nothing emit A { } }' >bad.tocsin
run 1 explain bad.tocsin
has err 'bad.tocsin:1:15: error'
empty out

# Of windows: what they take, and who shares them.
cat >windows.tocsin <<'RULES'
event Payment { card: string, amount: float, at: time @timestamp }
rule many { from Payment partition by card window sliding 1m when count() > 5 on every emit Many { card } }
rule much { from Payment partition by card window sliding 1m when sum(amount) > 900 emit Much { card } }
rule hops { from Payment partition by card window hopping 1h every 10m emit Hops { card, total: sum(amount) } }
rule each { from Payment partition by card window tumbling 1m emit Each { card, n: count() } }
RULES
run 0 explain windows.tocsin --matchers
has out 'windows shared with: much' 'windows shared with: many' 'a pane is an event, of 20 bytes' \
  'a pane is 10m of a key, of 40 bytes' \
  'a pane is a whole window: no event is kept'
