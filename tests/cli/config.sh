#!/usr/bin/env bash
# tocsin config: the effective settings with their origins, and the exit codes where something is wrong.
source "$(dirname "$0")/lib.sh" "$@"

run 0 config --config "$root/examples/tocsin.toml"
empty err
has out 'listen = ["tcp:127.0.0.1:7007", "unix:/run/tocsin/tocsin.sock"]' "# $root/examples/tocsin.toml:13"

printf '[engine]\nshards = 2\n[log]\nlevel = "debug"\n' >t.toml
TOCSIN_ENGINE_SHARDS=3 run 0 config --config t.toml r.tocsin --lateness 5s
grep -qE '^shards = 3 +# TOCSIN_ENGINE_SHARDS$' out || fail 'the environment should go before the file'
grep -qE '^level = "debug" +# t.toml:4$' out || fail 'the file should be named with its line'
grep -qE '^lateness = "5s" +# --lateness$' out || fail 'the flag should be named'
cp out again.toml
run 0 config --config again.toml
TOCSIN_CONFIG=t.toml run 0 config
has out 'shards = 2'

printf '[engine]\nshrads = 2\nidle = "sleep"\n' >bad.toml
run 1 config --config bad.toml
empty out
has err "bad.toml:2:1: unknown setting 'engine.shrads'; did you mean 'engine.shards'?" \
  "bad.toml:3:8: engine.idle: 'sleep' is none of spin, yield, park"
run 1 run --config bad.toml
has err 'bad.toml:2:1:'
run 1 config --config none.toml
has err 'cannot read none.toml'
TOCSIN_LOG_LEVLE=info run 1 config
has err 'TOCSIN_LOG_LEVLE is no setting; did you mean TOCSIN_LOG_LEVEL?'
run 2 config --listen nowhere
has err '--listen: '
run 2 config --control c.sock
has err 'control needs listen'
run 2 config --listen tcp:127.0.0.1:0 --metrics tcp:0.0.0.0:9464
has err 'others than this machine'
