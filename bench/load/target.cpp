#include "bench/load/target.hpp"

#include <utility>
#include <vector>

#include "bench/load/link.hpp"
#include "bench/load/server_process.hpp"
#include "bench/measure/clock.hpp"
#include "engine/runtime/engine.hpp"

namespace tocsin::load {
namespace {

class EngineTarget final : public Target, public model::MatchSink {
 public:
  EngineTarget(const plan::Plan& plan, std::int64_t lateness_ns)
      : plan_(plan), engine_(plan, runtime::EngineOptions(), *this) {
    source_ = engine_.add_source({.lateness_ns = lateness_ns});
  }

  bool try_send(const model::EventBatch& batch, std::size_t begin, std::size_t end) override {
    timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    const std::int64_t arrival_ns = time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
    for (std::size_t i = begin; i < end; ++i) {
      part_.append(batch[i]);
      if (!plan_.catalog.types[batch[i].type()].timestamp) part_.header(i - begin).time_ns = arrival_ns;
    }
    engine_.push(source_, part_);
    return true;
  }
  /// They came while the events were pushed; only now is there somebody to be told, a moment later.
  void receive(Arrivals& arrivals) override {
    for (const auto& [trigger, timeout] : matches_)
      arrivals.on_match(trigger, timeout);
    matches_.clear();
  }
  bool settle(Arrivals& arrivals, std::int64_t) override {
    receive(arrivals);
    return true;
  }
  std::uint64_t rejected() const override { return 0; }
  void on_match(const model::MatchView& match) override {
    matches_.emplace_back(match.trigger_seq, match.timeout);
  }

 private:
  const plan::Plan& plan_;
  std::vector<std::pair<std::uint64_t, bool>> matches_;
  model::EventBatch part_;
  runtime::Engine engine_;
  std::uint16_t source_ = 0;
};

struct Service {
  ServerProcess server;
  Link link;
};

class ServiceTarget final : Service, public LinkTarget {
 public:
  ServiceTarget(const dsl::Compiled& compiled, const TargetOptions& options)
      : Service{.server{compiled,
                        {.core = options.core,
                         .busy_poll = options.busy_poll,
                         .lateness_ns = options.lateness_ns}},
                .link{compiled.plan->catalog,
                      {.address = options.via == Via::tcp ? server.tcp() : server.unix_socket(),
                       .ring = options.via == Via::shm}}},
        LinkTarget(link) {
    link.subscribe(wire::Policy::block);
  }

  void close() override {
    link.close();
    server.stop();
  }
};

}  // namespace

bool LinkTarget::try_send(const model::EventBatch& batch, std::size_t begin, std::size_t end) {
  return link_.try_send(batch, begin, end);
}

void LinkTarget::receive(Arrivals& arrivals) {
  link_.flush();
  link_.receive([&](const wire::MatchHead& head) {
    arrivals.on_match(head.trigger_seq, (head.flags & wire::match_flag::timeout) != 0);
  });
}

bool LinkTarget::settle(Arrivals& arrivals, std::int64_t timeout_ns) {
  const std::int64_t deadline = measure::steady_ns() + timeout_ns;
  const auto until = [&](auto holds) {
    while (!holds() && measure::steady_ns() < deadline)
      receive(arrivals);
    return holds();
  };
  if (!until([&] { return link_.acknowledged() == link_.sent(); })) return false;
  link_.mark();
  if (!until([&] { return link_.mark_returned(); })) return false;
  receive(arrivals);
  return true;
}

std::uint64_t LinkTarget::rejected() const {
  return link_.rejected();
}

std::unique_ptr<Target> open_target(const dsl::Compiled& compiled, const TargetOptions& options) {
  if (options.via == Via::engine) return std::make_unique<EngineTarget>(*compiled.plan, options.lateness_ns);
  return std::make_unique<ServiceTarget>(compiled, options);
}

}  // namespace tocsin::load
