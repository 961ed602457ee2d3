#include "bench/load/scenarios.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

#include "engine/base/hash.hpp"

namespace tocsin::load {
namespace {

// Without a timestamp: each tick has the time at which it arrives.
constexpr const char* tick = "event Tick { symbol: string, price: float, volume: int }\n";
constexpr std::size_t symbols = 1000, ticks = std::size_t{1} << 16;

std::string filter() {
  return std::string(tick) + "rule spike { from Tick[price > 95] emit Spike { symbol, price } }\n";
}

std::string sequence() {
  return std::string(tick) +
         "rule swing {\n  match low: Tick[price < 10] -> high: Tick[price > 90]\n  partition by symbol\n"
         "  within 10s\n  emit Swing { symbol, from: low.price, to: high.price }\n}\n";
}

std::string window() {
  return std::string(tick) +
         "rule busy {\n  from Tick\n  partition by symbol\n  window sliding 1s\n  when sum(volume) > 2000\n"
         "  on every\n  emit Busy { symbol, ticks: count(), volume: sum(volume) }\n}\n";
}

std::string many() {
  std::string text = tick;
  for (std::size_t i = 0; i < symbols; ++i)
    text += fmt::format(
        "rule r{0} {{ from Tick[symbol == \"S{0}\" and price > {1}] emit Found {{ symbol, price }} }}\n", i,
        80 + i % 20);
  return text;
}

constexpr Scenario all[] = {
    {"filter", "one condition on one field; an event in twenty matches", filter},
    {"sequence", "a low price, then a high one, a symbol (1,000 of them), within 10 s", sequence},
    {"window", "the volume of a symbol's last second above a threshold", window},
    {"many", "1,000 rules, each on a symbol and a price", many},
};

}  // namespace

std::span<const Scenario> scenarios() {
  return all;
}

model::EventBatch built_in_events(const model::Catalog& catalog) {
  model::EventBatch batch;
  model::EventWriter writer(batch);
  const model::EventType& type = *catalog.find("Tick");
  for (std::size_t i = 0; i < ticks; ++i) {
    const std::uint64_t random = hash_mix(i);
    writer.begin(type);
    writer.set_string(*type.find("symbol"), fmt::format("S{}", random % symbols));
    writer.set_float(*type.find("price"), static_cast<double>((random >> 20) % 10'000) / 100);
    writer.set_int(*type.find("volume"), static_cast<std::int64_t>((random >> 40) % 1000));
    writer.commit(0, 0, 0);
  }
  return batch;
}

model::EventBatch events_of_files(const service::InputOptions& input, const model::Catalog& catalog) {
  constexpr std::size_t most_bytes = std::size_t{1} << 30;
  std::string first_bad;
  std::uint64_t bad = 0;
  connectors::SourceContext context;
  context.report = [&](const connectors::BadRecord& record) {
    if (bad++ == 0) first_bad = fmt::format("{}: line {}: {}", record.source, record.line, record.message);
  };
  model::EventBatch events, part;
  for (const auto& source : service::open_inputs(input, catalog, context)) {
    for (auto status = model::ReadStatus::more; status == model::ReadStatus::more;) {
      status = source->read(part, 1024);
      if (status == model::ReadStatus::failed) throw std::runtime_error(std::string(source->error()));
      for (std::size_t i = 0; i < part.size(); ++i)
        events.append(part[i]);
      part.clear();
      if (events.bytes() > most_bytes)
        throw std::runtime_error("the events take more than 1 GiB of memory; give a part of them");
    }
  }
  if (bad > 0) throw std::runtime_error(fmt::format("{} of the events are bad; {}", bad, first_bad));
  if (events.empty()) throw std::runtime_error("there are no events");
  return events;
}

EventLoop::EventLoop(model::EventBatch events, const model::Catalog& catalog)
    : events_(std::move(events)), catalog_(catalog) {
  std::int64_t first = INT64_MAX, last = INT64_MIN;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    model::EventHeader& header = events_.header(i);
    header.source = 0;
    header.seq = 0;
    if (!catalog_.types[header.type].timestamp) {
      header.time_ns = 0;
      continue;
    }
    first = std::min(first, header.time_ns);
    last = std::max(last, header.time_ns);
  }
  if (last >= first) span_ns_ = last - first + 1;
}

std::size_t EventLoop::end_of(std::size_t count) const {
  constexpr std::ptrdiff_t most_bytes = 1 << 16;
  std::size_t end = at_ + 1;
  const std::size_t last = std::min(events_.size(), at_ + count);
  while (end < last && events_[end].bytes() - events_[at_].bytes() < most_bytes)
    ++end;
  return end;
}

void EventLoop::advance(std::size_t end) {
  at_ = end;
  if (at_ == events_.size()) pass();
}

/// What is sent again happens after all that was sent.
void EventLoop::pass() {
  at_ = 0;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    model::EventHeader& header = events_.header(i);
    if (catalog_.types[header.type].timestamp) header.time_ns += span_ns_;
  }
}

}  // namespace tocsin::load
