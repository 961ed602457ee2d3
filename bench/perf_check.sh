#!/usr/bin/env bash
# Counts the instructions of the reference workloads (callgrind) and compares them with those that are stored in
# bench/instructions.txt. Fails where one has grown by more than 5 percent. What grows for a good reason is stored
# anew with --update, so that the commit shows it. Counts are of one compiler and its options, and hold on every
# machine that has them, up to the variants of memcpy that libc chooses.
#
#   usage: perf_check.sh BENCH_REFERENCE [--update]
set -euo pipefail
bench=$1 stored=$(dirname "${BASH_SOURCE[0]}")/instructions.txt
counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT

count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=tocsin_counted \
    "$1" --count "$2" 2>"$3/$2.log" || { cat "$3/$2.log" >&2; exit 1; }
  awk '/Collected :/ { print $4 }' "$3/$2.log" >"$3/$2"
}
export -f count
"$bench" --list | xargs -P "$(nproc)" -I NAME bash -c 'count "$@"' _ "$bench" NAME "$counts"

"$bench" --list | while read -r name; do echo "$name $(<"$counts/$name")"; done >"$counts/now"
if [[ ${2:-} == --update ]]; then cp "$counts/now" "$stored"; fi

awk '
  NR == FNR { before[$1] = $2; next }
  FNR == 1 { printf "%-20s %14s %14s %8s\n", "instructions", "stored", "now", "growth" }
  !($1 in before) { printf "%-20s %14s %14d   is not stored\n", $1, "-", $2; failed = 1; next }
  !($2 > 0) { printf "%-20s %14d   nothing was counted\n", $1, before[$1]; delete before[$1]; failed = 1; next }
  {
    growth = 100 * ($2 / before[$1] - 1)
    failed_here = growth > 5
    failed = failed || failed_here
    printf "%-20s %14d %14d %+7.1f%%%s\n", $1, before[$1], $2, growth, failed_here ? "  too much" : ""
    delete before[$1]
  }
  END {
    for (name in before) if (name != "") { print name ": is stored, and no workload"; failed = 1 }
    if (failed) print "store what the change explains: ./dev perf-check --update"
    exit failed
  }' "$stored" "$counts/now"
