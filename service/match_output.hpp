// Where matches go: what the configuration says of it, and the writer that knows the plan's rules.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "connectors/match_writer.hpp"
#include "connectors/output.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::service {

struct OutputOptions {
  std::string path;  // empty: stdout
  bool with_events = false;
};

/// What a match writer must know of the plan's rules. Label texts point into the plan.
std::vector<connectors::RuleOutput> rule_outputs(const plan::Plan& plan);

/// Opens a file for writing, or stdout where `path` is empty. Throws std::runtime_error with a sentence.
std::unique_ptr<connectors::Output> open_output(const std::string& path);

/// The sink of a run. The engine may call it on a thread of its own, so that until finish() only failed() is
/// anyone else's affair.
class MatchOutput final : public model::MatchSink {
 public:
  /// `flush_each`: a match is written as it comes. `plan` and `output` must outlive this.
  MatchOutput(const plan::Plan& plan, connectors::Output& output, const OutputOptions& options,
              bool flush_each);

  void on_match(const model::MatchView& match) override;
  /// True once something could not be written: no further match will be.
  bool failed() const { return failed_.load(std::memory_order_acquire); }

 private:
  connectors::Output& output_;
  connectors::MatchWriter writer_;
  std::atomic<bool> failed_ = false;
};

}  // namespace tocsin::service
