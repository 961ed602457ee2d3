// The control channel over a real socket: requests, refusals, changes of the rules, taps.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "connectors/net/address.hpp"
#include "tests/service/support.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::service::test;

constexpr const char* rules = "event E { a: int }\nrule r { from E[a > 1] emit M { a: a } }\n";

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the socket is its owner's alone and goes with the service") {
  std::string path;
  {
    const Rig rig(rules);
    path = rig.socket();
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
  CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a request is answered, and the next one on the same connection") {
  const Rig rig(rules);
  Client client = Client::unix_socket(rig.socket());
  const std::string status = client.ask(R"({"command":"status"})");
  CHECK(holds(status, R"("ok":true)"));
  CHECK(holds(status, R"("state":"running")"));
  CHECK(holds(status, R"("events":42)"));
  CHECK(client.ask(R"({"command":"rules"})") ==
        R"({"ok":true,"rules":[{"rule":"r","doc":"","emits":"M","labels":[]}],"added":[]})");
  CHECK(holds(client.ask(R"({"command":"stats"})"), R"("rules":[{"rule":"r","events":0)"));
}

TEST_CASE("what is no request is refused with a sentence, and the connection goes on") {
  const Rig rig(rules);
  Client client = Client::unix_socket(rig.socket());
  CHECK(client.ask("nonsense") == R"({"ok":false,"error":"the request is no JSON object"})");
  CHECK(client.ask("[1]") == R"({"ok":false,"error":"the request is no JSON object"})");
  CHECK(client.ask("{}") == R"({"ok":false,"error":"the request has no 'command'"})");
  CHECK(client.ask(R"({"command":"relaod"})") ==
        R"({"ok":false,"error":"unknown command 'relaod'; did you mean 'reload'?"})");
  CHECK(client.ask(R"({"command":"add","file":"x"})") ==
        R"({"ok":false,"error":"the request can't have 'file'"})");
  CHECK(client.ask(R"({"command":"tap","rules":["x"]})") == R"({"ok":false,"error":"there is no rule 'x'"})");
  CHECK(holds(client.ask(R"({"command":"status"})"), R"("ok":true)"));
}

TEST_CASE("a request without end is refused") {
  const Rig rig(rules);
  Client client = Client::unix_socket(rig.socket());
  client.send(std::string((std::size_t{4} << 20) + 1, 'x'));
  CHECK(client.read_line() == R"({"ok":false,"error":"the request is too long"})");
}

TEST_CASE("reload takes what the files say; where they are wrong nothing changes") {
  Rig rig(rules);
  Client client = Client::unix_socket(rig.socket());
  rig.folder.write("r.tocsin", std::string(rules) + "rule s { from E[a > 2] emit N { a: a } }\n");
  CHECK(client.ask(R"({"command":"reload"})") == R"({"ok":true,"rules":2,"warnings":""})");
  CHECK(rig.ingress.replaced == 1);
  rig.folder.write("r.tocsin", "event E { a: int }\nrule r { from E[b > 1] emit M { a: a } }\n");
  const std::string answer = client.ask(R"({"command":"reload"})");
  CHECK(holds(answer, R"("ok":false)"));
  CHECK(holds(answer, "r.tocsin:2:17: error: unknown field 'b' of E"));
  CHECK(rig.ingress.replaced == 1);
  CHECK(holds(client.ask(R"({"command":"rules"})"), R"("rule":"s")"));
  CHECK(holds(client.ask(R"({"command":"status"})"), R"("failed_reloads":1)"));
}

TEST_CASE("while rules are compiled all else is answered, and another change waits") {
  Rig rig(rules);
  REQUIRE(::unlink(rig.rule_file.c_str()) == 0);
  REQUIRE(::mkfifo(rig.rule_file.c_str(), 0600) == 0);
  Client first = Client::unix_socket(rig.socket());
  first.send("{\"command\":\"reload\"}\n");
  std::ofstream slow(rig.rule_file);  // waits for the compilation to read
  Client second = Client::unix_socket(rig.socket());
  second.send("{\"command\":\"add\",\"name\":\"x\",\"text\":\"rule t { from E[a > 3] emit N { a: a } }\"}\n");
  Client other = Client::unix_socket(rig.socket());
  CHECK(holds(other.ask(R"({"command":"status"})"), R"("rule_count":1)"));
  CHECK(holds(other.ask(R"({"command":"rules"})"), R"("rule":"r")"));
  CHECK(rig.ingress.replaced == 0);
  slow << rules << "rule s { from E[a > 2] emit N { a: a } }\n";
  slow.close();
  CHECK(first.read_line() == R"({"ok":true,"rules":2,"warnings":""})");
  std::ofstream(rig.rule_file) << rules;
  CHECK(second.read_line() == R"({"ok":true,"rules":2,"warnings":""})");
  CHECK(holds(other.ask(R"({"command":"rules"})"), R"("added":["x"])"));
}

TEST_CASE("what the engine refuses is not kept") {
  Rig rig(rules);
  rig.ingress.refuse = "the service is draining";
  Client client = Client::unix_socket(rig.socket());
  CHECK(client.ask(R"({"command":"add","name":"s","text":"rule s { from E[a > 2] emit N { a: a } }"})") ==
        R"({"ok":false,"error":"the service is draining"})");
  CHECK(holds(client.ask(R"({"command":"rules"})"), R"("added":[])"));
}

TEST_CASE("rules are added under a name, replaced, and removed") {
  Rig rig(rules);
  Client client = Client::unix_socket(rig.socket());
  CHECK(client.ask(R"({"command":"add","name":"x","text":"rule s { from E[a > 2] emit N { a: a } }"})") ==
        R"({"ok":true,"rules":2,"warnings":""})");
  CHECK(holds(client.ask(R"({"command":"rules"})"), R"("added":["x"])"));
  CHECK(client.ask(R"({"command":"add","name":"x","text":"rule t { from E[a > 3] emit N { a: a } }"})") ==
        R"({"ok":true,"rules":2,"warnings":""})");
  const std::string list = client.ask(R"({"command":"rules"})");
  CHECK(holds(list, R"("rule":"t")"));
  CHECK(!holds(list, R"("rule":"s")"));
  CHECK(holds(client.ask(R"({"command":"add","name":"y","text":"rule"})"), "added:y:1:"));
  CHECK(holds(client.ask(R"({"command":"add","name":"../y","text":""})"), "is no name"));
  CHECK(holds(client.ask(R"({"command":"remove","name":"y"})"), "nothing was added under the name 'y'"));
  CHECK(client.ask(R"({"command":"remove","name":"x"})") == R"({"ok":true,"rules":1,"warnings":""})");
}

TEST_CASE("a tap shows the matches of its rules") {
  Rig rig(std::string(rules) + "rule s { from E[a > 2] emit N { a: a } }\n");
  Client client = Client::unix_socket(rig.socket());
  CHECK(client.ask(R"({"command":"tap","rules":["s"]})") == R"({"ok":true})");
  // What follows the answer on the same thread: after it the tap is there.
  CHECK(holds(client.ask(R"({"command":"rules"})"), R"("ok":true)"));
  model::MatchView match;
  match.trigger_seq = 7;
  match.rule = 0;
  rig.control().taps().on_match(match);
  match.rule = 1;
  rig.control().taps().on_match(match);
  const std::string line = client.read_line();
  CHECK(holds(line, R"({"rule":"s")"));
  CHECK(rig.control().taps().dropped() == 0);
}

TEST_CASE("a tap that nobody reads is bounded") {
  Rig rig(rules);
  Client client = Client::unix_socket(rig.socket());
  CHECK(client.ask(R"({"command":"tap","rules":["r"]})") == R"({"ok":true})");
  CHECK(holds(client.ask(R"({"command":"rules"})"), R"("ok":true)"));
  const model::MatchView match;
  for (int i = 0; i < 200'000; ++i)
    rig.control().taps().on_match(match);
  Client other = Client::unix_socket(rig.socket());
  CHECK(holds(other.ask(R"({"command":"status"})"), R"("ok":true)"));
}

TEST_CASE("stop reaches the ingress thread") {
  Rig rig(rules);
  Client client = Client::unix_socket(rig.socket());
  CHECK(client.ask(R"({"command":"stop"})") == R"({"ok":true})");
  CHECK(rig.ingress.stopped);
}

TEST_CASE("where the ingress thread does not answer, that is said") {
  const Rig rig(rules, false, false);
  Client client = Client::unix_socket(rig.socket());
  CHECK(client.ask(R"({"command":"status"})") == R"({"ok":false,"error":"the service does not answer"})");
  CHECK(holds(client.ask(R"({"command":"rules"})"), R"("ok":true)"));
}

TEST_CASE("a socket that nobody answers is replaced, one in use is not") {
  const Folder folder;
  const std::string path = folder.path("s");
  {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
  }
  connectors::net::Address address;
  address.kind = connectors::net::Address::Kind::unix_path;
  address.path = path;
  const auto first = connectors::net::listen_at(address);
  CHECK(first.error.empty());
  CHECK(!connectors::net::listen_at(address).error.empty());
}
