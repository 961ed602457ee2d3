// Addresses as text, and what is done about files in the way.
#include "connectors/net/address.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

TEST_CASE("addresses are read in each form and written in one") {
  const auto text = [](std::string_view from) { return parse_address(from).address.text(); };
  CHECK(text("tcp:127.0.0.1:7001") == "tcp:127.0.0.1:7001");
  CHECK(text("tcp://localhost:0") == "tcp:localhost:0");
  CHECK(text("tcp:[::1]:7001") == "tcp:[::1]:7001");
  CHECK(text("unix:/run/tocsin.sock") == "unix:/run/tocsin.sock");
  CHECK(text("unix:///run/tocsin.sock") == "unix:/run/tocsin.sock");
  CHECK(text("unix:here.sock") == "unix:here.sock");
}

TEST_CASE("what is no address is told with what is meant") {
  const auto error = [](std::string_view from) { return parse_address(from).error; };
  CHECK(error("127.0.0.1:7001").find("write tcp:HOST:PORT") != std::string::npos);
  CHECK(error("tcp:localhost").find("has no port") != std::string::npos);
  CHECK(error("tcp:[::1]").find("has no port") != std::string::npos);
  CHECK(error("tcp:::1:7001").find("in brackets") != std::string::npos);
  CHECK(error("tcp::7001").find("0.0.0.0 all of its addresses") != std::string::npos);
  CHECK(error("tcp:h:65536").find("not '65536'") != std::string::npos);
  CHECK(error("tcp:h:").find("not ''") != std::string::npos);
  CHECK(error("tcp:h:+1").find("not '+1'") != std::string::npos);
  CHECK(error("unix:").find("has no path") != std::string::npos);
  CHECK(error("unix:" + std::string(108, 'x')).find("at most 107 bytes") != std::string::npos);
  CHECK(parse_address("unix:" + std::string(107, 'x')).error.empty());
}

TEST_CASE("port 0 picks one, which is told; loopback is not public") {
  const Listening one = listen_at(parse_address("tcp:127.0.0.1:0").address);
  REQUIRE(one.fd);
  CHECK(one.address.port != 0);
  CHECK(!one.is_public);
  const Listening all = listen_at(parse_address("tcp:0.0.0.0:0").address);
  REQUIRE(all.fd);
  CHECK(all.is_public);
  const Listening same = listen_at(one.address);
  CHECK(!same.fd);
  CHECK(same.error == "cannot listen at " + one.address.text() + ": Address already in use");
}

TEST_CASE("a Unix socket that nobody answers is replaced, anything else is left alone") {
  const TemporaryDirectory directory;
  const Address address = parse_address("unix:" + directory.file("s")).address;
  struct stat info {};
  {
    const Listening first = listen_at(address);
    REQUIRE(first.fd);
    REQUIRE(::stat(address.path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(listen_at(address).error.find("another process listens there") != std::string::npos);
  }
  const Listening second = listen_at(address, 0660);  // the file is still there
  REQUIRE_MESSAGE(second.fd, second.error);
  REQUIRE(::stat(address.path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0660);

  const Address file = parse_address("unix:" + directory.write("f", "text")).address;
  CHECK(listen_at(file).error.find("no socket") != std::string::npos);
  CHECK(::access(file.path.c_str(), F_OK) == 0);
}

}  // namespace tocsin::connectors::net::test
