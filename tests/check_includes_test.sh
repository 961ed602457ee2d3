#!/usr/bin/env bash
# Shows that check_includes.sh finds each kind of wrong include, names its place and rule, and passes what is
# right. Builds a small tree of its own.
set -euo pipefail
checker=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check_includes.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# put FILE LINE…
put() {
  mkdir -p "$tree/$(dirname "$1")"
  printf '%s\n' "${@:2}" >"$tree/$1"
}

# expect STATUS TEXT: what the checker says of the tree as it is now
expect() {
  local status=0 output
  output=$("$checker" "$tree" 2>&1) || status=$?
  if [[ $status != "$1" || $output != *"$2"* ]]; then
    printf 'expected exit %s and "%s", got exit %s and:\n%s\n' "$1" "$2" "$status" "$output"
    exit 1
  fi
}

# wrong TEXT FILE LINE…: this file alone makes the tree wrong
wrong() {
  put "${@:2}"
  expect 1 "$1"
  rm "$tree/$2"
  expect 0 "are right"
}

put engine/base/limits.hpp '#pragma once'
put engine/plan/plan.hpp '#include "engine/base/limits.hpp"'
put engine/match/nfa.hpp '#include <vector>' '#include "engine/plan/plan.hpp"'
put engine/runtime/engine.hpp '#include "engine/match/nfa.hpp"'
put engine/runtime/shard.hpp '#include "engine/runtime/engine.hpp"'
put dsl/compile.hpp '#include "engine/plan/plan.hpp"' '// #include "engine/match/nfa.hpp"'
put dsl/compile.cpp '#include "dsl/compile.hpp"'
put connectors/file.cpp '#include "engine/runtime/engine.hpp"'
put cli/main.cpp '#include "dsl/compile.hpp"' '#include "engine/runtime/engine.hpp"'
expect 0 '10 includes are right'

wrong 'dsl/bad.cpp:2: "engine/match/nfa.hpp" breaks the dependency rule: dsl may include engine/base engine/model engine/plan' \
  dsl/bad.cpp '// a comment' '#include "engine/match/nfa.hpp"'
wrong 'engine/base/bad.hpp:1: "engine/plan/plan.hpp" breaks the dependency rule: engine/base may include nothing else' \
  engine/base/bad.hpp '#include "engine/plan/plan.hpp"'
wrong 'engine/match/bad.cpp:1: "dsl/compile.hpp" breaks' engine/match/bad.cpp '#  include "dsl/compile.hpp"'
wrong 'connectors/bad.cpp:1: "engine/runtime/shard.hpp" breaks' connectors/bad.cpp '#include "engine/runtime/shard.hpp"'
wrong 'dsl/bad.cpp:1: "compile.hpp" is no file; includes are rooted' dsl/bad.cpp '#include "compile.hpp"'
wrong 'cli/bad.cpp:1: <dsl/compile.hpp> is the project' cli/bad.cpp '#include <dsl/compile.hpp>'
wrong 'cli/bad.cpp:1: "dsl/compile.cpp" is a source' cli/bad.cpp '#include "dsl/compile.cpp"'
wrong "the folder 'engine/extra' is not known" engine/extra/bad.cpp '#include "engine/base/limits.hpp"'

rm -r "${tree:?}"/*
expect 1 'no sources here'
echo "all wrong includes were found"
