#!/usr/bin/env bash
# The engine as others find it: installed, found by CMake from outside, linked and run.
source "$(dirname "$0")/lib.sh"

build=$(dirname "$(dirname "$tocsin")")
if grep -q '^TOCSIN_SANITIZE:STRING=.' "$build/CMakeCache.txt"; then
  echo "a library with a sanitizer in it is not what others link"
  exit 77
fi
cmake --install "$build" --prefix "$PWD/prefix" >install.log || fail "$(cat install.log)"
[[ -x prefix/bin/tocsin ]] || fail "no command was installed"
cmake -S "$root/examples/embed" -B embed -DCMAKE_PREFIX_PATH="$PWD/prefix" -DCMAKE_BUILD_TYPE=Release \
  >configure.log 2>&1 || fail "$(cat configure.log)"
cmake --build embed >build.log 2>&1 || fail "$(cat build.log)"
embed/embed >out || fail "it ended with $?"
diff - out <<'OUT' || fail "other matches"
failed: user=bob
guessed: user=ann failures=3
OUT
