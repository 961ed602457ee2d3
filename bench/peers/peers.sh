#!/usr/bin/env bash
# The reference workloads by Tocsin, by hand, by Esper and by Siddhi, over the same events on this machine: one table
# of rates and ratios. Called by `./dev peers`, which builds bench_reference; needs a JDK, Maven and, the first time,
# Maven Central. Rates are of the CPU time of the one thread that feeds and detects; the virtual machine's compiler and
# garbage collector, which run beside it, are not counted against Esper and Siddhi.
#
# Each workload has a virtual machine of its own, and `cap_s` seconds in it: what takes longer has no figure. Where
# Siddhi tries each rule on each event, a run is the first 131,072 events in place of a million, as the rate does not
# depend on it; the number of matches is compared for as many.
#
#   usage: peers.sh BENCH_REFERENCE [WORKLOAD…]     all that --list shows; those that a peer has no rule for are left out
set -euo pipefail
reference=$(realpath "$1")
workloads=("${@:2}")
if [[ ${#workloads[@]} == 0 ]]; then mapfile -t workloads < <("$reference" --list); fi
cd "$(dirname "${BASH_SOURCE[0]}")"
build=../../build/peers
cap_s=300
mkdir -p "$build"

say() { printf 'peers: %s\n' "$*" >&2; }

# events_of PEER WORKLOAD
events_of() {
  case $1-$2 in
    siddhi-rules_1000 | siddhi-thresholds) echo 131072 ;;
    *) echo 1048576 ;;
  esac
}

# measure PEER WORKLOAD: adds its line to what has been measured.
measure() {
  local peer=$1 workload=$2 class=${1^}Peer line code=0
  line=$(timeout "$cap_s" java -Xms2g -Xmx2g -cp "$peer/target/$peer-1.jar:$(<"$peer/target/classpath")" "peers.$class" \
    "$build/ticks.csv" "$build/payments.csv" "$(events_of "$peer" "$workload")" "$workload" \
    2>"$build/$peer-$workload.log") || code=$?
  if [[ $code == 124 ]]; then
    say "$peer, $workload: more than $cap_s s, left out"
  elif [[ $code != 0 ]]; then
    tail -5 "$build/$peer-$workload.log" >&2
    say "$peer, $workload: failed"
    exit 1
  elif [[ -n $line ]]; then
    printf '%s\n' "$line" >>"$measured"
    say "$peer, $workload: $(awk -F'\t' '{ printf "%.3f M/s", $5 / 1e6 }' <<<"$line")"
  fi
}

say "building with Maven"
mvn -q -B -Dstyle.color=never package dependency:build-classpath -Dmdep.outputFile=target/classpath >&2

say "writing the events"
"$reference" --write filter >"$build/ticks.csv"
"$reference" --write sequence >"$build/payments.csv"

measured=$build/rates.new
: >"$measured"
for workload in "${workloads[@]}"; do
  "$reference" --rates "$workload" >>"$measured"
  say "tocsin, $workload: $(awk -F'\t' '$1 == "tocsin" { rate = $5 } END { printf "%.1f M/s", rate / 1e6 }' "$measured")"
  for peer in esper siddhi; do measure "$peer" "$workload"; done
done
mv "$measured" "$build/rates.tsv"

# Lines of engine, workload, events, matches, events a second.
awk -F'\t' '
  function or_none(format, value) { return value ? sprintf(format, value) : "-" }
  $1 == "matches" { expected[$2, $3] = $4; next }
  { if (!($2 in seen)) { seen[$2]; names[++n] = $2 } rate[$1, $2] = $5 / 1e6 }
  $1 == "tocsin" { matches[$2] = $4 }
  $1 == "esper" || $1 == "siddhi" {
    if ($4 != expected[$2, $3]) {
      printf "%s: %s found %d matches among %d events, Tocsin %d\n", $2, $1, $4, $3, expected[$2, $3] > "/dev/stderr"
      wrong = 1
    }
  }
  END {
    printf "%-17s %9s %8s %8s %8s %8s %9s %8s %8s %8s\n", "million a second", "matches", "Tocsin", "by hand", "asked",
           "Esper", "Siddhi", "/by hand", "x Esper", "x Siddhi"
    for (i = 1; i <= n; ++i) {
      w = names[i]; t = rate["tocsin", w]; e = rate["esper", w]; s = rate["siddhi", w]; h = rate["by_hand", w]
      printf "%-17s %9d %8.1f %8.1f %8s %8s %9s %8.2f %8s %8s\n", w, matches[w], t, h, or_none("%.0f", rate["asked", w]),
             or_none("%.2f", e), or_none("%.3f", s), t / h, or_none("%.1f", e ? t / e : 0), or_none("%.0f", s ? t / s : 0)
    }
    exit wrong
  }' "$build/rates.tsv"
