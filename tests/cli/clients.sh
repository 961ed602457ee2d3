#!/usr/bin/env bash
# The clients against a server that runs: the examples in C, C++ and Python send events and get the matches.
source "$(dirname "$0")/lib.sh"

"$tocsin" run --help >help || true
if ! grep -q -- --listen help; then
  echo "this command takes no connections"
  exit 77
fi
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

# serve OPTIONS…: starts a server on a Unix socket and a free port; its addresses are in $unix and $tcp.
serve() {
  rm -f ready
  "$tocsin" run "$@" rules.tocsin --listen "unix:$work/socket" --listen tcp:127.0.0.1:0 --ready-file ready -o matches 2>log &
  server=$!
  trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$work"' EXIT
  for ((i = 0; i < 200; ++i)); do
    [[ ! -s ready ]] || break
    sleep 0.05
  done
  unix=unix:$work/socket
  tcp=$(grep -o 'tcp:127.0.0.1:[0-9]*' ready | head -n 1)
  [[ -n $tcp ]] || fail "it does not say where it listens: $(cat log)"
}

stop() {
  kill "$server"
  wait "$server" || fail "it ended with $?: $(cat log)"
}

# listens_and_sends OPTIONS… ADDRESS: both examples, and the one match.
listens_and_sends() {
  : >listen.log
  "$examples/example-listen" "$@" 1 >listened 2>listen.log &
  listener=$!
  for ((i = 0; i < 200; ++i)); do
    if grep -q subscribed listen.log; then break; fi
    sleep 0.05
  done
  "$examples/example-send" "$@" >out 2>err || fail "the C example ended with $?"
  [[ $(cat out) == "sent 4, rejected 0" ]] || fail "the C example says something else"
  wait "$listener" || fail "the C++ example ended with $?: $(cat listen.log)"
  [[ $(cat listened) == "card_testing at 4000000000: card=4711 probes=3 hit=900" ]] ||
    fail "the C++ example got something else: $(cat listened)"
}

for address in unix tcp; do
  serve
  listens_and_sends "${!address}"
  stop
  grep -q '"rule":"card_testing"' matches || fail "the server wrote no match"
done

serve
listens_and_sends --ring "$unix"
stop
grep -q '"rule":"card_testing"' matches || fail "the server wrote no match"

if command -v openssl >/dev/null; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out certificate.pem \
    -days 1 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 2>openssl.log || fail "$(cat openssl.log)"
  chmod 600 key.pem
  printf '[net]\ntls_certificate = "certificate.pem"\ntls_key = "key.pem"\n' >settings.toml
  serve --config settings.toml
  listens_and_sends --ca certificate.pem "tls${tcp#tcp}"
  status=0
  "$examples/example-send" "tls${tcp#tcp}" >out 2>err || status=$?
  [[ $status == 1 ]] && grep -q 'certificate verify failed' err || fail "it trusts a server that nobody vouches for"
  stop
fi

if python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  for shards in 1 2 4; do  # its last event's match comes before the answer to its BYE
    TOCSIN_ENGINE_SHARDS=$shards serve
    for round in 1 2 3 4 5; do
      python3 -B "$root/client/examples/send_and_listen.py" "$tcp" >out 2>err ||
        fail "the Python example ended with $? in round $round at $shards shards"
      [[ $(cat out) == "sent 4, rejected 0
card_testing {'card': '4711', 'probes': 3, 'hit': 900.0}" ]] ||
        fail "the Python example says something else in round $round at $shards shards: $(cat out)"
      stop
      TOCSIN_ENGINE_SHARDS=$shards serve
    done
    stop
  done
fi

# What the rules do not declare is refused, with a sentence for each.
sed -i 's/card: string/cards: string/' rules.tocsin
sed -i 's/partition by card/partition by cards/; s/emit CardTesting { card,/emit CardTesting { cards,/' rules.tocsin
serve
status=0
"$examples/example-send" "$unix" >out 2>err || status=$?
[[ $status == 1 ]] || fail "it should have been refused"
grep -qF "Payment has no field 'card'; did you mean 'cards'?" err || fail "the refusal says something else"
stop
