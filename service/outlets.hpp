// Where a live service's matches go: to the hub, and so to subscribers; to the output; to those who tap. The
// engine calls it on its thread; the rest is for the ingress thread while no match is under way.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "connectors/net/match_hub.hpp"
#include "service/config.hpp"
#include "service/match_output.hpp"
#include "service/taps.hpp"

namespace tocsin::service {

class Outlets final : public model::MatchSink {
 public:
  Outlets(connectors::net::MatchHub& hub, const Config& config, bool one_thread)
      : hub_(hub), config_(config), one_thread_(one_thread) {
    if (config.output.path != "none") output_ = open_output(config.output.path);
  }

  void use(std::shared_ptr<const plan::Plan> plan) {
    if (output_) writer_.emplace(*plan, *output_, config_.output, !one_thread_);
    plan_ = std::move(plan);
  }
  void show_to(Taps& taps) { taps_ = &taps; }

  void on_match(const model::MatchView& match) override {
    hub_.on_match(match);
    if (writer_) writer_->on_match(match);
    if (taps_ != nullptr) taps_->on_match(match);
  }

  void on_batch(std::int64_t stamp) override { hub_.on_batch(stamp); }

  /// False once something could not be written.
  bool flush_round() { return !output_ || (one_thread_ ? output_->flush() : !writer_->failed()); }
  /// The engine has finished.
  bool flush_last() { return !output_ || output_->flush(); }
  const connectors::Output* output() const { return output_.get(); }

 private:
  connectors::net::MatchHub& hub_;
  const Config& config_;
  const bool one_thread_;
  std::unique_ptr<connectors::Output> output_;
  std::shared_ptr<const plan::Plan> plan_;
  std::optional<MatchOutput> writer_;
  Taps* taps_ = nullptr;
};

}  // namespace tocsin::service
