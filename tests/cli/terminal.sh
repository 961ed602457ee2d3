#!/usr/bin/env bash
# What a terminal sees: colours, unless NO_COLOR says otherwise, and the progress of a long run; both on stderr
# alone. `script` gives the command a terminal; the run ends by a signal once its progress was seen.
source "$(dirname "$0")/lib.sh" "$@"
command -v script >/dev/null || exit 77
escape=$(printf '\033[')
# Two terminals in one would mix the streams, so stdout goes to a file.
on_terminal() { script -qefc "$1 >out" /dev/null </dev/null >seen || true; }

echo 'rule r { match a: Nothing }' >wrong.tocsin
NO_COLOR= on_terminal "'$tocsin' check wrong.tocsin"
has seen "unknown event type 'Nothing'" "$escape"
NO_COLOR=1 on_terminal "'$tocsin' check wrong.tocsin"
has seen "unknown event type 'Nothing'"
lacks seen "$escape"
run 1 check wrong.tocsin
lacks err "$escape"

# The results of tests go to stdout.
echo 'event A { x: int } rule r { match a: A } test "t" { 0s A { x: 1 } expect r }' >tests.tocsin
NO_COLOR='' script -qefc "'$tocsin' test tests.tocsin" /dev/null </dev/null >seen || fail 'the test does not pass'
has seen 'ok ' "$escape"
NO_COLOR=1 script -qefc "'$tocsin' test tests.tocsin" /dev/null </dev/null >seen || fail 'the test does not pass'
lacks seen "$escape"

cat >long.tocsin <<'RULES'
event Payment { card: string, amount: float, at: time @timestamp }
rule r { from Payment[amount > 1000000] emit Large { card } }
RULES
mkfifo terminal
script -qefc "echo \$\$ >pid; exec '$tocsin' run long.tocsin --input gen:payments --count 1_000_000_000_000 >out" \
  /dev/null </dev/null >terminal &
job=$!
exec 3<terminal
# Each line of progress begins by going back to the line's begin.
read -r -d $'\r' _ <&3
read -r -d $'\r' progress <&3
kill -INT "$(cat pid)"
rest=$(cat <&3)
wait "$job" || fail "the run did not end well: $rest"
[[ $progress == *events*/s,*matches* ]] || fail "no progress was shown: $progress"
[[ $rest == *SIGINT*events/s* ]] || fail "no totals were shown: $rest"
empty out
