#!/usr/bin/env bash
# The client library as others find it: installed, found by CMake and by pkg-config, with nothing exported but its
# C functions.
source "$(dirname "$0")/lib.sh"

build=$(dirname "$(dirname "$tocsin")")
if grep -q '^TOCSIN_SANITIZE:STRING=.' "$build/CMakeCache.txt"; then
  echo "a library with a sanitizer in it is not what others link"
  exit 77
fi
cmake --install "$build" --prefix "$PWD/prefix" --component client >install.log || fail "$(cat install.log)"
library=$(find prefix -name libtocsin-client.so)
diff <(nm -D --defined-only "$library" | awk '{ print $3 }' | sort) \
  <(sed -nE 's/^TOCSIN_API [^(]*\b(tocsin_[a-z_]+)\(.*/\1/p' prefix/include/tocsin.h | sort) ||
  fail "what is declared is not what is exported"

readelf -d "$library" | grep -q 'NEEDED.*libssl' || fail "the library does not say that it needs OpenSSL"

cmake -S "$root/client/examples" -B examples -DCMAKE_PREFIX_PATH="$PWD/prefix" >configure.log 2>&1 ||
  fail "$(cat configure.log)"
cmake --build examples >build.log 2>&1 || fail "$(cat build.log)"
status=0
examples/send unix:/nowhere 2>err || status=$?
[[ $status == 1 && $(cat err) == "send: can't connect to unix:/nowhere: No such file or directory" ]] ||
  fail "exit $status: $(cat err)"
status=0
examples/listen tcp:x 2>err || status=$?
[[ $status == 1 && $(cat err) == "listen: an address needs a port: tcp:HOST:PORT" ]] || fail "exit $status: $(cat err)"

status=0
examples/send --ca /nowhere.pem tls:127.0.0.1:1 2>err || status=$?
[[ $status == 1 && $(cat err) == "send: can't connect to tls:127.0.0.1:1: Connection refused" ]] || fail "exit $status: $(cat err)"
status=0
examples/listen --ring tcp:127.0.0.1:1 2>err || status=$?
[[ $status == 1 && $(cat err) == "listen: a ring needs a Unix socket, unix:PATH, and not tcp:127.0.0.1:1" ]] ||
  fail "exit $status: $(cat err)"

export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find prefix -name tocsin-client.pc)")
read -ra flags <<<"$(pkg-config --cflags --libs tocsin-client)"
cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$root/client/examples/send.c" "${flags[@]}" \
  -Wl,-rpath,"$(dirname "$PWD/$library")" -o send 2>cc.log || fail "$(cat cc.log)"
./send unix:/nowhere 2>/dev/null && fail "it should not find a server"
[[ $(./send 2>&1) == "usage: send [--ring] "* ]] || fail "another usage"
[[ $(pkg-config --static --libs tocsin-client) == *-lssl* ]] || fail "pkg-config does not know OpenSSL"
[[ $(pkg-config --libs tocsin-client) != *-lssl* ]] || fail "a program need not link OpenSSL itself"
