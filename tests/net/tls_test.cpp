// TLS with certificates that the test makes, tokens, and what a public address needs.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/net/certificates.hpp"
#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

namespace {

/// A client under TLS, which pumps the server while it waits. With `as` it shows that certificate.
class TlsClient {
 public:
  TlsClient(Service& service, const Identity& ca, const Identity* as = nullptr, int version = 0)
      : service_(service), fd_(connect_to(service.tcp())) {
    context_ = SSL_CTX_new(TLS_client_method());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), ca.certificate);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    if (version != 0) {
      SSL_CTX_set_security_level(context_, 0);
      SSL_CTX_set_min_proto_version(context_, version);
      SSL_CTX_set_max_proto_version(context_, version);
    }
    if (as != nullptr) {
      SSL_CTX_use_certificate(context_, as->certificate);
      SSL_CTX_use_PrivateKey(context_, as->key);
    }
    ssl_ = SSL_new(context_);
    BIO* bio = BIO_new_socket(fd_.get(), BIO_NOCLOSE);
    BIO_set_nbio(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_connect_state(ssl_);
    REQUIRE(::fcntl(fd_.get(), F_SETFL, O_NONBLOCK) == 0);
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// False where TLS fails.
  bool send(std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const int count = SSL_write(ssl_, bytes.data() + sent, static_cast<int>(bytes.size() - sent));
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
      } else if (!wait(count)) {
        return false;
      }
    }
    return true;
  }
  /// The next line; empty at the end.
  std::string line() {
    while (text_.find('\n') == std::string::npos) {
      char piece[16384];
      const int count = SSL_read(ssl_, piece, sizeof piece);
      if (count > 0) {
        text_.append(piece, static_cast<std::size_t>(count));
      } else if (!wait(count)) {
        return {};
      }
    }
    const auto end = text_.find('\n');
    std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return line;
  }
  bool ended_in_order() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  bool wait(int result) {
    const int error = SSL_get_error(ssl_, result);
    ERR_clear_error();
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
    service_.server.run_once(1'000'000);
    return true;
  }

  Service& service_;
  Descriptor fd_;
  SSL_CTX* context_;
  SSL* ssl_;
  std::string text_;
};

}  // namespace

TEST_CASE("events go in and matches come out under TLS") {
  const CertificateFiles files;
  Service service({}, {.tls = open_tls(files.files)});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(service, *files.ca, nullptr, version);
    CHECK(client.send("{\"subscribe\":{\"rules\":[\"big\"]}}\n" + payment_line("A", 500)));
    CHECK(client.line() == "{\"subscribed\":{\"rules\":[\"big\"]}}");
    CHECK(client.line().starts_with("{\"rule\":\"big\""));
  }
}

TEST_CASE("much goes both ways under TLS, and the end is an end") {
  const CertificateFiles files;
  Service service({}, {.tls = open_tls(files.files)});
  service.engine.keep_events = false;
  TlsClient client(service, *files.ca);
  REQUIRE(client.send("{\"subscribe\":{\"queue_bytes\":60000000}}\n"));
  client.line();
  std::string lines;
  for (int i = 0; i < 1000; ++i)
    lines += payment_line("A", 500);
  for (int i = 0; i < 20; ++i)
    REQUIRE(client.send(lines));
  service.until([&] { return service.engine.taken == 20'000; });
  for (int i = 0; i < 20'000; ++i) {
    const std::string match = client.line();
    REQUIRE(match.starts_with("{\"rule\":\"big\""));
    REQUIRE(match.ends_with("}"));
  }
  service.server.finish();
  CHECK(client.line().find("the server stops") != std::string::npos);
  CHECK(client.line().empty());
  CHECK(client.ended_in_order());
}

TEST_CASE("client certificates: theirs, none, and a stranger's") {
  CertificateFiles files;
  files.files.clients = files.ca_file;
  Service service({}, {.tls = open_tls(files.files)});
  const auto friendly = identity("client", files.ca.get());
  TlsClient good(service, *files.ca, friendly.get());
  CHECK(good.send(payment_line("A", 1)));
  service.until([&] { return service.engine.taken == 1; });

  const auto stranger = identity("stranger");
  for (const Identity* who :
       {static_cast<const Identity*>(nullptr), static_cast<const Identity*>(stranger.get())}) {
    TlsClient bad(service, *files.ca, who);
    bad.send(payment_line("B", 1));
    CHECK(bad.line().empty());
  }
  service.until([&] { return service.refused(Refusal::tls) == 2; });
  CHECK(service.engine.taken == 1);
}

TEST_CASE("who speaks no TLS, or an old one, is refused and counted") {
  const CertificateFiles files;
  Service service({}, {.tls = open_tls(files.files)});
  Client plain(service, service.tcp());
  plain.hello(payments_hello());
  service.until([&] { return service.refused(Refusal::tls) == 1; });
  TlsClient old(service, *files.ca, nullptr, TLS1_1_VERSION);
  CHECK(!old.send("x"));
  service.until([&] { return service.refused(Refusal::tls) == 2; });
  service.until([&] { return service.server.counters().connections == 0; });
}

TEST_CASE("a TLS handshake that is never finished ends in time") {
  const CertificateFiles files;
  ServerOptions options;
  options.limits.handshake_timeout_ns = 20'000'000;
  options.limits.linger_ns = 20'000'000;
  Service service(options, {.tls = open_tls(files.files)});
  Client client(service, service.tcp());
  client.send(std::string_view("\x16\x03\x01\x02", 4));
  service.until([&] { return service.server.counters().accepted == 1; });
  service.until([&] { return service.server.counters().connections == 0; });
  CHECK(service.refused(Refusal::handshake) == 1);
}

TEST_CASE("files that won't do are told by name") {
  const CertificateFiles files;
  const auto error = [&](TlsFiles with) { return TlsContext::open(with).error; };
  TlsFiles with = files.files;
  with.certificate = "/nowhere.pem";
  CHECK(error(with).starts_with("cannot use the certificate /nowhere.pem"));
  with = files.files;
  with.key = files.directory.write("open.key", key_pem(*files.server), 0644);
  CHECK(error(with).find("open to everybody") != std::string::npos);
  with.key = files.directory.write("other.key", key_pem(*files.ca));
  CHECK(error(with).find("other.key") != std::string::npos);
  with = files.files;
  with.clients = files.files.key;
  CHECK(error(with).starts_with("cannot use the certificates of clients' signers"));
}

TEST_CASE("tokens are read from files that others can't read") {
  const TemporaryDirectory directory;
  const auto token = Token::read(directory.write("token", "secret\n"));
  REQUIRE(token);
  CHECK(token->is("secret"));
  CHECK(!token->is("secret\n"));
  CHECK(Token::read(directory.file("none")).error.find("No such file") != std::string::npos);
  CHECK(Token::read("/").error.find("Is a directory") != std::string::npos);
  CHECK(Token::read(directory.write("empty", "\n")).error.find("it is empty") != std::string::npos);
  CHECK(Token::read(directory.write("open", "secret", 0604)).error.find("open to everybody") !=
        std::string::npos);
}

TEST_CASE("a public address needs TLS, and a token or client certificates") {
  CertificateFiles files;
  Service service;
  ListenOptions options;
  options.address = parse_address("tcp:0.0.0.0:0").address;
  CHECK(service.server.listen(options).find("it needs TLS") != std::string::npos);
  options.tls = open_tls(files.files);
  CHECK(service.server.listen(options).find("it needs a token or client certificates") != std::string::npos);
  options.token = std::make_shared<const Token>("secret");
  CHECK(service.server.listen(options) == "");
  options.token = nullptr;
  files.files.clients = files.ca_file;
  options.tls = open_tls(files.files);
  CHECK(service.server.listen(options) == "");
  options.tls = nullptr;
  options.insecure = true;
  CHECK(service.server.listen(options) == "");
}

}  // namespace tocsin::connectors::net::test
