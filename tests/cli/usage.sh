#!/usr/bin/env bash
# Help, version and what a wrong command line gives: a sentence on stderr, exit code 2, nothing on stdout.
source "$(dirname "$0")/lib.sh" "$@"
echo 'event E { a: int } rule r { from E[a > 1] emit M { a: a } }' >r.tocsin

run 2
has err 'Usage: tocsin COMMAND' 'run' 'check' 'explain' 'fmt'
empty out

run 0 --version
grep -qE '^tocsin [0-9]+\.[0-9]+\.[0-9]+$' out || fail 'the version is not of the form tocsin 1.2.3'
empty err

run 0 --help
has out 'Usage: tocsin COMMAND' 'Examples:'
for command in run check explain; do
  run 0 "$command" --help
  has out "Usage: tocsin $command RULES" 'Examples:' "tocsin $command " '--set'
  empty err
  run 0 "$command" -h
done
run 0 run --help
for option in input format event columns type-field separator output with-events dead-letter lateness late-output shards cores \
  idle stats quiet seed count limit-runs limit-window-events limit-window-keys limit-matches limit-reorder limit-batches; do
  has out "--$option"
done
lacks out '--matcher'

# wrong TEXT ARGUMENTS…
wrong() {
  run 2 "${@:2}"
  has err "tocsin: $1" "--help'"
  empty out
}
wrong "unknown command 'chekc'; did you mean 'check'?" chekc r.tocsin
wrong "unknown option '--versoin'; did you mean '--version'?" --versoin
wrong "unknown option '--latenes'; did you mean '--lateness'?" run r.tocsin --latenes 5s
wrong "unknown option '--latenes'; did you mean '--lateness'?" run --latenes=5s
wrong "no rule file is given" check
wrong "no rule file is given" run --input -
wrong "--input needs a value" run r.tocsin --input
wrong "--lateness is given more than once" run r.tocsin --lateness 1s --lateness 2s
wrong "--lateness: '5 parsecs' is no duration" run r.tocsin --lateness '5 parsecs'
wrong "--lateness: '-5s' is no duration" run r.tocsin --lateness -5s
wrong "--lateness: '99999999999d' is no duration" run r.tocsin --lateness 99999999999d
wrong "--set: 'limit' is not of the form name=value" check r.tocsin --set limit
wrong "--shards: '0' is no whole number from 1 to 256" run r.tocsin --shards 0
wrong "--shards: 'x' is no whole number" run r.tocsin --shards x
wrong "--shards: '99999999999999999999' is no whole number" run r.tocsin --shards 99999999999999999999
wrong "--cores: '0,,1' is no list" run r.tocsin --cores 0,,1
wrong "--idle: 'sleep' is none of spin, yield, park" run r.tocsin --idle sleep
wrong "--format: 'xml' is none of" run r.tocsin --format xml
wrong "--stats: 'yaml' is none of" run r.tocsin --stats=yaml
wrong "'events.ndjson' looks like an input, not like rules; write --input events.ndjson" run r.tocsin events.ndjson
wrong "--input: 'gen:paymets' is no generator" run r.tocsin --input gen:paymets
