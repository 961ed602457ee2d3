# shellcheck shell=bash disable=SC2034,SC2154
# For scripts with a service that runs, behind lib.sh: source "$root/tests/cli/lib_live.sh"
# Ports are picked by the kernel, and what must come is waited for. TOCSIN_TEST_SHARDS: with how many shards those with
# many peers go through their cases, as `1 2 4`.
service_pid=
trap 'if [[ -n $service_pid ]]; then kill -KILL "$service_pid" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
mkfifo never
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$root/tests/cli

# await WHAT COMMAND…: until the command succeeds.
await() {
  local what=$1 deadline=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $deadline ]] || fail "$what did not come"
    kill -0 "$service_pid" 2>/dev/null || fail "the service has ended; $what did not come"
    pause 0.02
  done
}

pause() { read -rt "$1" <>"$work/never" || true; } # SECONDS

# start ARGUMENTS…: `tocsin run` at the addresses of `listen`, with metrics and the control socket c.sock; its log in
# `err`, its matches in the file `matches`. Sets service_pid, port (of TCP) and metrics.
listen=(--listen tcp:127.0.0.1:0)
matches=matches
start() {
  rm -f ready
  "$tocsin" run "$@" "${listen[@]}" --control c.sock --metrics tcp:127.0.0.1:0 --ready-file ready >"$matches" 2>err &
  service_pid=$!
  await 'readiness' test -s ready
  port=$(sed -nE 's/^listen tcp:.*:([0-9]+)$/\1/p' ready)
  metrics=$(sed -n 's/^metrics tcp:127.0.0.1://p' ready)
}

# ended STATUS: the service ends by itself with that exit code.
ended() {
  local status=0 deadline=$((SECONDS + 60))
  while kill -0 "$service_pid" 2>/dev/null; do
    [[ $SECONDS -lt $deadline ]] || fail 'the service does not end'
    pause 0.02
  done
  wait "$service_pid" || status=$?
  service_pid=
  [[ $status == "$1" ]] || fail "the service: expected exit code $1, got $status"
}

# ends SIGNAL STATUS: it ends by this signal.
ends() {
  kill -"$1" "$service_pid"
  ended "$2"
}

# forced: SIGTERM again and again, as what is under way does not end; the second one ends it at once.
forced() {
  local deadline=$((SECONDS + 60))
  while kill -TERM "$service_pid" 2>/dev/null; do
    [[ $SECONDS -lt $deadline ]] || fail 'the second SIGTERM does not end the service'
    pause 0.02
  done
  ended 143
}

# start_unread ARGUMENTS…: one that has more matches than a pipe holds, and whose stdout is a pipe that nobody reads: it
# waits for that, and does nothing else.
start_unread() {
  local matches=unread
  rm -f unread
  mkfifo unread
  exec 8<>unread
  start "$@"
  read -rN1 <&8
}

# get PATH: the answer's header and body.
get() {
  exec 6<>"/dev/tcp/127.0.0.1/$metrics"
  printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&6
  cat <&6
  exec 6>&-
}

# says LINE…: each is among the metrics now.
says() {
  local line
  get /metrics >metrics.now
  for line in "$@"; do
    grep -qxF -e "$line" metrics.now || return 1
  done
}

# counted LINE…: the metrics come to say so.
counted() {
  local deadline=$((SECONDS + 60)) line
  until says "$@"; do
    if [[ $SECONDS -ge $deadline ]]; then
      for line in "$@"; do grep -F -e "${line% *}" metrics.now || true; done >out
      fail "the metrics do not come to say: $*"
    fi
    kill -0 "$service_pid" 2>/dev/null || fail "the service has ended"
    pause 0.02
  done
}

# Matches without what depends on when the events came.
fields_of() { sed -E 's/"at":"[^"]*",//; s/,"seqs":.*//'; }

# Memory that a sanitizer uses besides is nobody's limit.
is_sanitized() { grep -qaE '__[at]san_init' "$tocsin"; }
