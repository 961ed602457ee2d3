#!/usr/bin/env bash
# The pictures of docs/benchmarks.md. Called by `./dev bench pictures`, which builds what it runs: measures what they
# show, stores it beside them, and draws them. With `draw` it only draws them again from what is stored. The rates are
# those of the last `./dev peers` where there was one, as Esper and Siddhi are measured there; else without these two.
#
#   usage: pictures.sh TOCSIN BENCH_REFERENCE [draw]
set -euo pipefail
tocsin=$(realpath "$1") reference=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=docs/pictures
mkdir -p "$folder"

say() { printf 'pictures: %s\n' "$*" >&2; }

if [[ ${3:-} != draw ]]; then
  if [[ -s build/peers/rates.tsv ]]; then
    say "rates: those of ./dev peers"
    cp build/peers/rates.tsv "$folder/rates.tsv"
  else
    say "rates of the reference workloads"
    mapfile -t workloads < <("$reference" --list)
    "$reference" --rates "${workloads[@]}" >"$folder/rates.tsv"
  fi
  for way in engine shm unix tcp; do
    say "latency by rate: $way"
    "$tocsin" bench --scenario filter --via "$way" --busy-poll --sweep --duration 1s --warmup 200ms --json \
      >"$folder/sweep-$way.json"
  done
fi
python3 bench/pictures/draw.py "$folder"
say "drawn: $folder/rates.svg, $folder/latency.svg"
