#!/usr/bin/env bash
# Every example is right and laid out as it should be, and passes its own tests. Each of its rules finds something: in
# the input that its first comment names, where that is here, else in the tests.
source "$(dirname "$0")/lib.sh" "$@"
cd "$root"

"$tocsin" fmt --check examples/*.tocsin >"$work/out" 2>"$work/err" || fail 'tocsin fmt examples/*.tocsin changes some'

for rules in examples/*.tocsin; do
  "$tocsin" test --coverage "$rules" >"$work/tests" 2>"$work/err" || fail "$rules: $(<"$work/tests")$(<"$work/err")"
  has "$work/tests" 'ok ' ', 0 failed'

  run_line=$(grep -m1 -oE 'tocsin run .*' "$rules") || run_line=
  input=$(grep -oP -- '--input \K\S+' <<<"$run_line") || input=
  if [[ $input != gen:* && ! -r $input ]]; then
    lacks "$work/tests" '  never'
    continue
  fi
  read -ra words <<<"${run_line#tocsin run }"
  status=0
  "$tocsin" run "${words[@]}" >"$work/out" 2>"$work/err" || status=$?
  [[ $status == 0 ]] || fail "$run_line: exit code $status: $(<"$work/err")"
  while read -r rule; do
    grep -qF "{\"rule\":\"$rule\"" "$work/out" || fail "$rules: the rule $rule finds nothing"
  done < <(grep -oP '^rule \K\w+' "$rules")
  lacks "$work/err" 'bad line'
done

# The same seed gives the same events, another one others.
run_demo() { "$tocsin" run examples/card_testing.tocsin --input gen:payments --count 100_000 --seed "$1" 2>/dev/null; }
run_demo 7 >"$work/a"
run_demo 7 >"$work/b"
run_demo 8 >"$work/c"
same "$work/a" "$work/b"
if cmp -s "$work/a" "$work/c"; then fail 'two seeds give the same matches'; fi
