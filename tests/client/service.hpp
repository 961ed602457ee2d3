// The real server on a thread of its own, for clients that wait in their calls. Its engine is that of the
// server's tests (tests/net/support.hpp): Payment, rule big for amounts above 100, rule other for those below
// 0.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "tests/net/support.hpp"

namespace tocsin::client::test {

class RunningService {
 public:
  using Service = connectors::net::test::Service;

  explicit RunningService(const connectors::net::ServerOptions& options = {},
                          const connectors::net::ListenOptions& listen = {});
  ~RunningService() { stop(); }

  /// For tocsin_connect.
  std::string unix_address() const { return service_.unix_socket().text(); }
  connectors::net::Address unix_socket() const { return service_.unix_socket(); }
  std::string tcp_address() const { return service_.tcp().text(); }

  /// Between two rounds it stands still until resume().
  void pause();
  void resume();
  /// Between two rounds: what `look` says of it.
  template <class Look>
  auto with(Look look) {
    struct Resume {
      RunningService& service;
      ~Resume() { service.resume(); }
    } const at_end{*this};
    pause();
    return look(service_);
  }
  /// Events that its engine has taken.
  std::uint64_t taken() {
    return with([](Service& service) { return service.engine.taken; });
  }
  /// No round follows.
  void stop();

 private:
  Service service_;
  connectors::net::Wake wake_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  int pauses_ = 0;
  bool in_round_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

/// Whether this system can have rings; says so where it can't.
bool can_have_rings();

}  // namespace tocsin::client::test
