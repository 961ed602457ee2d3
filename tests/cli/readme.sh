#!/usr/bin/env bash
# The README's commands (its `sh` blocks) run as they stand, one after the other, and print what the `json`
# blocks after them say.
source "$(dirname "$0")/lib.sh" "$@"
mkdir bin
ln -s "$tocsin" bin/tocsin
export PATH=$work/bin:$PATH

awk '
  /^```(sh|json)$/ { kind = substr($0, 4); n += kind == "sh"; next }
  /^```/ { kind = ""; next }
  kind { print > (kind "." n) }
' "$root/README.md"

blocks=0
while [[ -f sh.$((blocks + 1)) ]]; do
  blocks=$((blocks + 1))
  bash -euo pipefail "sh.$blocks" >out 2>err || fail "block $blocks of the README fails"
  if [[ -f json.$blocks ]]; then same out "json.$blocks"; fi
done
[[ $blocks == 4 ]] || fail "expected 4 blocks in the README, found $blocks"
for link in $(grep -oP '\]\(\K[^)#:]+(?=\))' "$root/README.md"); do
  [[ -e $root/$link ]] || fail "the README links $link, which is not there"
done
