#!/usr/bin/env bash
# The reference workloads by Tocsin, Esper and Siddhi, over the same events on this machine: one table of rates
# and ratios. Called by `./dev peers`, which builds bench_reference; needs a JDK, Maven and, the first time, Maven
# Central. Rates are of the CPU time of the one thread that feeds and detects; the virtual machine's compiler and
# garbage collector, which run beside it, are not counted against Esper and Siddhi.
#
#   usage: peers.sh BENCH_REFERENCE [WORKLOAD…]
set -euo pipefail
reference=$(realpath "$1")
workloads=("${@:2}")
if [[ ${#workloads[@]} == 0 ]]; then
  workloads=(filter sequence contiguous count_sum count_every rules_1000 thresholds)
fi
cd "$(dirname "${BASH_SOURCE[0]}")"
build=../../build/peers
mkdir -p "$build"

say() { printf 'peers: %s\n' "$*" >&2; }

say "building with Maven"
mvn -q -B package dependency:build-classpath -Dmdep.outputFile=target/classpath >&2

say "writing the events"
"$reference" --write filter >"$build/ticks.csv"
"$reference" --write sequence >"$build/payments.csv"

say "Tocsin, then each of the others"
"$reference" --rates "${workloads[@]}" >"$build/rates.tsv"
java=(java -Xms2g -Xmx2g -cp)
for peer in Esper Siddhi; do
  module=${peer,,}
  say "$peer"
  "${java[@]}" "$module/target/$module-1.jar:$(<"$module/target/classpath")" "peers.${peer}Peer" \
    "$build/ticks.csv" "$build/payments.csv" "${workloads[@]}" >>"$build/rates.tsv" 2>"$build/$module.log" || {
    tail -5 "$build/$module.log" >&2
    exit 1
  }
done

# Lines of engine, workload, matches, events a second.
awk -F'\t' '
  { rate[$1, $2] = $4 / 1e6; matches[$1, $2] = $3; if (!($2 in seen)) { seen[$2]; names[++n] = $2 } }
  END {
    others["esper"]; others["siddhi"]
    printf "%-16s %10s %12s %12s %12s %10s %10s\n", "workload", "matches", "Tocsin M/s", "Esper M/s", "Siddhi M/s",
           "x Esper", "x Siddhi"
    for (i = 1; i <= n; ++i) {
      w = names[i]
      for (peer in others)
        if ((peer, w) in matches && matches[peer, w] != matches["tocsin", w]) {
          printf "%s: %s found %d matches, Tocsin %d\n", w, peer, matches[peer, w], matches["tocsin", w] > "/dev/stderr"
          wrong = 1
        }
      e = rate["esper", w]; s = rate["siddhi", w]; t = rate["tocsin", w]
      printf "%-16s %10d %12.2f %12.2f %12.3f %10.1f %10.1f\n", w, matches["tocsin", w], t, e, s, e ? t / e : 0,
             s ? t / s : 0
    }
    exit wrong
  }' "$build/rates.tsv"
