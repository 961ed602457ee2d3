#!/usr/bin/env bash
# The pictures of docs/benchmarks.md: what `tocsin bench --json` gives and a table of rates become well-formed SVG in
# which each rate has its bar, longer for more, and each transport its curves.
source "$(dirname "$0")/lib.sh" "$@"
draw=$root/bench/pictures/draw.py

mkdir pictures
for via in engine unix; do
  run 0 bench --scenario filter --via $via --rate 5k --count 2000 --repeats 1 --warmup 0 --json
  cp out pictures/sweep-$via.json
done
{
  printf 'tocsin\tfilter\t1000\t50\t200000000\nby_hand\tfilter\t1000\t50\t900000000\nasked\tfilter\t1000\t50\t100000000\n'
  printf 'matches\tfilter\t1000\t50\t0\nesper\tfilter\t1000\t50\t6400000\ntocsin\tone & other\t1000\t50\t30000000\n'
} >pictures/rates.tsv
python3 "$draw" pictures || fail "drawing failed"

python3 - <<'PY' || fail "the pictures are wrong"
import xml.etree.ElementTree as tree
svg = "{http://www.w3.org/2000/svg}"
rates = tree.parse("pictures/rates.svg").getroot()
texts = [text.text for text in rates.iter(svg + "text")]
bars = {}
for bar in rates.iter(svg + "rect"):
    if float(bar.get("width").rstrip("%")) > 12 and "bar" in bar.get("class"):
        bars.setdefault(bar.get("class"), []).append(float(bar.get("width")))
assert set(bars) == {"bar c0", "bar c1", "bar c2"}, bars  # no Siddhi
assert bars["bar c2"][0] < bars["bar c0"][1] < bars["bar c0"][0] < bars["bar c1"][0], bars
assert "200M/s" in texts and "one & other" in texts and "Siddhi" not in texts, texts
latency = tree.parse("pictures/latency.svg").getroot()
texts = [text.text for text in latency.iter(svg + "text")]
assert len(list(latency.iter(svg + "polyline"))) == 4
assert "Unix socket" in texts and "TCP" not in texts, texts
PY

python3 "$draw" nowhere 2>err && fail "no folder is an error"
has err usage
