#!/usr/bin/env python3
"""Draws what was measured, as SVG: bars of rates by workload and engine, and curves of latency over rate by transport.

usage: draw.py FOLDER

Reads FOLDER/rates.tsv (lines of engine, workload, events, matches, events a second, as `./dev peers` and `bench_reference --rates`
write them) and FOLDER/sweep-*.json (of `tocsin bench --sweep --json`), and writes FOLDER/rates.svg and FOLDER/latency.svg.
Both axes of each are logarithmic. Needs nothing but Python; the pictures follow a reader's light or dark scheme and
have a ground of their own, so that they can be read on any page.
"""
import json
import math
import os
import sys
from xml.sax.saxutils import escape

STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-size: 15px; font-weight: 600 }
.small { font-size: 10px; fill: #57606a } .ground { fill: #ffffff } .grid { stroke: #d0d7de }
.c0 { fill: #1b6ca8; stroke: #1b6ca8 } .c1 { fill: #8c959f; stroke: #8c959f } .c2 { fill: #bf5b04; stroke: #bf5b04 }
.c3 { fill: #7b4ea3; stroke: #7b4ea3 } .mark { stroke: #cf222e; stroke-width: 2.5 } .line { fill: none; stroke-width: 2 }
.bar { stroke: none } text.c0, text.c1, text.c2, text.c3 { stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9da7b3 } .ground { fill: #0d1117 } .grid { stroke: #30363d }
.c0 { fill: #58a6ff; stroke: #58a6ff } .c1 { fill: #8b949e; stroke: #8b949e } .c2 { fill: #f0883e; stroke: #f0883e }
.c3 { fill: #bc8cff; stroke: #bc8cff } .mark { stroke: #ff7b72 } }
</style>
"""

WORKLOADS = {
    "filter": "one condition: price > 95",
    "sequence": "three payments of a card, 10,000 cards",
    "sequence_million": "the same, a million cards",
    "contiguous": "three that follow at once, a card",
    "count_sum": "count and sum of a card's 60 s",
    "count_every": "the same, true at most events",
    "rules_1000": "1,000 rules on symbol and price",
    "rules_10000": "10,000 rules on symbol and price",
    "thresholds": "1,000 thresholds, 4.8 matches an event",
    "any_3": "~>, 3 steps in 1,000 events",
    "any_6": "~>, 6 steps",
    "any_12": "~>, 12 steps",
    "enumerate": "~>, all matches listed (matches/s)",
}
ENGINES = {"tocsin": "Tocsin", "by_hand": "written by hand in C++", "esper": "Esper", "siddhi": "Siddhi"}
WAYS = {"engine": "engine alone, no hop", "shm": "shared memory", "unix": "Unix socket", "tcp": "TCP"}


class Svg:
    def __init__(self, width, height, title):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'role="img" aria-label="{escape(title)}">\n{STYLE}<rect class="ground" width="100%" height="100%" rx="8"/>\n'
        ]
        self.text(16, 26, title, "title")

    def text(self, x, y, text, kind="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>\n')

    def line(self, x1, y1, x2, y2, kind):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>\n')

    def bar(self, x, y, width, height, kind):
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5" class="bar {kind}"/>\n')

    def curve(self, points, kind, dashes):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" class="line {kind}" style="fill: none" '
                          f'stroke-dasharray="{dashes}"/>\n')

    def written(self):
        return "".join(self.parts) + "</svg>\n"


class Axis:
    """Whole powers of ten around its values, from `begin` to `end` of the picture."""

    def __init__(self, values, begin, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.begin, self.end = begin, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def marks(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]


def rate_name(rate):
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= size:
            return f"{rate / size:g}{name}/s"
    return f"{rate:g}/s"


def time_name(ns):
    for size, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= size:
            return f"{ns / size:g} {name}"
    return f"{ns:g} ns"


def read_rates(lines):
    """{workload: {engine: events a second}}, in the order of the lines."""
    rates = {}
    for line in lines:
        engine, workload, _, _, rate = line.rstrip("\n").split("\t")
        if engine != "matches":
            rates.setdefault(workload, {})[engine] = float(rate)
    return rates


def draw_rates(rates):
    bar, gap, left, right, top = 11, 12, 260, 70, 84
    rows = {workload: [engine for engine in ENGINES if engine in by] for workload, by in rates.items()}
    height = top + sum(bar * len(engines) + gap for engines in rows.values()) + 40
    width = 860
    svg = Svg(width, height, "Events a second, one core (longer is faster; each line is ten times the one before)")
    x = Axis([rate for by in rates.values() for rate in by.values()], left, width - right)
    at = 16
    for i, (engine, name) in enumerate(ENGINES.items()):
        if any(engine in by for by in rates.values()):
            svg.bar(at, 42, 12, 12, f"c{i}")
            svg.text(at + 18, 52, name)
            at += 40 + 7 * len(name)
    svg.line(at + 4, 41, at + 4, 55, "mark")
    svg.text(at + 12, 52, "what was asked of Tocsin")
    for mark in x.marks():
        svg.line(x.at(mark), top - 8, x.at(mark), height - 36, "grid")
        svg.text(x.at(mark), height - 18, rate_name(mark), "small", "middle")
    y = top
    for workload, engines in rows.items():
        size = bar * len(engines)
        svg.text(left - 10, y + size / 2 + 4, WORKLOADS.get(workload, workload), "", "end")
        for engine in engines:
            rate = rates[workload][engine]
            svg.bar(left, y, x.at(rate) - left, bar - 1.5, f"c{list(ENGINES).index(engine)}")
            svg.text(x.at(rate) + 5, y + bar - 2.5, rate_name(float(f"{rate:.3g}")), "small")
            y += bar
        if rates[workload].get("asked"):
            svg.line(x.at(rates[workload]["asked"]), y - size - 2, x.at(rates[workload]["asked"]), y, "mark")
        y += gap
    return svg.written()


def read_sweep(text):
    """[(events a second, {percentile: ns})] of those rates that were kept up."""
    result = json.loads(text)
    points = [(step["all"]["rate"], step["all"]["latency_ns"]) for step in result["rates"]
              if not step["all"]["saturated"] and step["all"]["timed"]]
    return result["via"], points


def draw_latency(sweeps):
    curves = {"p50": "", "p99": "6 4"}
    width, height, left, right, top, bottom = 860, 460, 80, 170, 84, 50
    svg = Svg(width, height, "From when an event was due to when its match was there, by rate")
    x = Axis([rate for points in sweeps.values() for rate, _ in points], left, width - right)
    y = Axis([ns[curve] for points in sweeps.values() for _, ns in points for curve in curves], height - bottom, top)
    svg.text(16, 52, "solid: half of all events are at most so late (p50); dashed: 99 of 100 are (p99). "
             "A curve ends where the rate can no longer be kept up.")
    for mark in x.marks():
        svg.line(x.at(mark), top, x.at(mark), height - bottom, "grid")
        svg.text(x.at(mark), height - bottom + 18, rate_name(mark), "small", "middle")
    svg.text((left + width - right) / 2, height - 10, "events a second", "small", "middle")
    for mark in y.marks():
        svg.line(left, y.at(mark), width - right, y.at(mark), "grid")
        svg.text(left - 8, y.at(mark) + 4, time_name(mark), "small", "end")
    ends = []
    for i, way in enumerate(WAYS):
        if not sweeps.get(way):
            continue
        for curve, dashes in curves.items():
            svg.curve([(x.at(rate), y.at(ns[curve])) for rate, ns in sweeps[way]], f"c{i}", dashes)
        ends.append((y.at(sweeps[way][-1][1]["p50"]), i, WAYS[way]))
    at = top
    for _, i, name in sorted(ends):  # from the top down, as the curves end
        svg.bar(width - right + 14, at - 9, 10, 10, f"c{i}")
        svg.text(width - right + 30, at, name)
        at += 20
    return svg.written()


def main(folder):
    rates_file = os.path.join(folder, "rates.tsv")
    if os.path.exists(rates_file):
        with open(rates_file, encoding="utf-8") as lines:
            rates = read_rates(lines)
        with open(os.path.join(folder, "rates.svg"), "w", encoding="utf-8") as out:
            out.write(draw_rates(rates))
    sweeps = {}
    for name in sorted(os.listdir(folder)):
        if name.startswith("sweep-") and name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf-8") as text:
                via, points = read_sweep(text.read())
            sweeps[via] = points
    if any(sweeps.values()):
        with open(os.path.join(folder, "latency.svg"), "w", encoding="utf-8") as out:
            out.write(draw_latency(sweeps))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(__doc__)
    main(sys.argv[1])
