#!/usr/bin/env bash
# The clients against a server that runs: the examples in C, C++ and Python send events and get the matches.
source "$(dirname "$0")/lib.sh" "$@"
source "$root/tests/cli/lib_live.sh"
examples=$(dirname "$tocsin")

cat >rules.tocsin <<'RULES'
event Payment { card: string, amount: float, country: string?, at: time @timestamp }
rule card_testing {
  match p: Payment[amount < 2]{3..} -> h: Payment[amount > 100]
  partition by card
  within 10m
  emit CardTesting { card, probes: count(p), hit: h.amount }
}
RULES

listen=(--listen "unix:$work/socket" --listen tcp:127.0.0.1:0)
unix=unix:$work/socket
# serve OPTIONS…: a service at $unix and $tcp.
serve() {
  start rules.tocsin "$@"
  tcp=tcp:127.0.0.1:$port
}

# listens_and_sends OPTIONS… ADDRESS: both examples, and the one match.
listens_and_sends() {
  : >listen.log
  "$examples/example-listen" "$@" 1 >listened 2>listen.log &
  listener=$!
  await 'the subscription' grep -q subscribed listen.log
  "$examples/example-send" "$@" >out 2>said || fail "the C example ended with $?: $(cat said)"
  [[ $(cat out) == "sent 4, rejected 0" ]] || fail "the C example says something else"
  wait "$listener" || fail "the C++ example ended with $?: $(cat listen.log)"
  [[ $(cat listened) == "card_testing at 4000000000: card=4711 probes=3 hit=900" ]] ||
    fail "the C++ example got something else: $(cat listened)"
}

for address in unix tcp; do
  serve
  listens_and_sends "${!address}"
  ends TERM 0
  grep -q '"rule":"card_testing"' matches || fail "the server wrote no match"
done

serve
listens_and_sends --ring "$unix"
ends TERM 0
grep -q '"rule":"card_testing"' matches || fail "the server wrote no match"

if command -v openssl >/dev/null; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out certificate.pem \
    -days 1 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 2>openssl.log || fail "$(cat openssl.log)"
  chmod 600 key.pem
  printf '[net]\ntls_certificate = "certificate.pem"\ntls_key = "key.pem"\n' >settings.toml
  serve --config settings.toml
  listens_and_sends --ca certificate.pem "tls${tcp#tcp}"
  status=0
  "$examples/example-send" "tls${tcp#tcp}" >out 2>said || status=$?
  [[ $status == 1 ]] && grep -q 'certificate verify failed' said || fail "it trusts a server that nobody vouches for"
  ends TERM 0
fi

if python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  for shards in 1 2 4; do  # its last event's match comes before the answer to its BYE
    for round in 1 2 3 4 5; do
      serve --shards "$shards"
      python3 -B "$root/client/examples/send_and_listen.py" "$tcp" >out 2>said ||
        fail "the Python example ended with $? in round $round at $shards shards"
      [[ $(cat out) == "sent 4, rejected 0
card_testing {'card': '4711', 'probes': 3, 'hit': 900.0}" ]] ||
        fail "the Python example says something else in round $round at $shards shards: $(cat out)"
      ends TERM 0
    done
  done
fi

# What the rules do not declare is refused, with a sentence for each.
sed -i 's/card: string/cards: string/' rules.tocsin
sed -i 's/partition by card/partition by cards/; s/emit CardTesting { card,/emit CardTesting { cards,/' rules.tocsin
serve
status=0
"$examples/example-send" "$unix" >out 2>said || status=$?
[[ $status == 1 ]] || fail "it should have been refused"
grep -qF "Payment has no field 'card'; did you mean 'cards'?" said || fail "the refusal says something else"
ends TERM 0
