#!/usr/bin/env bash
# Who may come in: public addresses, TLS, tokens, client certificates. What is refused is refused with a sentence, and
# counted; what is let in gives the same matches as a file.
source "$(dirname "$0")/lib.sh" "$@"
source "$root/tests/cli/lib_live.sh"
for needed in openssl python3; do
  command -v "$needed" >/dev/null || { echo "there is no $needed"; exit 77; }
done

cat >r.tocsin <<'RULES'
event E { k: int, a: int, n: int }
rule pairs { match x: E -> y: E[a == x.a + 1] partition by k emit Pair { k: y.k, a: y.a, n: y.n } }
RULES

# self_signed NAME ARGUMENTS…; signed NAME: by ca.
self_signed() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "$1.key" -out "$1.pem" \
    -subj "/CN=$1" "${@:2}" 2>openssl.log || fail "openssl: $(cat openssl.log)"
}
signed() {
  {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" &&
      openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem"
  } 2>openssl.log || fail "openssl: $(cat openssl.log)"
}
self_signed server -addext subjectAltName=IP:127.0.0.1
self_signed stranger
self_signed ca
signed client
printf 'a-long-secret-4711\n' >token
chmod 600 ./*.key token

tls=('tls_certificate = "server.pem"' 'tls_key = "server.key"')
# settings LINE…: the configuration file.
settings() { printf '%s\n' '[net]' 'handshake_timeout = "1s"' "$@" >net.toml; }

# Addresses that others reach. --ready-file would show that it listened.
public() { run "$1" run r.tocsin --config net.toml --listen "$2" --ready-file listened; }
settings
for address in tcp:0.0.0.0:0 'tcp:[::]:0' tcp:10.1.2.3:7007; do
  public 2 "$address"
  has err "$address can be reached from other machines: it needs TLS (a certificate and a key), or \`insecure\`"
done
run 2 run r.tocsin --listen tcp:127.0.0.1:0 --listen tcp:0.0.0.0:0
run 2 run r.tocsin --listen tcp:127.0.0.1:0 --metrics tcp:0.0.0.0:0
has err 'set metrics_public if they may'
settings "${tls[@]}"
public 2 tcp:0.0.0.0:0
has err 'it needs a token or client certificates'
settings 'token_file = "token"'
public 2 tcp:0.0.0.0:0
has err 'it needs TLS'
[[ ! -e listened ]] || fail 'it listened all the same'

# Files that won't do.
settings "${tls[0]}"
public 2 tcp:0.0.0.0:0
has err 'net.tls_certificate and net.tls_key go together'
settings 'tls_clients = "ca.pem"'
public 2 tcp:0.0.0.0:0
has err 'net.tls_clients needs net.tls_certificate and net.tls_key'
# wrong SENTENCE LINE…: with these settings it does not start.
wrong() {
  settings "${@:2}"
  run 1 run r.tocsin --config net.toml --listen tcp:127.0.0.1:0 --ready-file listened
  has err "$1"
  lines err 1
  [[ ! -e listened ]] || fail 'it listened all the same'
}
wrong 'cannot read none: No such file' 'token_file = "none"'
: >empty
chmod 600 empty
wrong 'empty holds no token: it is empty' 'token_file = "empty"'
mkdir -m 700 folder
wrong 'cannot read folder' 'token_file = "folder"'
install -m 644 token open
wrong 'open holds a secret and is open to everybody; chmod 600 it' 'token_file = "open"'
if [[ $EUID != 0 ]]; then
  install -m 000 token locked
  wrong 'cannot read locked' 'token_file = "locked"'
fi
wrong 'cannot use the certificate none.pem' 'tls_certificate = "none.pem"' "${tls[1]}"
wrong 'cannot read none.key: No such file' "${tls[0]}" 'tls_key = "none.key"'
wrong 'cannot use the key stranger.key: key values mismatch' "${tls[0]}" 'tls_key = "stranger.key"'
wrong 'cannot use the key token' "${tls[0]}" 'tls_key = "token"'
install -m 644 server.key open.key
wrong 'open.key holds a secret and is open to everybody' "${tls[0]}" 'tls_key = "open.key"'
wrong 'cannot use the certificates of clients' "${tls[@]}" 'tls_clients = "token"'
for option in --token --net-token --token-file; do run 2 run r.tocsin --listen tcp:127.0.0.1:0 "$option" x; done # secrets stand in files

cat >safety.py <<'PYTHON'
# What came of each peer is checked here, what the server counts outside.
import ssl, sys
from peers import *

address = f"tcp:127.0.0.1:{sys.argv[2]}"
secret = "a-long-secret-4711"


def secured(certificate=None):
    context = ssl.create_default_context(cafile="server.pem")
    if certificate:
        context.load_cert_chain(certificate + ".pem", certificate + ".key")
    return lambda made: context.wrap_socket(made, server_hostname="127.0.0.1")


def refused(code, **options):
    try:
        Frames(address, **options)
    except Refusal as refusal:
        assert refusal.code == code, refusal
    else:
        raise AssertionError(f"let in with {options}")


def refused_in_lines(opening, sentence, code):
    peer = connect(address, secured())
    peer.sendall(opening + lines(9, 0, 5))
    answer = json.loads(to_end(peer).decode().splitlines()[-1])
    assert answer["code"] == code and sentence in answer["error"], answer


def no_tls(*arguments):
    """The handshake fails; with TLS 1.3 the client learns of its certificate's refusal when it reads."""
    try:
        connect(address, secured(*arguments)).recv(1)
    except ssl.SSLError:
        return
    raise AssertionError("let in")


def produces(k, **options):
    client = Frames(address, **options)
    client.send(k, 0, 300)
    client.wait_acknowledged()
    client.finish()


if sys.argv[1] == "token":
    for wrong in ("", "a-long-secret-4712", "a-long-secret-471", "a-long-secret-47111"):
        refused("token", wrap=secured(), token=wrong)
    refused("token", wrap=secured())
    refused_in_lines(b"", "a token is needed here", "token")
    refused_in_lines(b'{"hello":{"client":"x"}}\n', "a token is needed here", "token")
    refused_in_lines(b'{"hello":{"client":"x","token":"x"}}\n', "the token is wrong", "token")
    refused_in_lines(b'{"subscribe":{}}\n', "a token is needed here", "token")
    peer = connect(address)  # plain
    peer.sendall(PREFACE + frame(HELLO, b"{}"))
    assert b"code" not in to_end(peer)  # at most an alert of TLS
    peer = connect(address)
    peer.sendall(lines(9, 0, 5))
    to_end(peer)
    produces(0, wrap=secured(), token=secret)
    peer = connect(address, secured())
    peer.sendall(b'{"hello":{"client":"x","token":"%s"}}\n' % secret.encode() + lines(1, 0, 300))
    peer = peer.unwrap()  # the end of TLS is the end of the lines
    to_end(peer)
    silent = connect(address)  # waits for the server, which waits for it
    to_end(silent)
elif sys.argv[1] == "certificate":
    no_tls()
    no_tls("stranger")
    produces(0, wrap=secured("client"))
    produces(1, wrap=secured("client"))
elif sys.argv[1] == "plain":
    no_tls()
    peer = connect(address)
    peer.sendall(b"\x16\x03\x01")
    assert b'"code":"tls"' in to_end(peer)
    produces(0)
    produces(1)
PYTHON
for k in 0 1; do python3 -c "from peers import *; sys = __import__('sys'); sys.stdout.buffer.write(lines($k, 0, 300))"; done >e.ndjson
run 0 run r.tocsin --input e.ndjson
fields_of <out | sort >expected
[[ -s expected ]] || fail 'the file run finds nothing'

# peers WHICH LINE…: a server with the settings that stand, its peers, and then its metrics.
peers() {
  start r.tocsin --config net.toml --shards "$shards"
  python3 safety.py "$1" "$port" >out 2>&1 || fail "$1: the peers are not treated as they should be"
  counted "${@:2}" 'tocsin_events_total 600' 'tocsin_connections{form="frames"} 0' 'tocsin_connections{form="lines"} 0'
  ends TERM 0
  fields_of <matches | sort >found
  same found expected
  lacks err a-long-secret
  lacks matches a-long-secret
}
refusals() { [[ $(grep -c 'connection refused' err) == "$1" ]] || fail "not $1 refusals are in the log"; }

for shards in ${TOCSIN_TEST_SHARDS:-2}; do
  listen=(--listen tcp:0.0.0.0:0)
  settings "${tls[@]}" 'token_file = "token"'
  peers token 'tocsin_connections_refused_total{reason="token"} 9' 'tocsin_connections_refused_total{reason="tls"} 2' \
    'tocsin_connections_refused_total{reason="handshake"} 1'
  refusals 12
  has err 'the token is wrong' 'a token is needed here' 'reason="TLS: ' 'the handshake was not finished in time'

  settings "${tls[@]}" 'tls_clients = "ca.pem"'
  peers certificate 'tocsin_connections_refused_total{reason="tls"} 2'
  refusals 2
  has err 'peer did not return a certificate' 'self-signed certificate'

  settings
  listen+=(--insecure)
  peers plain 'tocsin_connections_refused_total{reason="tls"} 2'
  refusals 2
  has err 'this address speaks no TLS'
done
