#!/usr/bin/env bash
# `tocsin check`: all findings of a file in one run, on stderr, and exit code 1; else one line on stdout.
source "$(dirname "$0")/lib.sh" "$@"

cat >good.tocsin <<'RULES'
param limit: float = 100
event Payment { card: string, amount: float, at: time @timestamp }
event Login { card: string }
rule large { from Payment[amount > limit] emit Large { card, amount } }
rule twice { match a: Large -> b: Large partition by card within 1m emit Twice { card } }
RULES
run 0 check good.tocsin
[[ $(<out) == "2 rules, 2 event types: fine" ]] || fail 'the summary is another'
empty err
run 0 check --set limit=3 good.tocsin
run 1 check --set limit=often good.tocsin
run 1 check --set limmit=3 good.tocsin
has err "limmit"

cat >bad.tocsin <<'RULES'
event Payment { card: string, amount: float }
rule one { from Payment[ammount > 5] emit A { card } }
rule two { from Paymet[amount > 5] emit B { card } }
rule three { from Payment[amount > "much"] emit C { card } }
RULES
run 1 check bad.tocsin
has err 'bad.tocsin:2:25: error' "did you mean 'amount'?" 'bad.tocsin:3:17: error' "did you mean 'Payment'?" \
  'bad.tocsin:4:' '^^^^^^^' '3 errors'
empty out
if grep -q $'\033' err; then fail 'colour where none is wanted'; fi

run 1 run bad.tocsin --input gen:payments
has err 'bad.tocsin:2:25: error'
empty out

run 1 check missing.tocsin
has err 'missing.tocsin'
empty out

# An import is relative to the file that imports, and its errors carry its own name.
mkdir lib
echo 'event Payment { card: string, amount: float }' >lib/common.tocsin
printf 'import "common.tocsin"\nrule r { from Payment[amount > 5] emit A { card } }\n' >lib/rules.tocsin
run 0 check lib/rules.tocsin
has out '1 rule, 1 event type: fine'
echo 'event Broken { card: strin }' >>lib/common.tocsin
run 1 check lib/rules.tocsin
has err 'common.tocsin:2:22: error' "did you mean 'string'?"

# Text that is no rules at all gives a clean error at once.
head -c 1000000 /dev/urandom >junk.tocsin
run 1 check junk.tocsin
has err 'junk.tocsin:' 'error'
{
  printf 'event E { a: int } rule r { from E['
  printf '(%.0s' {1..20000}
} >deep.tocsin
run 1 check deep.tocsin
has err 'deep.tocsin:1:' 'error'
