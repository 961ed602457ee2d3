#!/usr/bin/env bash
# Rules replaced again and again under load, and rules that stay the same find every match once. For
# TOCSIN_RELOAD_SECONDS seconds (3) with each number of shards, a reload every 100 ms.
source "$(dirname "$0")/lib.sh" "$@"
source "$root/tests/cli/lib_live.sh"
seconds=${TOCSIN_RELOAD_SECONDS:-3}

# rules ROUND: the same three rules among others, which change their conditions, types and places.
rules() {
  local round=$1
  if ((round % 3 == 0)); then echo "event Other$round { x: int }"; fi
  echo 'event E { k: int, a: int, at: time(ms) @timestamp }'
  if ((round % 2 == 0)); then echo "rule changing { from E[a == $round] emit Changing { a } }"; fi
  echo 'rule pairs { match x: E -> y: E[a == x.a + 1] partition by k within 1s emit Pair { k: y.k, a: y.a } }'
  echo 'rule sums { from E partition by k window sliding 2s when sum(a) > 9000 on rise emit Sum { k, n: count() } }'
  if ((round % 2 == 1)); then echo "rule coming { match x: E[a > 990]{2..} partition by k emit Coming { k } }"; fi
  echo 'rule quiet { match x: E[a == 7] -> not E[a > 900] for 300ms partition by k emit Quiet { k } }'
}
cat >produce.py <<'PYTHON'
# Sends events, and writes them down, until there is a file `stop`.
import os, random, socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
random.seed(5)
at = 0
with open("sent.ndjson", "w") as sent:
    while not os.path.exists("stop"):
        lines = []
        for _ in range(200):
            at += random.randrange(3)
            lines.append('{"type":"E","k":%d,"a":%d,"at":%d}\n' % (random.randrange(50), random.randrange(1000), at))
        text = "".join(lines)
        sent.write(text)
        connection.sendall(text.encode())
        time.sleep(0.005)  # the load: some 30,000 events a second
PYTHON

for shards in ${TOCSIN_TEST_SHARDS:-1 3}; do
  rm -f stop
  rules 0 >r.tocsin
  start r.tocsin --shards "$shards"
  python3 produce.py "$port" &
  producer=$!
  end=$((SECONDS + seconds))
  for ((round = 1; SECONDS < end; ++round)); do
    rules "$round" >next
    mv next r.tocsin
    run 0 reload --control c.sock
    pause 0.1
  done
  touch stop
  wait "$producer" || fail 'the producer failed'
  ends TERM 0
  echo "$shards shards: $round reloads, $(wc -l <sent.ndjson) events"
  rules 0 >all.tocsin
  "$tocsin" run all.tocsin --input sent.ndjson -q >expected_all
  for rule in pairs sums quiet; do
    grep -F "{\"rule\":\"$rule\"," expected_all >expected || fail "nothing to find for $rule"
    grep -F "{\"rule\":\"$rule\"," matches >found || true
    same found expected
  done
  [[ $round -ge $((seconds * 2)) ]] || fail "only $round reloads"
done
