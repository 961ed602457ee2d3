#!/usr/bin/env bash
# Holds the sources to the dependency rule of ARCHITECTURE.md: who may include whom. Prints one line for each
# include that breaks it and fails.
#
#   usage: check_includes.sh [ROOT]
#
# Includes in quotes are the project's own, rooted at ROOT; those in angle brackets are not.
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"

# layer → what its files may include, besides itself
declare -A allowed=(
  [engine/base]=""
  [engine/model]="engine/base"
  [engine/plan]="engine/base engine/model"
  [engine/match]="engine/base engine/model engine/plan"
  [engine/runtime]="engine/base engine/model engine/plan engine/match"
  [dsl]="engine/base engine/model engine/plan"
  [connectors/wire]="engine/base engine/model connectors/opened.hpp"
  [connectors/net]="engine/base engine/model connectors"
  [connectors]="engine/base engine/model engine/runtime/engine.hpp"
  [service]="engine dsl connectors"
  [client]="engine/base engine/model connectors/wire"
  [tester]="engine dsl"
  [cli]="engine dsl tester connectors service bench/measure bench/load"
  [tests]="engine dsl tester connectors service client cli bench"
  [bench/measure]="engine/base"
  [bench/load]="engine dsl connectors service bench/measure"
  [bench/transports]="engine dsl connectors bench/measure bench/load"
  [bench/common]="engine dsl bench/measure"
  [bench]="engine dsl connectors"
)
# folders of the project, for includes in angle brackets that should be in quotes
own='^(engine|dsl|tester|connectors|service|client|cli|tests|bench)/'
include='^[[:space:]]*#[[:space:]]*include[[:space:]]*([<"])([^>"]+)[>"]'

layer_of() {
  case $1 in
    engine/*/* | connectors/*/* | bench/*/*) local rest=${1#*/}; echo "${1%%/*}/${rest%%/*}" ;;
    */*) echo "${1%%/*}" ;;
  esac
}

# Succeeds where a file of layer $1 may include $2.
may_include() {
  local prefix
  for prefix in "$1" ${allowed[$1]}; do
    if [[ $2 == "$prefix" || $2 == "$prefix"/* ]]; then return 0; fi
  done
  return 1
}

broken=0
report() {
  printf '%s\n' "$1" >&2
  broken=$((broken + 1))
}

# check FILE LINE TEXT
check() {
  local file=$1 line=$2 layer target
  [[ $3 =~ $include ]] || return 0
  target=${BASH_REMATCH[2]}
  if [[ ${BASH_REMATCH[1]} == '<' ]]; then
    if [[ $target =~ $own ]]; then report "$file:$line: <$target> is the project's own: write it in quotes"; fi
    return 0
  fi
  layer=$(layer_of "$file")
  if [[ ! -v allowed[$layer] ]]; then
    report "$file:$line: the folder '$layer' is not known here; give it its rule in tests/check_includes.sh"
  elif [[ ! -f $target ]]; then
    report "$file:$line: \"$target\" is no file; includes are rooted at the repository"
  elif [[ $target == *.cpp ]]; then
    report "$file:$line: \"$target\" is a source, not a header"
  elif ! may_include "$layer" "$target"; then
    report "$file:$line: \"$target\" breaks the dependency rule: $layer may include ${allowed[$layer]:-nothing else}"
  fi
}

folders=()
for folder in engine dsl tester connectors service client cli tests bench; do
  if [[ -d $folder ]]; then folders+=("$folder"); fi
done
if [[ ${#folders[@]} == 0 ]]; then
  report "$PWD: no sources here"
fi

checked=0
while IFS=: read -r file line text; do
  check "$file" "$line" "$text"
  checked=$((checked + 1))
done < <(grep -rnE --include='*.[ch]pp' '^[[:space:]]*#[[:space:]]*include' "${folders[@]}" || true)

if [[ $broken -gt 0 ]]; then
  printf '%d of %d includes are wrong\n' "$broken" "$checked" >&2
  exit 1
fi
printf '%d includes are right\n' "$checked"
