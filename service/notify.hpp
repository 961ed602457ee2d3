// What systemd wants to be told of a service of Type=notify: a datagram to the socket in NOTIFY_SOCKET.
// Without systemd nothing happens.
#pragma once

#include <cstdint>
#include <string>

namespace tocsin::service {

class Notify {
 public:
  /// Looks at NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  Notify();

  /// `READY=1`, `STOPPING=1`, `STATUS=…`, several in lines. Never blocks; what can't be sent is lost.
  void send(const std::string& state) const;

  /// How often the watchdog wants to hear of us: half of its patience. 0: it wants nothing.
  std::int64_t watchdog_every_ns() const { return watchdog_every_ns_; }

 private:
  std::string socket_;
  std::int64_t watchdog_every_ns_ = 0;
};

}  // namespace tocsin::service
