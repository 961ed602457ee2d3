#include "service/taps.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "connectors/match_writer.hpp"
#include "connectors/net/descriptor.hpp"
#include "service/match_output.hpp"

namespace tocsin::service {

// A match writer whose output is taken before it is ever written: only what is too long goes, to /dev/null.
struct Taps::Writer {
  explicit Writer(const plan::Plan& plan)
      : null(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
        output(null.get(), "tap"),
        writer(plan.catalog, rule_outputs(plan), output, {}) {}

  connectors::net::Descriptor null;
  connectors::Output output;
  connectors::MatchWriter writer;
};

Taps::Taps(std::shared_ptr<const plan::Plan> plan, std::function<void()> notify)
    : notify_(std::move(notify)), plan_(std::move(plan)), writer_(std::make_unique<Writer>(*plan_)) {}

Taps::~Taps() = default;

void Taps::use(std::shared_ptr<const plan::Plan> plan) {
  const std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
  writer_ = std::make_unique<Writer>(*plan_);
}

void Taps::put(const model::MatchView& match) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    const std::string& rule = plan_->rules[match.rule].name;
    if (!rules_.contains(rule)) return;
    writer_->writer.on_match(match);
    auto& buffer = writer_->output.buffer();
    std::string line(buffer.data(), buffer.size());
    buffer.clear();
    if (line.empty() || queued_bytes_ + line.size() > max_queued_bytes) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    was_empty = queue_.empty();
    queued_bytes_ += line.size();
    queue_.push_back({rule, std::move(line)});
  }
  if (was_empty) notify_();
}

void Taps::want(std::set<std::string> rules) {
  const std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  any_.store(!rules_.empty(), std::memory_order_relaxed);
}

std::vector<TappedMatch> Taps::take() {
  const std::lock_guard lock(mutex_);
  queued_bytes_ = 0;
  return std::exchange(queue_, {});
}

}  // namespace tocsin::service
