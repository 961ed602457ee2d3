// A connected stream socket, plain or under TLS, and waiting for it with a time limit. Nothing here throws
// but for memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "client/tls.hpp"
#include "connectors/wire/ring_memory.hpp"

namespace tocsin::client {

/// A point in time that calls wait until; none where they wait for ever.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  /// Negative: for ever.
  static Deadline after_ms(int timeout_ms) {
    Deadline deadline;
    if (timeout_ms >= 0) deadline.at_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
    return deadline;
  }
  bool has_passed() const { return at_ && Clock::now() >= *at_; }
  /// As poll(2) takes it, rounded up.
  int left_ms() const;
  /// The earlier of both.
  Deadline or_at(Clock::time_point other) const {
    Deadline deadline = *this;
    if (!deadline.at_ || other < *deadline.at_) deadline.at_ = other;
    return deadline;
  }

 private:
  std::optional<Clock::time_point> at_;
};

class Socket {
 public:
  Socket() = default;
  ~Socket() { close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Connects to `tcp:HOST:PORT`, `tls:HOST:PORT` or `unix:PATH`, or with `//` behind the colon. Empty, or a
  /// sentence.
  std::string connect(std::string_view address, const TlsOptions& tls, Deadline deadline);
  void close();
  int descriptor() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

  /// Never block. `bytes` is how many were moved.
  Io read(std::span<std::byte> to, std::size_t& bytes);
  /// The same of a Unix socket, and adds the descriptors that came with it.
  Io read(std::span<std::byte> to, std::size_t& bytes,
          std::vector<connectors::wire::Descriptor>& descriptors);
  Io write(std::span<const std::byte> from, std::size_t& bytes);
  /// After failed.
  std::string error() const;

  /// Waits until it can be read or written, whichever is asked for, the deadline has passed, or a signal
  /// came.
  void wait(bool to_read, bool to_write, Deadline deadline) const;

 private:
  std::string connect_tcp(const std::string& host, const std::string& port, Deadline deadline);
  std::string begin_tls(const TlsOptions& options, const std::string& host, Deadline deadline);
  std::string connect_unix(std::string_view path, Deadline deadline);
  Io read_result(ssize_t got, std::size_t& bytes);
  /// To one address. False, with errno, where that failed.
  bool connect_to(int family, const void* address, std::size_t size, Deadline deadline);

  int fd_ = -1;
  int errno_ = 0;
  std::unique_ptr<Tls> tls_;
};

}  // namespace tocsin::client
