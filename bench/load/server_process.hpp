// The real service in a process of its own, pinned to a core: what `tocsin run --listen` does, without the
// command line. It can be stopped for a while, so that it takes no time from what is measured beside it.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

#include "connectors/net/address.hpp"
#include "dsl/compile.hpp"
#include "engine/base/idle.hpp"

namespace tocsin::load {

/// A directory that goes with its owner.
class TemporaryDirectory {
 public:
  TemporaryDirectory();  // throws std::runtime_error
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct ServerProcessOptions {
  int core = -1;  // none: not pinned
  bool busy_poll = false;
  std::int64_t lateness_ns = 0;
};

class ServerProcess {
 public:
  /// Forks, and waits until it listens over TCP and at a Unix socket. `compiled` has a plan. The calling
  /// process must have no other threads. Throws std::runtime_error with a sentence.
  ServerProcess(const dsl::Compiled& compiled, const ServerProcessOptions& options);
  ~ServerProcess();  // kills it where stop() was not called
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const connectors::net::Address& tcp() const { return tcp_; }
  const connectors::net::Address& unix_socket() const { return unix_; }
  pid_t pid() const { return pid_; }

  /// It gets no time until resume(). Returns when that is so.
  void pause();
  void resume();
  /// Has it drain and end. Throws std::runtime_error where it does not end well.
  void stop();

 private:
  void wait_until_ready(const std::string& file);

  TemporaryDirectory directory_;
  pid_t pid_ = -1;
  connectors::net::Address tcp_;
  connectors::net::Address unix_;
};

}  // namespace tocsin::load
