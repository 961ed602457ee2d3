#!/usr/bin/env bash
# The answers that other engines and a brute force gave on the reference data, through the command. Needs the
# data: TOCSIN_DATA, or ../shared/data beside the repository; skipped (77) where it is not there.
source "$(dirname "$0")/lib.sh" "$@"
data=${TOCSIN_DATA:-$root/../shared/data}
unset TOCSIN_DATA  # the command would take it for a setting
for file in tick1000.csv.zst txn10000.csv.zst openssh.ndjson machine_temperature.csv; do
  if [[ ! -r $data/$file ]]; then
    echo "no $data/$file"
    exit 77
  fi
done

# matches EXPECTED ARGUMENTS…: so many matches with one shard and with three
matches() {
  local expected=$1 shards
  shift
  for shards in 1 3; do
    run 0 run "$@" --shards "$shards"
    lines out "$expected"
  done
}

# Event i of the reference workloads is at floor(i / 10) ms.
with_time() { zstd -dc "$data/$1" | awk '{ print $0 "," int((NR - 1) / 10) }'; }
with_time tick1000.csv.zst >ticks.csv
with_time txn10000.csv.zst >payments.csv
ticks=(--input ticks.csv --event Tick --columns "symbol,price,volume,at")
payments=(--input payments.csv --event Payment --columns "card,amount,at")

tick='event Tick { symbol: string, price: float, volume: int, at: time(ms) @timestamp }'
echo "$tick rule high { from Tick[price > 95] emit High { symbol, price } }" >filter.tocsin
matches 52312 filter.tocsin "${ticks[@]}"

{
  echo "$tick"
  for ((i = 0; i < 1000; i++)); do
    echo "rule r$i { from Tick[symbol == \"S$i\" and price > $((90 + i % 10))] emit Alert { symbol, price } }"
  done
} >thousand.tocsin
matches 57496 thousand.tocsin "${ticks[@]}"

payment='event Payment { card: string, amount: float, at: time(ms) @timestamp }'
sequence='match a: Payment[amount < 5] -> b: Payment[amount < 5] -> c: Payment[amount > 500]
  partition by card within 60s'
echo "$payment rule all { $sequence report all emit Hit { card, amount: c.amount } }" >all.tocsin
matches 28386 all.tocsin "${payments[@]}"
echo "$payment rule first { $sequence emit Hit { card, amount: c.amount } }" >first.tocsin
matches 7194 first.tocsin "${payments[@]}"
echo "$payment rule contiguous { ${sequence//->/,} emit Hit { card, amount: c.amount } }" >contiguous.tocsin
matches 90 contiguous.tocsin "${payments[@]}"

echo "$payment rule busy { from Payment partition by card window sliding 60s when count() > 5 on every
  emit Busy { card, n: count() } }" >busy.tocsin
matches 998576 busy.tocsin "${payments[@]}"

# The same from NDJSON.
awk -F, '{ printf "{\"card\":\"%s\",\"amount\":%s,\"at\":%s}\n", $1, $2, $3 }' payments.csv >payments.ndjson
matches 28386 all.tocsin --input payments.ndjson --event Payment

ssh=$root/examples/ssh.tocsin
run 0 run "$ssh" --input "$data/openssh.ndjson"
grep '^{"rule":"brute_force"' out >brute_force || true
lines brute_force 95
addresses=$(grep -oE '"ip":"[^"]*"' brute_force | sort -u | wc -l)
[[ $addresses == 9 ]] || fail "brute_force: expected 9 addresses, got $addresses"
grep '^{"rule":"probe"' out >probe || true
lines probe 56

# Ten different names from one address within five minutes.
for shards in 1 3; do
  run 0 run "$ssh" --input "$data/openssh.ndjson" --shards "$shards"
  grep '^{"rule":"many_names"' out >names || true
  lines names 4
  twice=$(grep -c '"ip":"103.99.0.122"' names)
  [[ $twice == 2 ]] || fail "many_names: expected 103.99.0.122 twice, got $twice"
done

# Both failures of the machine, and nothing else, are failures.
machine=(--input "$data/machine_temperature.csv" --event Reading --lateness 1h)
run 0 run "$root/examples/machine_temperature.tocsin" "${machine[@]}"
grep -oE '^[{]"rule":"failure","type":"Failure","at":"[^"]*"' out >failures
lines failures 2
has failures '2013-12-16T15:55:00Z' '2014-02-08T01:55:00Z'
