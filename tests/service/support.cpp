#include "tests/service/support.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "connectors/net/address.hpp"
#include "dsl/compile.hpp"

namespace tocsin::service::test {

Folder::Folder() {
  std::string name = "/tmp/tocsin-service-XXXXXX";
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}
Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
std::string Folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name)) << text;
  return path(name);
}

Snapshot FakeIngress::snapshot() {
  Snapshot snapshot;
  snapshot.state = state;
  snapshot.plan = plan;
  snapshot.stats.events = 42;
  snapshot.stats.rules.resize(plan->rules.size());
  snapshot.stats.states.resize(plan->rules.size());
  snapshot.addresses = {"tcp:127.0.0.1:1"};
  return snapshot;
}
std::string FakeIngress::replace(NewRules rules) {
  if (!refuse.empty()) return refuse;
  plan = std::move(rules.plan);
  ++replaced;
  return {};
}
void FakeIngress::stop(std::string_view) {
  stopped = true;
}

Rig::Rig(const std::string& rules, bool metrics, bool alive)
    : rule_file(folder.write("r.tocsin", rules)), mailbox_(poller_) {
  log_config_.file = folder.path("log");
  log_ = std::make_unique<Log>(log_config_);
  dsl::Compiled compiled = dsl::compile_files({rule_file});
  REQUIRE(compiled.plan.has_value());
  ingress.plan = std::make_shared<const plan::Plan>(std::move(*compiled.plan));
  ControlOptions options;
  options.socket = socket();
  if (metrics) options.metrics = "tcp:127.0.0.1:0";
  options.signals = false;
  options.answer_timeout_ns = alive ? 10'000'000'000 : 50'000'000;
  RuleBook book({rule_file}, {}, compiled.sources, ingress.plan, 1000, [](const std::string&) {});
  control_ = std::make_unique<Control>(options, mailbox_, ingress, std::move(book), *log_);
  if (!alive) return;
  thread_ = std::jthread([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!mailbox_.run()) poller_.poll(10'000'000);
    }
  });
}

Rig::~Rig() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  control_.reset();
}

Client::Client(int fd) : fd_(fd) {
  const timeval ten_seconds{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &ten_seconds, sizeof ten_seconds);
}
Client::~Client() {
  if (fd_ >= 0) ::close(fd_);
}

Client Client::unix_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return Client(fd);
}

Client Client::tcp(const std::string& text) {
  const connectors::net::Address parsed = connectors::net::parse_address(text).address;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(parsed.port);
  REQUIRE(::inet_pton(AF_INET, parsed.host.c_str(), &address.sin_addr) == 1);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return Client(fd);
}

void Client::send(const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    REQUIRE(count > 0);
    sent += static_cast<std::size_t>(count);
  }
}

std::string Client::read_line() {
  while (true) {
    if (const std::size_t end = input_.find('\n'); end != std::string::npos) {
      std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return line;
    }
    char buffer[65536];
    const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count <= 0) return std::exchange(input_, {});
    input_.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string Client::read_all() {
  std::string all;
  char buffer[65536];
  for (ssize_t count; (count = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
    all.append(buffer, static_cast<std::size_t>(count));
  return std::exchange(input_, {}) + all;
}

}  // namespace tocsin::service::test
