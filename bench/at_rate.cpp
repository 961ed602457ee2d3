// Events at a fixed rate through a ring, an open loop (bench/load/open_loop.hpp): from when an event was due
// to when its match is there. What of that is the engine's, what the ring's, what the machine's? Three take
// turns in short rounds within one run, on the same client's core, with the same events:
//
//   nobody    the client alone: each match is there as soon as its event is sent. What is more than a few
//   tens of
//             nanoseconds is the client's core standing still.
//   raw ring  a process on the other core that reads records, looks at the numbers of their events and
//   answers
//             one in twenty with as many bytes as a match has.
//   service   `tocsin run --listen` with busy polling on the other core, one filter rule: one in twenty
//   matches.
//
// Whoever has no turn is stopped. Each round checks its answer: all events sent, none rejected, as many
// matches as must be.
//
//   usage: bench_at_rate [ROUNDS [EVENTS A SECOND]]     300 rounds, a million a second
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <vector>

#include "bench/load/open_loop.hpp"
#include "bench/load/scenarios.hpp"
#include "bench/measure/assertion.hpp"
#include "bench/measure/machine.hpp"
#include "bench/measure/pin.hpp"
#include "bench/measure/quantile.hpp"
#include "bench/transports/raw.hpp"
#include "bench/transports/served.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::bench;

constexpr int client_core = 1, server_core = 0;
constexpr std::uint64_t every = 20;  // one event in so many matches
constexpr std::uint64_t warm_events = 2'000, round_events = 20'000;
constexpr std::uint64_t limit_ns = 5'000;  // that is asked of p99

/// All that was sent has been answered already.
class Nobody final : public load::Target {
 public:
  bool try_send(const model::EventBatch&, std::size_t begin, std::size_t end) override {
    sent_ += end - begin;
    return true;
  }
  void receive(load::Arrivals& arrivals) override {
    for (; told_ + every <= sent_; told_ += every)
      arrivals.on_match(told_ + every, false);
  }
  bool settle(load::Arrivals& arrivals, std::int64_t) override {
    receive(arrivals);
    return true;
  }
  std::uint64_t rejected() const override { return 0; }

 private:
  std::uint64_t sent_ = 0, told_ = 0;
};

class RawRing final : public load::Target {
 public:
  RawRing(Raw& raw, std::size_t match_bytes) : raw_(raw), match_bytes_(match_bytes) {}

  /// The raw process will take so many.
  void begin(std::uint64_t events) {
    end_ = &raw_.order({.what = Order::What::answer,
                        .via = Via::shm,
                        .spin = true,
                        .count = events,
                        .out_bytes = match_bytes_,
                        .every = every});
  }
  bool try_send(const model::EventBatch& batch, std::size_t begin, std::size_t end) override {
    if (!end_->try_send_events(sent_ + 1, batch, begin, end)) return false;
    sent_ += end - begin;
    return true;
  }
  void receive(load::Arrivals& arrivals) override {
    end_->receive_answers([&](std::uint64_t number) {
      answered_ = number;
      arrivals.on_match(number, false);
    });
  }
  bool settle(load::Arrivals& arrivals, std::int64_t timeout_ns) override {
    const std::int64_t deadline = measure::steady_ns() + timeout_ns;
    while (answered_ + every <= sent_ && measure::steady_ns() < deadline)
      receive(arrivals);
    return answered_ + every > sent_;
  }
  std::uint64_t rejected() const override { return 0; }

 private:
  Raw& raw_;
  const std::size_t match_bytes_;
  RawEnd* end_ = nullptr;
  std::uint64_t sent_ = 0, answered_ = 0;
};

constexpr double percents[] = {50, 90, 99};

struct Variant {
  std::string name;
  std::function<load::Outcome()> round;
  std::vector<std::vector<double>> ns = {{}, {}, {}};  // by percentile: of each round
  measure::Histogram all = {};
  std::uint64_t sent = 0, late = 0;

  void play() {
    const load::Outcome outcome = round();
    for (std::size_t i = 0; i < ns.size(); ++i)
      ns[i].push_back(static_cast<double>(outcome.latency.at_percentile(percents[i])));
    all.merge(outcome.latency);
    sent += outcome.sent;
    late += outcome.late;
  }
};

/// A turn of `loop`: a little that is not counted, then what is.
load::Outcome turn(load::OpenLoop& loop, double rate) {
  constexpr std::int64_t enough_ns = 10'000'000'000;
  loop.run({.rate = rate, .duration_ns = enough_ns, .count = warm_events});
  load::Outcome outcome = loop.run({.rate = rate, .duration_ns = enough_ns, .count = round_events});
  check(outcome.settled && outcome.sent == round_events && outcome.rejected == 0, "all events taken");
  check(outcome.matches == round_events / every && outcome.latency.total() == outcome.matches, "matches");
  return outcome;
}

std::string micros(double ns) {
  return fmt::format("{:.2f}", ns / 1e3);
}

std::string share_within(const std::vector<double>& ns) {
  std::size_t within = 0;
  for (const double each : ns)
    within += each < static_cast<double>(limit_ns) ? 1 : 0;
  return fmt::format("{:.1f}", 100 * static_cast<double>(within) / static_cast<double>(ns.size()));
}

double share_above(const measure::Histogram& latency) {
  std::uint64_t above = 0;
  for (const auto& bucket : latency.buckets())
    above += bucket.upper >= limit_ns ? bucket.count : 0;
  return static_cast<double>(above) / static_cast<double>(latency.total());
}

void print(const std::vector<Variant>& variants) {
  using measure::quantile;
  fmt::print(
      "{:<10}{:>22}{:>32}{:>12}{:>14}{:>36}{:>9}\n{:<10}{:>6}{:>8}{:>8}{:>32}{:>12}{:>14}{:>9}{:>9}{:>9}{:>9}"
      "{:>9}\n",
      "", "median of the rounds", "p99 of a tenth, 9 tenths", "rounds with", "matches above", "all rounds",
      "sent", "µs", "p50", "p90", "p99", "", "p99 < 5 µs", "5 µs", "p50", "p99", "p99.9", "max", "late");
  for (const Variant& variant : variants) {
    fmt::print("{:<10}", variant.name);
    for (const auto& rounds : variant.ns)
      fmt::print("{:>8}", micros(quantile(rounds, 0.5)));
    fmt::print("{:>15}{:>15}{:>10} %{:>12.2f} %", micros(quantile(variant.ns[2], 0.1)),
               micros(quantile(variant.ns[2], 0.9)), share_within(variant.ns[2]),
               100 * share_above(variant.all));
    for (const double percent : {50.0, 99.0, 99.9, 100.0})
      fmt::print("{:>9}", micros(static_cast<double>(variant.all.at_percentile(percent))));
    fmt::print("{:>7.2f} %\n", 100 * static_cast<double>(variant.late) / static_cast<double>(variant.sent));
  }
  const Variant &raw = variants[1], &service = variants[2];
  const auto against = [&](const Variant& other) {
    std::string text;
    for (std::size_t i = 0; i < other.ns.size(); ++i) {
      std::vector<double> ratios;
      for (std::size_t round = 0; round < other.ns[i].size(); ++round)
        ratios.push_back(service.ns[i][round] / other.ns[i][round]);
      text += fmt::format("  p{:.0f} {:.2f} ({:.2f} to {:.2f})", percents[i], quantile(ratios, 0.5),
                          quantile(ratios, 0.1), quantile(ratios, 0.9));
    }
    return text;
  };
  fmt::print("\nservice over raw ring, within a round: median (tenth to nine tenths)\n{}\n", against(raw));
}

void run(int rounds, double rate) {
  const dsl::Compiled rules = filter_rule();
  const model::Catalog& catalog = rules.plan->catalog;
  const model::EventBatch batch = ticks_of(catalog, every);
  Raw raw(server_core);
  Served served(rules, Via::shm, server_core, true);
  measure::pin_to(client_core);
  const auto clock = measure::TickClock::calibrated();
  const measure::Machine machine = measure::this_machine();
  const measure::Histogram hiccups = measure::hiccups(clock, 1'000'000'000);
  fmt::print("{}, {} cores, {}, load {}; {:.0f} events/s, {} rounds of {} events, 1 in {} matches\n",
             machine.cpu, machine.cores, machine.kernel, machine.load, rate, rounds, round_events, every);
  fmt::print("an idle loop on the client's core stood still {} times in 1 s: p50 {}, p99 {}, max {} µs\n\n",
             hiccups.total(), micros(static_cast<double>(hiccups.at_percentile(50))),
             micros(static_cast<double>(hiccups.at_percentile(99))),
             micros(static_cast<double>(hiccups.max())));
  served.connect(catalog);

  load::LinkTarget service(served.link());
  load::EventLoop served_events(batch, catalog);
  load::OpenLoop through_service(service, served_events, clock);
  const auto round_of_service = [&] {
    const Turn at_turn(served);
    return turn(through_service, rate);
  };
  const std::uint64_t warm_matches = round_of_service().matches + warm_events / every;
  RawRing raw_ring(raw, served.link().bytes_received() / warm_matches);
  load::EventLoop raw_events(batch, catalog);
  load::OpenLoop through_raw(raw_ring, raw_events, clock);
  Nobody nobody;
  load::EventLoop events(batch, catalog);
  load::OpenLoop alone(nobody, events, clock);

  std::vector<Variant> variants;
  variants.push_back({"nobody", [&] { return turn(alone, rate); }});
  variants.push_back({"raw ring", [&] {
                        raw_ring.begin(warm_events + round_events);
                        return turn(through_raw, rate);
                      }});
  variants.push_back({"service", round_of_service});
  for (int round = 0; round < rounds; ++round) {
    for (Variant& variant : variants)
      variant.play();
  }
  print(variants);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] == '-') return 0;  // options of the other benchmarks: they choose among those
  try {
    run(argc > 1 ? std::atoi(argv[1]) : 300, argc > 2 ? measure::parse_rate(argv[2]) : 1e6);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
