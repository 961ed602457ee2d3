#!/usr/bin/env bash
# `tocsin fmt`: files in place and all or nothing, stdin to stdout, --check and --diff.
source "$(dirname "$0")/lib.sh" "$@"

# What the layout is, tests/dsl/format_test.cpp says; here a file of each kind.
messy() { printf 'event E{a:int} // an event\nrule r{emit M{a} from E[a>1_000] // large\n}\n'; }
tidy() {
  printf 'event E { a: int }  // an event\n\nrule r {\n  from E[a > 1_000]  // large\n  emit M { a }\n}\n'
}
tidy >tidy.expected

# In place: the names of what changed, permissions kept, nothing left beside it, no second change.
mkdir rules
messy >rules/one.tocsin
tidy >rules/two.tocsin
chmod 640 rules/one.tocsin
touch -d '2001-01-01' rules/two.tocsin
run 0 fmt rules/one.tocsin rules/two.tocsin
[[ $(<out) == rules/one.tocsin ]] || fail 'the names of the changed files are others'
empty err
same rules/one.tocsin tidy.expected
[[ $(stat -c %a rules/one.tocsin) == 640 ]] || fail 'the permissions are others'
[[ $(stat -c %Y rules/two.tocsin) == $(date -d '2001-01-01' +%s) ]] || fail 'a file that is as it should be was touched'
[[ $(ls -A rules) == $'one.tocsin\ntwo.tocsin' ]] || fail 'something was left beside the files'
run 0 fmt rules/*.tocsin
empty out

# A link stays one, and what it leads to is formatted.
messy >rules/one.tocsin
ln -s rules/one.tocsin link.tocsin
run 0 fmt link.tocsin
[[ -L link.tocsin ]] || fail 'the link was replaced'
same rules/one.tocsin tidy.expected

# stdin to stdout.
messy >messy.tocsin
run 0 fmt <messy.tocsin
same out tidy.expected
run 0 fmt - <messy.tocsin
same out tidy.expected
run 0 fmt </dev/null
empty out

# --check and --diff change nothing.
run 1 fmt --check messy.tocsin rules/one.tocsin
has out '--- messy.tocsin' '-event E{a:int} // an event' '+  from E[a > 1_000]  // large'
lacks out one.tocsin
has err '1 of 2 files would be formatted'
messy >again
same messy.tocsin again
run 0 fmt --check rules/one.tocsin
empty out
empty err
run 1 fmt --check - <messy.tocsin
has out '--- <stdin>'
for i in {1..40}; do printf 'event E%s{a:int}\n' "$i"; done >many.tocsin
run 1 fmt --check many.tocsin
lines out 23
has out '… and 61 more lines; --diff shows them'
run 1 fmt --diff many.tocsin
lines out 83
if command -v patch >/dev/null; then
  patch -s many.tocsin out
  run 0 fmt --check many.tocsin
fi

# Line ends, byte order mark, no line end at the end, an empty file.
printf '\xEF\xBB\xBFparam p:int\r\n// c\r\nparam q:int' >odd.tocsin
run 0 fmt odd.tocsin
printf 'param p: int\r\n// c\r\nparam q: int\r\n' | cmp -s - odd.tocsin || fail 'CRLF, BOM or the last line is wrong'
run 0 fmt --check odd.tocsin
printf 'param p: int' >open.tocsin
run 1 fmt --check open.tocsin
has out '\ No newline at end of file'
: >empty.tocsin
run 0 fmt empty.tocsin
empty out
empty empty.tocsin

# A file with errors is left alone and its errors are shown; the others are formatted.
printf 'event E {a int}\nrule r { match }\n' >bad.tocsin
cp bad.tocsin bad.before
messy >rules/one.tocsin
run 1 fmt bad.tocsin missing.tocsin rules . rules/one.tocsin
same bad.tocsin bad.before
same rules/one.tocsin tidy.expected
[[ $(<out) == rules/one.tocsin ]] || fail 'another file than the good one was changed'
has err 'bad.tocsin:1:12: error' 'bad.tocsin:2:' "cannot read 'missing.tocsin'" "cannot format 'rules'"
run 1 fmt --check bad.tocsin

# What is not to be written is not, not even by root, nor is a file in a folder that takes no new one.
messy >rules/one.tocsin
chmod 444 rules/one.tocsin
run 1 fmt rules/one.tocsin
has err "cannot write 'rules/one.tocsin'"
messy | cmp -s - rules/one.tocsin || fail 'a read-only file was changed'
if [[ $(id -u) != 0 ]]; then
  chmod 644 rules/one.tocsin
  chmod 555 rules
  run 1 fmt rules/one.tocsin
  has err "cannot write 'rules/one.tocsin'"
  chmod 755 rules
  messy | cmp -s - rules/one.tocsin || fail 'a file was changed in a folder that takes none'
fi

# A large file: linear, and every comment is there.
for i in {1..20000}; do
  printf '// c%s\nrule r%s { match a: A->b: B[x>a.x] // d\nwithin 1m }\n' "$i" "$i"
done >large.tocsin
run 0 fmt large.tocsin
[[ $(grep -cE '^// c|  // d$' large.tocsin) == 40000 ]] || fail 'comments are lost'
run 0 fmt --check large.tocsin

# Usage.
run 0 fmt --help
has out 'Usage: tocsin fmt RULES' 'Examples:' '--check' '--diff'
run 2 fmt --chekc messy.tocsin
has err "did you mean '--check'?"
