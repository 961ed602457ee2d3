// HTTP over real sockets: what is served, and what is refused and how.
#include <doctest/doctest.h>

#include "tests/service/support.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::service::test;

constexpr const char* rules = "event E { a: int }\nrule r { from E[a > 1] emit M { a: a } }\n";

std::string answer_to(Rig& rig, const std::string& request) {
  Client client = Client::tcp(rig.control().metrics_address());
  client.send(request);
  return client.read_all();
}

std::string get(Rig& rig, const std::string& path, const std::string& method = "GET") {
  return answer_to(rig, method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("metrics are Prometheus text") {
  Rig rig(rules, true);
  const std::string answer = get(rig, "/metrics");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(holds(answer, "text/plain; version=0.0.4"));
  CHECK(holds(answer, "# TYPE tocsin_events_total counter\ntocsin_events_total 42\n"));
  CHECK(holds(answer, "tocsin_rule_matches_total{rule=\"r\"} 0\n"));
  CHECK(holds(answer, "tocsin_connections_refused_total{reason=\"token\"} 0\n"));
  CHECK(holds(answer, "tocsin_resident_memory_bytes "));
  CHECK(get(rig, "/metrics?x=1").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("health is that the ingress thread answers, readiness that it is running") {
  Rig rig(rules, true);
  CHECK(get(rig, "/healthz").ends_with("\r\n\r\nalive\n"));
  CHECK(get(rig, "/readyz").ends_with("\r\n\r\nready\n"));
  rig.ingress.state = service::State::draining;
  CHECK(get(rig, "/healthz").starts_with("HTTP/1.1 200"));
  const std::string answer = get(rig, "/readyz");
  CHECK(answer.starts_with("HTTP/1.1 503"));
  CHECK(answer.ends_with("\r\n\r\ndraining\n"));
  Rig stuck(rules, true, false);
  CHECK(get(stuck, "/healthz").starts_with("HTTP/1.1 503"));
}

TEST_CASE("other paths, methods and bodies are refused") {
  Rig rig(rules, true);
  CHECK(get(rig, "/").starts_with("HTTP/1.1 404"));
  CHECK(get(rig, "/metrics/").starts_with("HTTP/1.1 404"));
  const std::string post = get(rig, "/metrics", "POST");
  CHECK(post.starts_with("HTTP/1.1 405"));
  CHECK(holds(post, "Allow: GET, HEAD\r\n"));
  CHECK(get(rig, "/metrics", "BREW").starts_with("HTTP/1.1 405"));
  CHECK(
      answer_to(rig, "POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").starts_with("HTTP/1.1 413"));
  CHECK(answer_to(rig, "\x01\x02 nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
  CHECK(answer_to(rig, "GET /metrics HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n")
            .starts_with("HTTP/1.1 431"));
}

TEST_CASE("HEAD has the length and no body, and a connection is kept") {
  Rig rig(rules, true);
  const std::string head = get(rig, "/healthz", "HEAD");
  CHECK(holds(head, "Content-Length: 6\r\n"));
  CHECK(head.ends_with("\r\n\r\n"));
  Client client = Client::tcp(rig.control().metrics_address());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    std::string line;
    while ((line = client.read_line()) != "alive")
      REQUIRE(!line.empty());
  }
}
