// Who is let in at all: descriptors that run out, users that differ.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

// UBSan, which comes with ASan here, opens a pipe to look at an object's type.
#ifdef __SANITIZE_ADDRESS__
constexpr bool needs_descriptors = true;
#else
constexpr bool needs_descriptors = false;
#endif

TEST_CASE("without descriptors, connections wait until there are some again" *
          doctest::skip(needs_descriptors)) {
  Service service;
  Producer first(service, service.tcp());
  Client waiting(service, service.tcp());  // the system has accepted it, the server not yet
  waiting.hello(payments_hello());

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int next = ::dup(0);
  REQUIRE(next >= 0);
  ::close(next);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  service.until([&] { return service.server.counters().accept_pauses > 0; });
  first.send_payments(1, {{"A", 1}});
  CHECK(first.expect(wire::FrameType::ack).as<wire::Ack>().number == 1);
  CHECK(service.server.counters().accepted == 1);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  waiting.welcome();
  CHECK(service.server.counters().accepted == 2);
}

TEST_CASE("another user is refused at a Unix socket, unless all may come") {
  if (::geteuid() != 0) {
    MESSAGE("only root can be another user");
    return;
  }
  for (const bool any_user : {false, true}) {
    Service service;
    REQUIRE(::chmod(service.directory.file("").c_str(), 0755) == 0);
    ListenOptions options;
    options.address = parse_address("unix:" + service.directory.file("open")).address;
    options.mode = 0666;
    options.any_user = any_user;
    REQUIRE(service.server.listen(options) == "");
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      if (::setuid(65534) != 0) ::_exit(99);
      const Descriptor fd = connect_to(options.address);
      ::send(fd.get(), wire::preface.data(), 8, MSG_NOSIGNAL);
      wire::FrameBuffer frames;
      frames.append(wire::FrameType::hello, wire::to_json(payments_hello()));
      ::send(fd.get(), frames.bytes().data(), frames.size(), MSG_NOSIGNAL);
      std::uint64_t header = 0;
      if (::recv(fd.get(), &header, 8, MSG_WAITALL) != 8) ::_exit(98);
      ::_exit(static_cast<int>((header >> 32) & 0xff));
    }
    int status = 0;
    service.until([&] { return ::waitpid(pid, &status, WNOHANG) == pid; });
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) ==
          static_cast<int>(any_user ? wire::FrameType::welcome : wire::FrameType::refused));
    CHECK(service.refused(Refusal::peer) == (any_user ? 0 : 1));
  }
}

TEST_CASE("a Unix socket's file goes with its server, and another's stays") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("s");
  {
    Service service;
    ListenOptions options;
    options.address = parse_address("unix:" + path).address;
    REQUIRE(service.server.listen(options) == "");
    CHECK(::access(path.c_str(), F_OK) == 0);
  }
  CHECK(::access(path.c_str(), F_OK) != 0);
  {
    Service service;
    ListenOptions options;
    options.address = parse_address("unix:" + path).address;
    REQUIRE(service.server.listen(options) == "");
    REQUIRE(::unlink(path.c_str()) == 0);
    directory.write("s", "another's");
  }
  CHECK(::access(path.c_str(), F_OK) == 0);
}

}  // namespace tocsin::connectors::net::test
