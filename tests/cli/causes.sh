#!/usr/bin/env bash
# Matches over what rules emitted say which matches these were, in the same words for every number of shards and
# every size of batch.
source "$(dirname "$0")/lib.sh" "$@"
cat >r.tocsin <<'RULES'
event Login { user: string, host: string, ok: bool, at: time(s) @timestamp }
rule guess {
  match f: Login[not ok] -> s: Login[ok]
  partition by user
  within 5s
  report all
  emit Guess { user, host: f.host }
  on timeout emit Quiet { user, host: f.host }
}
rule per_host {
  match a: Guess -> b: Guess
  partition by host
  report all
  emit PerHost { host }
}
rule quiet { match q: Quiet{2} emit TwoQuiet { n: count(q) } }
rule campaign { match p: PerHost{2} -> t: TwoQuiet emit Campaign { n: count(p) } }
RULES
cat >events <<'EVENTS'
{"type":"Login","user":"ann","host":"h1","ok":false,"at":1}
{"type":"Login","user":"ann","host":"h2","ok":false,"at":1}
{"type":"Login","user":"ann","host":"h1","ok":true,"at":2}
{"type":"Login","user":"bob","host":"h1","ok":false,"at":3}
{"type":"Login","user":"bob","host":"h2","ok":false,"at":3}
{"type":"Login","user":"bob","host":"h2","ok":true,"at":4}
{"type":"Login","user":"eve","host":"h3","ok":false,"at":5}
{"type":"Login","user":"joe","host":"h4","ok":false,"at":5}
{"type":"Login","user":"joe","host":"h5","ok":false,"at":30}
EVENTS
run 0 run r.tocsin --input events
has out '"seqs":[1,3]}' '"seqs":[2,3],"n":1}' \
  '"fields":{"host":"h2"},"labels":{},"seqs":[3,6],"n":1,"causes":[{"rule":"guess","at":"1970-01-01T00:00:02Z","seq":3,"n":1},{"rule":"guess","at":"1970-01-01T00:00:04Z","seq":6,"n":1}]}' \
  '"seqs":[7,8],"causes":[{"rule":"guess","at":"1970-01-01T00:00:10Z","timeout":true,"seq":7},{"rule":"guess","at":"1970-01-01T00:00:10Z","timeout":true,"seq":8}]}' \
  '"seqs":[6,6,8],"causes":[{"rule":"per_host","at":"1970-01-01T00:00:04Z","seq":6},{"rule":"per_host","at":"1970-01-01T00:00:04Z","seq":6,"n":1},{"rule":"quiet","at":"1970-01-01T00:00:10Z","seq":8}]}'
mv out expected
for shards in 1 2 3 7; do
  for batch in 1 2 1000; do
    run 0 run r.tocsin --input events --shards $shards --batch $batch
    same out expected
  done
done
run 0 run r.tocsin --input events --with-events
has out '"n":1,"causes":[{"rule":"guess"' '}],"events":{"a":[{"type":"Guess","user":"ann","host":"h2"}]'
