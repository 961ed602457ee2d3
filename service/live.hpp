// The live service: joins rules, engine, connections and control on the ingress thread, which is the
// caller's.
//
//   connections, files ──→ engine ──→ subscribers, output, taps
//                            ↑
//   control thread ─ mailbox ┘
//
// A round does what the control thread asks, takes a batch from files and pipes, lets the server have its
// round, which is where it sleeps, and keeps the time: idle sources, the watchdog. SIGTERM ends it in steps:
// no more input, the engine's last matches, the subscribers' queues; docs/operations.md says what is
// promised.
#pragma once

#include "dsl/compile.hpp"
#include "service/config.hpp"

namespace tocsin::service {

/// Runs until a signal or the control channel stops it. `compiled` has a plan. Returns the process's exit
/// code: 0, or 1 where an output failed or what was under way did not end in time. Throws std::runtime_error
/// with a sentence where something can't be opened or listened at.
int serve(const Config& config, dsl::Compiled compiled);

}  // namespace tocsin::service
