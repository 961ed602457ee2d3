// Threads that must not be interrupted by signals.
#pragma once

#include <csignal>

namespace tocsin::service {

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGALRM are blocked on this thread and on those that it
/// starts, which never see them then: they are for the thread that reads.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace tocsin::service
