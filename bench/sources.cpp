// Event time over few and many sources: what a push costs. Each source pushes in turn, one event or eight at
// a time, of times that go on together, so that the least watermark is that of another source every time.
// Items are events.
#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "engine/runtime/event_time.hpp"

namespace {

using namespace tocsin;

void event_time(benchmark::State& state) {
  const auto sources = static_cast<std::uint16_t>(state.range(0));
  const auto per_push = static_cast<int>(state.range(1));
  model::EventType type;
  type.name = "E";
  type.layout();
  runtime::EventTime time(std::size_t{1} << 20);
  for (std::uint16_t i = 0; i < sources; ++i)
    time.add_source({.awaited = false, .idle_timeout_ns = 1'000'000'000});
  model::EventBatch batch;
  std::int64_t now = 0;
  std::uint16_t source = 0;
  std::uint64_t pushed = 0, released = 0;
  for (auto _ : state) {
    for (int i = 0; i < per_push; ++i, ++pushed) {
      model::EventWriter writer(batch);
      writer.begin(type);
      writer.commit(++now, 0, 0);
    }
    time.admit(source, batch);
    released += batch.size();
    batch.clear();
    source = source + 1 == sources ? 0 : static_cast<std::uint16_t>(source + 1);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(pushed));
  // All but what the sources that have shown least hold back.
  if (released + time.buffered() != pushed || time.buffered() > std::size_t{sources} * per_push) {
    std::fputs("events were lost or held back\n", stderr);
    std::exit(1);
  }
}

}  // namespace

BENCHMARK(event_time)
    ->ArgNames({"sources", "per_push"})
    ->ArgsProduct({{1, 2, 10, 100, 1000, 10'000}, {1, 8}});
BENCHMARK_MAIN();
