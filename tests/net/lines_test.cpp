// NDJSON on the same port.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

TEST_CASE("lines are events, in whatever pieces they come") {
  Service service;
  Client client(service, service.tcp());
  const std::string lines =
      payment_line("A", 1) + "\r\n" + payment_line("B", 2.5) + "\n" + payment_line("C", 3);
  SUBCASE("at once") {
    client.send(lines);
  }
  SUBCASE("byte by byte") {
    for (const char& c : lines) {
      client.send(std::string_view(&c, 1));
      service.rounds(2);
    }
  }
  SUBCASE("the last without its end") {
    client.send(lines.substr(0, lines.size() - 1));
    client.shut_down_writing();
  }
  service.until([&] { return service.engine.taken == 3; });
  CHECK(service.engine.events == std::vector<std::string>{"0:A:1", "0:B:2.5", "0:C:3"});
  CHECK(service.server.counters().sources <= 1);
}

TEST_CASE("a short line and the end make an event or an error, too") {
  Service service;
  Client client(service, service.tcp());
  client.send("{}");
  client.shut_down_writing();
  CHECK(client.line()->starts_with("{\"error\":\"line 1: "));
  CHECK(!client.line());
}

TEST_CASE("bad lines are counted, answered and passed over") {
  ServerOptions options;
  std::vector<std::string> bad;
  options.bad_record = [&](const BadRecord& record) { bad.push_back(fmt::format("{}", record.line)); };
  Service service(options);
  Client client(service, service.tcp());
  client.send("no json\n" + payment_line("A", 1) +
              "{\"type\":\"Nothing\"}\n{\"type\":\"Payment\",\"card\":1}\n" + payment_line("B", 2));
  CHECK(client.line()->starts_with("{\"error\":\"line 1: "));
  CHECK(client.line()->find("Nothing") != std::string::npos);
  CHECK(client.line()->find("card") != std::string::npos);
  service.until([&] { return service.engine.taken == 2; });
  CHECK(service.server.counters().rejected == 3);
  CHECK(service.server.counters().lines_in == 5);
  CHECK(bad == std::vector<std::string>{"1", "3", "4"});
  CHECK(service.server.connections().at(0).rejected == 3);
}

TEST_CASE("what came before the line that ends a connection is taken, and as its own") {
  Service service;
  Client client(service, service.tcp());
  client.send(payment_line("A", 1) + payment_line("B", 2) + "{\"subscribe\":{\"rules\":[\"nothing\"]}}\n");
  CHECK(client.line()->find("\"code\":\"schema\"") != std::string::npos);
  Client other(service, service.tcp());
  other.send(payment_line("C", 3));
  service.until([&] { return service.engine.taken == 3; });
  CHECK(service.engine.events == std::vector<std::string>{"0:A:1", "0:B:2", "0:C:3"});
  CHECK(service.engine.log.at(1) == "close 0");  // before the other one's
}

TEST_CASE("a subscriber that blocks and asks for no queue at all holds nobody up while it reads") {
  Service service;
  Client client(service, service.tcp());
  client.send("{\"subscribe\":{\"policy\":\"block\",\"queue_bytes\":0}}\n" + payment_line("A", 500) +
              payment_line("B", 500));
  REQUIRE(client.line());
  CHECK(client.line()->find("\"A\"") != std::string::npos);
  CHECK(client.line()->find("\"B\"") != std::string::npos);
}

TEST_CASE("endless lines take no memory and end with their line end") {
  ServerOptions options;
  options.limits.max_line_bytes = 1000;
  Service service(options);
  Client client(service, service.tcp());
  const std::string part(50'000, 'x');
  for (int i = 0; i < 40; ++i)
    client.send(part);
  client.send("\n" + payment_line("A", 1));
  CHECK(client.line() == "{\"error\":\"line 1: the line is longer than the limit\"}");
  service.until([&] { return service.engine.taken == 1; });
  CHECK(service.server.counters().rejected == 1);
}

TEST_CASE("errors are answered at most so often, and never pile up") {
  ServerOptions options;
  options.limits.rejections_per_second = 5;
  Service service(options);
  Client client(service, service.tcp());
  std::string lines;
  for (int i = 0; i < 1000; ++i)
    lines += "x\n";
  client.send(lines + payment_line("A", 1));
  service.until([&] { return service.engine.taken == 1; });
  client.shut_down_writing();
  int errors = 0;
  while (client.line())
    ++errors;
  CHECK(errors <= 10);  // a second may begin in between
  CHECK(service.server.counters().rejected == 1000);
}

TEST_CASE("a subscription in lines") {
  Service service;
  Client client(service, service.tcp());
  SUBCASE("of everything") {
    client.send(" {\"subscribe\" : {}}\n");
    CHECK(client.line() == "{\"subscribed\":{\"rules\":[\"big\",\"other\"]}}");
    service.engine.report("A");
    CHECK(
        client.line()->starts_with("{\"rule\":\"big\",\"type\":\"Alert\",\"at\":\"1970-01-01T00:00:01Z\","));
  }
  SUBCASE("of a rule, with events, and sending too") {
    client.send("{\"subscribe\":{\"rules\":[\"big\"],\"with_events\":true}}\n" + payment_line("A", -1) +
                payment_line("B", 500));
    CHECK(client.line() == "{\"subscribed\":{\"rules\":[\"big\"]}}");
    const std::string match = *client.line();
    CHECK_MESSAGE(
        match.find("\"events\":{\"pay\":[{\"type\":\"Payment\",\"card\":\"B\"") != std::string::npos, match);
  }
  SUBCASE("going on when the client has sent its last line") {
    client.send("{\"subscribe\":{\"rules\":[\"big\"]}}\n");
    client.line();
    client.shut_down_writing();
    service.rounds(10);
    service.engine.report("A");
    CHECK(client.line()->starts_with("{\"rule\":\"big\""));
    CHECK(service.server.counters().line_clients == 1);
    client.close();
    service.until([&] {
      service.engine.report("B");
      return service.server.counters().connections == 0;
    });
  }
  SUBCASE("that can't be") {
    client.send("{\"subscribe\":[]}\n");
    CHECK(client.line()->starts_with("{\"error\":"));
    client.send("{\"subscribe\":{\"rules\":[\"nothing\"]}}\n");
    CHECK(client.line() == "{\"error\":\"there is no rule 'nothing'\",\"code\":\"schema\"}");
    CHECK(!client.line());
  }
}

TEST_CASE("what a slow reader of lines loses is told") {
  Service service;
  Client client(service, service.unix_socket());
  client.send("{\"subscribe\":{\"queue_bytes\":1000}}\n");
  client.line();
  std::uint64_t reported = 0;
  while (service.server.connections().at(0).dropped == 0) {
    for (int i = 0; i < 100; ++i, ++reported)
      service.engine.report("A");
    service.rounds(1);
  }
  std::uint64_t matches = 0;
  std::uint64_t dropped = 0;
  while (matches + dropped < reported) {
    const std::string line = *client.line();
    if (line.starts_with("{\"dropped\":")) {
      dropped = std::stoull(line.substr(11));
    } else {
      CHECK(line.ends_with("}"));
      ++matches;
    }
  }
  CHECK(matches + dropped == reported);
}

TEST_CASE("lines whose client is silent are closed, subscribers' are not") {
  ServerOptions options;
  options.limits.idle_timeout_ns = 50'000'000;
  Service service(options);
  Client sender(service, service.tcp());
  sender.send(payment_line("A", 1));
  Client reader(service, service.tcp());
  reader.send("{\"subscribe\":{}}\n");
  reader.line();
  CHECK(sender.line() == "{\"error\":\"nothing came within the idle timeout\",\"code\":\"timeout\"}");
  const std::int64_t now = steady_now_ns();
  service.until([&] { return steady_now_ns() - now > 100'000'000; });
  service.engine.report("A");
  CHECK(reader.line()->starts_with("{\"rule\""));
}

}  // namespace tocsin::connectors::net::test
