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

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "dsl/compile.hpp"
#include "engine/plan/plan.hpp"
#include "engine/runtime/engine.hpp"
#include "service/config.hpp"
#include "service/snapshot.hpp"

namespace tocsin::service {

/// What came of a service that has drained.
struct Ended {
  std::shared_ptr<const plan::Plan> plan;  // the last one
  runtime::Stats stats;
  std::vector<InputState> inputs;
  std::chrono::duration<double> elapsed{};
};

/// Runs until a signal or the control channel stops it. `compiled` has a plan; `tell` is called at the end.
/// Returns the process's exit code: 0, or 1 where an output failed or what was under way did not end in time.
/// Where rules are still being compiled then, it does not return but ends the process with that code. Throws
/// std::runtime_error with a sentence where something can't be opened or listened at.
int serve(const Config& config, dsl::Compiled compiled, const std::function<void(const Ended&)>& tell);

}  // namespace tocsin::service
