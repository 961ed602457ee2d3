# shellcheck shell=bash disable=SC2034
# For the scripts beside it, which start with: source "$(dirname "$0")/lib.sh" TOCSIN ROOT
# Gives them the command ($tocsin), the repository ($root) and an empty folder of their own to stand in.
set -euo pipefail
tocsin=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NO_COLOR=1
export -n TOCSIN_TEST_SHARDS TOCSIN_RELOAD_SECONDS # the scripts' own; the command would take them for settings

fail() {
  printf 'FAILED: %s\n' "$1"
  for file in out err; do
    if [[ -s $file ]]; then printf -- '--- %s\n%s\n' "$file" "$(head -c 1500 "$file")"; fi
  done
  if [[ -s err ]]; then sed -n '/: [A-Za-z]*Sanitizer/,$p' err | head -c 8000; fi # beyond what was shown
  exit 1
}

# run STATUS ARGUMENTS…: runs tocsin, stdout to `out`, stderr to `err`, and expects the exit code.
run() {
  local expected=$1 status=0
  shift
  "$tocsin" "$@" >out 2>err || status=$?
  [[ $status == "$expected" ]] || fail "tocsin $*: expected exit code $expected, got $status"
}

# has FILE TEXT…: the file holds each text.
has() {
  local file=$1 text
  shift
  for text in "$@"; do
    grep -qF -e "$text" "$file" || fail "$file lacks: $text"
  done
}

lacks() {
  if grep -qF -e "$2" "$1"; then fail "$1 should not hold: $2"; fi
}

empty() { [[ ! -s $1 ]] || fail "$1 should be empty"; }

lines() { # lines FILE COUNT
  local count
  count=$(wc -l <"$1")
  [[ $count == "$2" ]] || fail "$1: expected $2 lines, got $count"
}

same() { cmp -s "$1" "$2" || fail "$1 and $2 differ: $(diff "$1" "$2" | head -20)"; }
