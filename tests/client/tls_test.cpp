// TLS with the real server, and certificates that the test makes.
#include <doctest/doctest.h>
#include <string>
#include <thread>
#include <tocsin.hpp>
#include <vector>

#include "tests/client/service.hpp"
#include "tests/client/support.hpp"
#include "tests/net/certificates.hpp"

namespace tocsin::client::test {

using namespace connectors::net::test;  // Identity, CertificateFiles, …
using connectors::net::Refusal;

namespace {

std::string tls_address(const RunningService& service) {
  return "tls" + service.tcp_address().substr(3);
}

/// `ca_file` must outlive what is returned.
tocsin_tls trusting(const char* ca_file, const char* name = "server") {
  return {.ca_file = ca_file,
          .certificate_file = nullptr,
          .key_file = nullptr,
          .server_name = name,
          .unverified = 0};
}

tocsin_status connect(const Payments& payments, const RunningService& service, const tocsin_tls& tls) {
  REQUIRE(tocsin_set_tls(payments.client, &tls) == TOCSIN_OK);
  return tocsin_connect(payments.client, tls_address(service).c_str());
}

}  // namespace

TEST_CASE("tls: much goes both ways") {
  const CertificateFiles files;
  RunningService service({}, {.tls = open_tls(files.files)});
  Payments payments;
  REQUIRE_MESSAGE(connect(payments, service, trusting(files.ca_file.c_str())) == TOCSIN_OK, payments.error());
  REQUIRE(tocsin_subscribe(payments.client, nullptr) == TOCSIN_OK);
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i)
    REQUIRE(payments.send("4711", i % 2 == 0 ? 500 : 1, i) == TOCSIN_OK);
  CHECK(tocsin_wait_acknowledged(payments.client, 20'000) == TOCSIN_OK);
  const tocsin_match* match = nullptr;
  for (int i = 0; i < count / 2; ++i)
    REQUIRE(tocsin_poll(payments.client, 10'000, &match) == TOCSIN_OK);
  CHECK(tocsin_poll(payments.client, 50, &match) == TOCSIN_TIMEOUT);
  CHECK(tocsin_close(payments.client) == TOCSIN_OK);
  CHECK(payments.counts().acknowledged == count);
  CHECK(service.taken() == count);
}

TEST_CASE("tls: a server that can't show who it is is not spoken to") {
  const CertificateFiles files;
  const CertificateFiles others;
  RunningService service({}, {.tls = open_tls(files.files)});
  const std::string begin = "can't connect to " + tls_address(service) + ": TLS: certificate verify failed ";
  const auto error = [&](const tocsin_tls& tls) {
    Payments payments;
    CHECK(connect(payments, service, tls) == TOCSIN_BROKEN);
    CHECK(tocsin_descriptor(payments.client) == -1);
    return payments.error();
  };
  CHECK(error(trusting(others.ca_file.c_str())).starts_with(begin));
  CHECK(error(trusting(files.ca_file.c_str(), "other")) == begin + "(hostname mismatch)");
  CHECK(error(trusting(files.ca_file.c_str(), nullptr)) ==
        begin + "(IP address mismatch)");  // the address is 127.0.0.1
  tocsin_tls tls = trusting(files.ca_file.c_str());
  tls.ca_file = nullptr;
  CHECK(error(tls) == begin + "(unable to get local issuer certificate)");
  {
    Payments nothing_said;  // the address alone
    CHECK(tocsin_connect(nothing_said.client, tls_address(service).c_str()) == TOCSIN_BROKEN);
    CHECK(nothing_said.error().starts_with(begin));
  }
  Payments unverified;
  tls.unverified = 1;
  CHECK(connect(unverified, service, tls) == TOCSIN_OK);
}

TEST_CASE("tls: a server that asks for a certificate gets one") {
  CertificateFiles files;
  files.files.clients = files.ca_file;
  RunningService service({}, {.tls = open_tls(files.files)});
  const auto friendly = identity("client", files.ca.get());
  const auto stranger = identity("stranger");
  const auto attempt = [&](const Identity* who, bool in_one_file) {
    const std::string certificate =
        who == nullptr ? "" : files.directory.write("client.pem", certificate_pem(*who) + key_pem(*who));
    const std::string key = who == nullptr ? "" : files.directory.write("client.key", key_pem(*who));
    tocsin_tls tls = trusting(files.ca_file.c_str());
    if (who != nullptr) tls.certificate_file = certificate.c_str();
    if (who != nullptr && !in_one_file) tls.key_file = key.c_str();
    Payments payments;
    const tocsin_status status = connect(payments, service, tls);
    if (status != TOCSIN_OK) return payments.error();
    CHECK(payments.send("A", 1, 1) == TOCSIN_OK);
    CHECK(tocsin_close(payments.client) == TOCSIN_OK);
    return std::string();
  };
  CHECK(attempt(friendly.get(), false) == "");
  CHECK(attempt(friendly.get(), true) == "");
  CHECK(attempt(nullptr, false) == "the connection broke: TLS: tlsv13 alert certificate required");
  CHECK(attempt(stranger.get(), false) == "the connection broke: TLS: tlsv1 alert unknown ca");
  CHECK(service.taken() == 2);
  CHECK(service.with([](auto& of) { return of.refused(Refusal::tls); }) == 2);
}

TEST_CASE("tls: files and addresses that won't do are told") {
  const CertificateFiles files;
  RunningService service({}, {.tls = open_tls(files.files)});
  const auto error = [&](const tocsin_tls& tls) {
    Payments payments;
    CHECK(connect(payments, service, tls) == TOCSIN_BROKEN);
    return payments.error().substr(("can't connect to " + tls_address(service) + ": ").size());
  };
  tocsin_tls tls = trusting("/nowhere.pem");
  CHECK(error(tls) == "can't use the CA file /nowhere.pem: No such file or directory");
  tls = trusting(files.ca_file.c_str());
  tls.certificate_file = files.ca_file.c_str();
  CHECK(error(tls).starts_with("can't use the key " + files.ca_file + ": "));  // there is none in it
  tls.key_file = files.files.key.c_str();
  CHECK(error(tls) == "can't use the key " + files.files.key + ": key values mismatch");
  for (const char* address : {"tcp:127.0.0.1:1", "unix:/nowhere"}) {
    Payments payments;
    tls = trusting(files.ca_file.c_str());
    REQUIRE(tocsin_set_tls(payments.client, &tls) == TOCSIN_OK);
    CHECK(tocsin_connect(payments.client, address) == TOCSIN_INVALID);
    CHECK(payments.error() == "TLS was set up, and " + std::string(address) + " is no tls:HOST:PORT");
  }
  Payments bare;
  CHECK(tocsin_set_tls(bare.client, nullptr) == TOCSIN_INVALID);
}

TEST_CASE("tls: a server that speaks none, or nothing, or dies") {
  for (const std::string_view said : {"", "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
    Peer peer(
        [&](PeerConnection& connection) {
          connection.send_bytes(said);
          connection.wait_for_end();
        },
        Peer::At::tcp);
    Payments payments;
    tocsin_set_timeout(payments.client, 300);
    const std::string address = "tls" + peer.address().substr(3);
    CHECK(tocsin_connect(payments.client, address.c_str()) == TOCSIN_BROKEN);
    CHECK(payments.error() == "can't connect to " + address + ": " +
                                  (said.empty() ? "Connection timed out" : "TLS: wrong version number"));
  }
  const CertificateFiles files;
  auto service = std::make_unique<RunningService>(
      connectors::net::ServerOptions{}, connectors::net::ListenOptions{.tls = open_tls(files.files)});
  Payments payments;
  REQUIRE(connect(payments, *service, trusting(files.ca_file.c_str())) == TOCSIN_OK);
  std::thread later([&] { service.reset(); });
  const tocsin_match* match = nullptr;
  CHECK(tocsin_poll(payments.client, 20'000, &match) == TOCSIN_BROKEN);
  later.join();
  CHECK(payments.send("A", 1, 1) == TOCSIN_BROKEN);
}

TEST_CASE("tls: the C++ face") {
  const CertificateFiles files;
  RunningService service({}, {.tls = open_tls(files.files)});
  tocsin::Client client("c++");
  client.set_tls({.ca_file = files.ca_file, .server_name = "server"});
  client.connect(tls_address(service));
  client.close();
  CHECK(client.counts().committed == 0);
}

}  // namespace tocsin::client::test
