// The pieces of an event's way, each by itself: rules are parsed, a line and a frame become events, the
// predicate index finds whom they concern, a queue hands them to another thread, timers are set and run. Each
// checks its answer before it is timed. (Timers of many keys: `absences` of patterns.cpp. Matchers and
// windows: patterns.cpp, windows.cpp.)
#include <benchmark/benchmark.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/common/engine_run.hpp"
#include "bench/common/events.hpp"
#include "bench/common/workloads.hpp"
#include "connectors/line_reader.hpp"
#include "connectors/ndjson_decoder.hpp"
#include "connectors/wire/event_check.hpp"
#include "engine/base/channel.hpp"
#include "engine/base/fifo.hpp"
#include "engine/match/predicate_index.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::bench;

constexpr std::size_t events = 1024;

void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "wrong answer: %s\n", what);
  std::exit(1);
}

std::vector<Event> ticks(std::uint64_t symbols) {
  std::vector<Event> made;
  Stream(Stream::Kind::ticks, symbols).next(made, events);
  return made;
}

model::EventBatch batch_of(const std::vector<Event>& ticks, const model::Catalog& catalog) {
  model::EventBatch batch;
  for (const Event& tick : ticks) {
    model::EventWriter writer(batch);
    writer.begin(*catalog.find("Tick"));
    writer.set_string(0, tick.key.view());
    writer.set_float(1, tick.number);
    writer.set_int(2, tick.volume);
    writer.set_int(3, tick.at_ns);
    writer.commit(tick.at_ns, 0, 0);
  }
  return batch;
}

void check_same(const model::EventBatch& batch, const std::vector<Event>& ticks,
                const model::Catalog& catalog) {
  const model::EventBatch expected = batch_of(ticks, catalog);
  check(batch.size() == expected.size(), "number of events");
  for (std::size_t i = 0; i < batch.size(); ++i) {
    check(batch[i].size() == expected[i].size() &&
              std::memcmp(batch[i].bytes(), expected[i].bytes(), expected[i].size()) == 0,
          "an event");
  }
}

void count_items(benchmark::State& state, std::size_t items) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
}

/// Items are rules: text to plan.
void parse(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  const std::string text = tick_schema + symbol_rules(count);
  check(compile_or_exit(text).plan->rules.size() == static_cast<std::size_t>(count), "rules");
  for (auto _ : state)
    benchmark::DoNotOptimize(dsl::compile_text("bench.tocsin", text));
  count_items(state, static_cast<std::size_t>(count));
}

/// Items are lines of some 80 bytes.
void decode_ndjson(benchmark::State& state) {
  const auto compiled = compile_or_exit(tick_schema);
  const auto all = ticks(1000);
  std::vector<std::string> lines;
  for (const Event& tick : all) {
    char line[256];
    std::snprintf(line, sizeof line, R"({"type":"Tick","symbol":"%s","price":%.17g,"volume":%lld,"at":%lld})",
                  std::string(tick.key.view()).c_str(), tick.number, static_cast<long long>(tick.volume),
                  static_cast<long long>(tick.at_ns));
    lines.emplace_back(line);
    lines.back().reserve(lines.back().size() + connectors::record_padding);
  }
  const auto decoder = connectors::ndjson_decoder(compiled.plan->catalog, {}, [] { return std::int64_t{0}; });
  model::EventBatch batch;
  const auto decode = [&] {
    batch.clear();
    for (const std::string& line : lines)
      decoder.value->decode(line, batch);
  };
  decode();
  check_same(batch, all, compiled.plan->catalog);
  for (auto _ : state)
    decode();
  count_items(state, lines.size());
}

/// Items are events of a frame, checked and copied.
void check_frame(benchmark::State& state) {
  namespace wire = connectors::wire;
  const auto compiled = compile_or_exit(tick_schema);
  const auto all = ticks(1000);
  const model::EventBatch sent = batch_of(all, compiled.plan->catalog);
  std::vector<std::byte> payload(wire::events_bytes(sent, 0, events));
  wire::write_events(payload.data(), 1, sent, 0, events);
  wire::EventChecker checker(compiled.plan->catalog);
  model::EventBatch batch;
  const auto take = [&] {
    batch.clear();
    return checker.check(payload, 0, batch);
  };
  const auto checked = take();
  check(checked.count == events && checked.rejected == 0 && checked.fault.empty(), "a frame");
  check_same(batch, all, compiled.plan->catalog);
  for (auto _ : state)
    take();
  count_items(state, events);
}

/// Items are events, of as many symbols as there are rules: each concerns at most one.
void predicate_index(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  const auto compiled = compile_or_exit(tick_schema + symbol_rules(count));
  std::vector<match::Program> programs;
  for (std::uint32_t rule = 0; rule < compiled.plan->rules.size(); ++rule)
    programs.push_back(match::build_program(*compiled.plan, rule));
  std::vector<const match::Program*> pointers;
  for (const match::Program& program : programs)
    pointers.push_back(&program);
  match::PredicateIndex index(pointers, compiled.plan->catalog, true);
  match::Scratch scratch;
  const auto all = ticks(static_cast<std::uint64_t>(count));
  const model::EventBatch batch = batch_of(all, compiled.plan->catalog);
  for (std::size_t i = 0; i < events; ++i) {
    const std::uint32_t rule =
        static_cast<std::uint32_t>(std::stoul(std::string(all[i].key.view().substr(1))));
    const bool holds = all[i].number > 90 + rule % 10;
    const auto& touched = index.lookup(batch[i], scratch);
    check(touched.size() == (holds ? 1 : 0) && (!holds || touched[0].program == rule), "rules of an event");
  }
  for (auto _ : state) {
    for (std::size_t i = 0; i < events; ++i)
      benchmark::DoNotOptimize(index.lookup(batch[i], scratch).size());
  }
  count_items(state, events);
}

/// Items are numbers put into the queue between threads and taken out, by one thread.
void queue(benchmark::State& state) {
  Queue<std::uint64_t> queue;
  const ProducerToken token(queue);
  std::uint64_t number = 0, got = 0;
  for (auto _ : state) {
    queue.enqueue(token, ++number);
    check(queue.try_dequeue_from_producer(token, got) && got == number, "a number of the queue");
  }
  count_items(state, 1);
}

/// Items are deadlines: one is put into a rule's queue, and the first of so many that wait is met and taken
/// out.
void deadlines(benchmark::State& state) {
  Fifo<std::int64_t> queue;
  std::int64_t now_ns = 0;
  for (; now_ns < state.range(0); ++now_ns)
    queue.push_back(now_ns);
  for (auto _ : state) {
    queue.push_back(now_ns);
    check(queue.front() == now_ns - state.range(0), "the first deadline");
    queue.pop_front();
    ++now_ns;
  }
  count_items(state, 1);
}

/// Items are events, of as many symbols as there are rules, in turn. Each sets a timer of its rule, and as
/// all rules wait for another time, each meets one of another, through the heap of all rules' next timers,
/// and completes a match by it. Beside them rules whose matches are completed by events: what else an event
/// and a match cost.
void timers(benchmark::State& state, bool has_timers) {
  const auto count = static_cast<std::size_t>(state.range(0));
  constexpr std::size_t least_ms = 1000;
  std::string rules = tick_schema;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    const std::string step = "Tick[symbol == \"S" + n + "\"";
    rules += "rule r" + n + " { match a: " + step + "] -> " +
             (has_timers ? "not Tick[symbol == \"none\"] for " + std::to_string(least_ms + i * 7919 % count) +
                               "ms report all }\n"
                         : "b: " + step + " and volume == a.volume] report all }\n");
  }
  EngineWith<AnswerSink> engine("Tick", rules);
  std::vector<Event> piece(events);
  std::size_t number = 0;
  const auto write = [&] {
    for (Event& event : piece) {
      event.key = Key("S" + std::to_string(number % count));
      event.at_ns = static_cast<std::int64_t>(++number) * 1'000'000;
    }
    engine.write(std::span<const Event>(piece), [](model::EventWriter& writer, const Event& event) {
      writer.set_string(0, event.key.view());
      writer.set_int(2, event.volume);
    });
  };
  while (number < 4 * (least_ms + count)) {
    write();
    engine.push();
  }
  for (auto _ : state) {
    write();
    const double begin = cpu_seconds();
    engine.push();
    state.SetIterationTime(cpu_seconds() - begin);
  }
  const std::size_t waiting = number - engine.sink().answer.matches;
  const std::size_t least = has_timers ? least_ms : count, most = has_timers ? least_ms + count : count;
  check(waiting >= least && waiting <= most, "runs that wait");
  count_items(state, events);
}

/// Items are numbers that go to another thread and come back, both sides waiting without sleep: two hops
/// each.
void queue_hop(benchmark::State& state) {
  constexpr std::uint64_t end = UINT64_MAX;
  Queue<std::uint64_t> there, back;
  const auto take = [](Queue<std::uint64_t>& queue) {
    std::uint64_t number = 0;
    while (!queue.try_dequeue(number))
      __builtin_ia32_pause();
    return number;
  };
  std::thread other([&] {
    const ProducerToken token(back);
    for (std::uint64_t number; (number = take(there)) != end;)
      back.enqueue(token, number + 1);
  });
  const ProducerToken token(there);
  std::uint64_t number = 0;
  for (auto _ : state) {
    there.enqueue(token, number);
    check(take(back) == ++number, "a number of the other thread");
  }
  there.enqueue(token, end);
  other.join();
  count_items(state, 1);
}

void rules_of_timers(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1)->Arg(10)->Arg(1000)->Arg(10'000)->ArgName("rules")->UseManualTime();
}

BENCHMARK(parse)->Arg(10)->Arg(1000)->ArgName("rules")->Unit(benchmark::kMicrosecond);
BENCHMARK(decode_ndjson);
BENCHMARK(check_frame);
BENCHMARK(predicate_index)->Arg(10)->Arg(1000)->Arg(10'000)->ArgName("rules");
BENCHMARK(queue);
BENCHMARK(queue_hop)->UseRealTime();
BENCHMARK(deadlines)->Arg(1000)->Arg(1'000'000)->ArgName("waiting");
BENCHMARK_CAPTURE(timers, none, false)->Apply(rules_of_timers);
BENCHMARK_CAPTURE(timers, set_and_run, true)->Apply(rules_of_timers);

}  // namespace

BENCHMARK_MAIN();
