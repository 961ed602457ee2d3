#!/usr/bin/env bash
# `tocsin test`: a line a test on stdout, why one failed, exit codes, filters, coverage, JUnit.
source "$(dirname "$0")/lib.sh" "$@"

cat >fraud.tocsin <<'RULES'
param probe_limit: float = 2.0
event Payment { card: string, amount: float, at: time @timestamp }
event Beat { host: string }
rule card_testing {
  match  probe: Payment[amount < probe_limit]{3..}
      -> hit:   Payment[amount > 100 * avg(probe.amount)]
  partition by card
  within 10m
  emit CardTesting { card, probes: count(probe), taken: hit.amount }
}
rule down { match b: Beat -> not Beat for 30s partition by host emit Down { host } }
rule campaign { match cards: CardTesting{2..} within 1h emit Campaign { cards: count(cards) } }

test "three probes, then a hit" {
  0s..2s every 1s  Payment { card: "A", amount: 1 }
  9s               Payment { card: "A", amount: 500 }
  expect CardTesting { card: "A", probes: 3 } at 9s
  expect no Campaign
}
test "a host goes silent" {
  0s..60s every 1s  Beat { host: "a" }
  advance 5m
  expect Down { host: "a" } at 90s
}
RULES

# All pass.
run 0 test fraud.tocsin
has out 'ok      three probes, then a hit  (fraud.tocsin:14:6)' 'ok      a host goes silent  (fraud.tocsin:20:6)' \
  '2 tests passed, 0 failed, in '
empty err
if grep -q $'\033' out; then fail 'colour where none is wanted'; fi
run 0 check fraud.tocsin
has out '3 rules, 2 event types, 2 tests: fine'

# One fails: what was expected, what came nearest, and the exit code.
cat >wrong.tocsin <<'RULES'
import "fraud.tocsin"
test "too small a hit" {
  0s..2s every 1s  Payment { card: "A", amount: 1 }
  9s               Payment { card: "A", amount: 50 }
  expect CardTesting { card: "A" }
}
test "another count" {
  0s..2s every 1s  Payment { card: "A", amount: 1 }
  9s               Payment { card: "A", amount: 500 }
  expect CardTesting { card: "A", probes: 4 } at 10s
}
RULES
run 1 test wrong.tocsin
cat >expected <<'TEXT'
FAILED  too small a hit  (wrong.tocsin:2:6)
  wrong.tocsin:5:3: expect CardTesting { card: "A" }
    but none came
    the nearest miss:
      rule card_testing: this run is one event short of a match
        probe: 0s Payment { card: "A", amount: 1.0 }
        probe: 1s Payment { card: "A", amount: 1.0 }
        probe: 2s Payment { card: "A", amount: 1.0 }
        not hit: 9s Payment { card: "A", amount: 50.0 }
          amount > 100.0 * avg(probe.amount) is false
            amount = 50.0
            avg(probe.amount) = 1.0
FAILED  another count  (wrong.tocsin:7:6)
  wrong.tocsin:10:3: expect CardTesting { card: "A", probes: 4 } at 10s
    but the likest is, at 9s and not at 10s:
        card: "A"
      ! probes: 3, expected 4
        taken: 500.0

TEXT
head -n -1 out >shown
same shown expected
has out '0 tests passed, 2 failed, in '

# Of a rule with a window: the instant at which its condition was nearest to true, or what held it back.
cat >windows.tocsin <<'RULES'
event Packet { src: string, port: int, at: time @timestamp }
rule scan {
  from Packet[port < 1024]
  partition by src
  window sliding 10s
  when distinct(port) >= 4 and count() >= 4
  emit Scan { src }
}
rule busy { from Packet window tumbling 1m when count() > 2 emit Busy { n: count() } }
rule quiet { from Packet[port < 0] window sliding 10s when count() > 2 emit Quiet { n: count() } }
test "one port short" {
  0s Packet { src: "a", port: 22 }  1s Packet { src: "a", port: 23 }  2s Packet { src: "b", port: 23 }
  3s Packet { src: "a", port: 25 }  4s Packet { src: "a", port: 25 }  20s Packet { src: "a", port: 80 }
  expect Scan { src: "a" }
  expect Busy
  expect Quiet
}
test "busy" {
  0s..2s every 1s Packet { src: "a", port: 22 }
  advance 1m
  expect Busy { n: 3 } at 60s
}
RULES
run 1 test windows.tocsin --coverage
cat >expected <<'TEXT'
FAILED  one port short  (windows.tocsin:11:6)
  windows.tocsin:14:3: expect Scan { src: "a" }
    but none came
    the nearest miss:
      rule scan: its condition was nearest to true at 4s, with src: "a"
        distinct(port) >= 4 is false
          distinct(port) = 3
  windows.tocsin:15:3: expect Busy
    but none came
    the nearest miss:
      rule busy: its window has not closed
        it closes once 1m has passed, but the test ends before: 'advance'
  windows.tocsin:16:3: expect Quiet
    but none came
    the nearest miss:
      rule quiet: no event came into its window
        not taken: 0s Packet { src: "a", port: 22 }
          port < 0 is false
            port = 22
ok      busy  (windows.tocsin:18:6)

1 of 3 rules matched in the tests
  scan   started; never fired
  busy   matched
  quiet  never
TEXT
head -n 25 out >shown
same shown expected

# The tests of an imported file are run where it is named.
run 1 test wrong.tocsin fraud.tocsin
has out '2 tests passed, 2 failed, in '

# Params: of the command line for all tests, of a test for itself.
run 1 test fraud.tocsin --set probe_limit=0.5
has out 'FAILED  three probes' 'amount < 0.5 is false'

# Filters.
run 0 test fraud.tocsin --filter silent
lines out 3
has out 'ok      a host goes silent'
run 0 test fraud.tocsin --filter 'three*hit'
lines out 3
run 1 test fraud.tocsin --filter 'three*silent'
has err "none of 2 tests has a name like 'three*silent'"
empty out

# Coverage.
run 0 test fraud.tocsin --coverage
has out '2 of 3 rules matched in the tests' 'card_testing  matched' 'down          matched' 'campaign      started'
run 0 test fraud.tocsin --coverage --filter silent
has out '1 of 3 rules matched in the tests' 'card_testing  never' 'campaign      never'

# JUnit, read by another program.
run 1 test wrong.tocsin fraud.tocsin --junit results.xml
python3 - results.xml <<'CHECK' || fail 'the JUnit file is not as it should be'
import sys
import xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites" and root.get("tests") == "4" and root.get("failures") == "2", root.attrib
suites = {suite.get("name"): suite for suite in root}
assert set(suites) == {"wrong.tocsin", "fraud.tocsin"}, suites
assert suites["wrong.tocsin"].get("failures") == "2" and suites["fraud.tocsin"].get("failures") == "0"
cases = {case.get("name"): case for suite in root for case in suite}
failed = cases["too small a hit"]
assert failed.get("line") == "2" and failed.get("classname") == "wrong.tocsin"
assert float(failed.get("time")) >= 0
[failure] = failed
assert failure.get("message") == 'wrong.tocsin:5:3: expect CardTesting { card: "A" }', failure.attrib
assert "avg(probe.amount) = 1.0\n" in failure.text, failure.text
assert len(cases["a host goes silent"]) == 0
CHECK
run 1 test fraud.tocsin --junit missing/results.xml
has err 'missing/results.xml'

# No tests, wrong rules, wrong use.
echo 'event A { x: int }' >none.tocsin
run 0 test none.tocsin
has err 'there are no tests in these files'
empty out
printf 'event A { x: int }\ntest "t" { 0s A { y: 1 } expect no B }\n' >bad.tocsin
run 1 test bad.tocsin
has err "bad.tocsin:2:19: error: unknown field 'y' of A" "no rule emits 'B'" '2 errors'
empty out
run 1 check bad.tocsin
has err "unknown field 'y' of A"
run 2 test
has err 'no rule file is given'
run 2 test fraud.tocsin --fliter x
has err "did you mean '--filter'?"
run 0 test --help
has out '--coverage' '--junit' 'Examples:'
