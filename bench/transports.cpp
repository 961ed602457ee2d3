// What the service's transports cost, beside the least that the same kind of socket or ring costs by itself.
// The service runs as `tocsin run --listen` does, in a process pinned to one core; the client has the other.
// A raw process takes the service's place on its core: it sends back as many bytes as the service would
// (echo), or reads as many as were sent and throws them away (copy). Raw and real take turns in short rounds
// within one run, as the machine is shared: read the ratios. Whoever has no turn is stopped. Each variant has
// a service of its own. Every round checks its answer.
//
//   usage: bench_transports [ROUNDS]
//
// round trips: one event out, its match back, one at a time. Sleeping: both sides sleep while they wait.
//              Busy: both poll without pause (the option `busy_poll` of the service).
// streams:     many events into one filter rule, until the match of the last has come.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/measure/clock.hpp"
#include "bench/measure/pin.hpp"
#include "bench/transports/raw.hpp"
#include "bench/transports/rounds.hpp"
#include "bench/transports/served.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::bench;
using load::Link;

constexpr int client_core = 1, server_core = 0;
constexpr std::size_t trips = 300, warm_trips = 20;  // a round
constexpr std::size_t frame_events = 256;
constexpr std::size_t matches_of_flow = flow / matching_every;  // the last event matches
static_assert(flow % matching_every == 0);

void trip(Link& link, const model::EventBatch& batch, bool spin) {
  check(link.try_send(batch, matching_every - 1, matching_every), "credit for one event");  // it matches
  for (std::size_t got = 0; got == 0;) {
    if (!spin) link.wait(-1);
    link.receive([&](const wire::MatchHead& head) {
      check(head.trigger_seq == link.sent() && head.rule == 0, "the match of the event that was sent");
      ++got;
    });
  }
}

void real_trips(Served& served, const model::EventBatch& batch, bool spin, std::vector<double>& items,
                const measure::TickClock& clock) {
  const Turn turn(served);
  for (std::size_t i = 0; i < warm_trips; ++i)
    trip(served.link(), batch, spin);
  for (std::size_t i = 0; i < trips; ++i) {
    const std::uint64_t begin = measure::ticks();
    trip(served.link(), batch, spin);
    items.push_back(static_cast<double>(clock.ns_of(measure::ticks() - begin)));
  }
}

void raw_trips(Raw& raw, Order order, std::vector<double>& items, const measure::TickClock& clock) {
  order.count = trips + warm_trips;
  RawEnd& end = raw.order(order);
  for (std::size_t i = 0; i < order.count; ++i) {
    const std::uint64_t begin = measure::ticks();
    end.send(order.via, order.in_bytes);
    end.receive(order.via, order.out_bytes, order.spin);
    if (i >= warm_trips) items.push_back(static_cast<double>(clock.ns_of(measure::ticks() - begin)));
  }
}

void real_stream(Served& served, const model::EventBatch& batch, std::vector<double>& items) {
  const Turn turn(served);
  Link& link = served.link();
  std::size_t left = matches_of_flow;
  const auto take = [&](const wire::MatchHead&) {
    check(left > 0, "a match too many");
    --left;
  };
  const std::int64_t begin = measure::steady_ns();
  for (std::size_t at = 0; at < flow;) {
    const std::size_t end = std::min(at + frame_events, flow);
    if (link.try_send(batch, at, end)) {
      at = end;
    } else if (!link.receive(take)) {
      __builtin_ia32_pause();
    }
  }
  while (left > 0) {
    link.flush();
    link.receive(take);
  }
  items.push_back(static_cast<double>(measure::steady_ns() - begin) / static_cast<double>(flow));
  while (link.acknowledged() < link.sent()) {
    link.wait(10'000'000);
    link.receive(take);
  }
  check(link.rejected() == 0 && link.matches_dropped() == 0, "nothing rejected or dropped");
}

void real_lines(Served& served, std::string_view lines, std::vector<double>& items) {
  const Turn turn(served);
  const std::int64_t begin = measure::steady_ns();
  send_all(served.socket(), std::as_bytes(std::span(lines)));
  check(served.lines_until(matches_of_flow, "{\"rule\":\"spike\""), "lines of matches");
  items.push_back(static_cast<double>(measure::steady_ns() - begin) / static_cast<double>(flow));
}

/// Sends the bytes of the frames of the flow; of a ring each as a record.
void raw_stream(Raw& raw, Via via, std::span<const std::byte> bytes, std::vector<double>& items) {
  Order order{.what = Order::What::copy, .via = via, .count = bytes.size(), .out_bytes = 16};
  std::size_t records = 0;
  for (auto rest = bytes; via == Via::shm && !rest.empty(); ++records) {
    wire::FrameHeader header;
    std::memcpy(&header, rest.data(), sizeof header);
    rest = rest.subspan(wire::frame_bytes(header.length));
  }
  if (via == Via::shm) order.count = records;
  order.spin = via == Via::shm;
  const std::int64_t begin = measure::steady_ns();
  RawEnd& end = raw.order(order);
  if (via == Via::shm) {
    for (auto rest = bytes; !rest.empty();) {
      wire::FrameHeader header;
      std::memcpy(&header, rest.data(), sizeof header);
      end.send_record(rest.subspan(sizeof header, header.length));
      rest = rest.subspan(wire::frame_bytes(header.length));
    }
  } else {
    send_all(end.socket(via), bytes);
  }
  end.receive(via, order.out_bytes, order.spin);
  items.push_back(static_cast<double>(measure::steady_ns() - begin) / static_cast<double>(flow));
}

constexpr std::array<std::pair<Via, const char*>, 3> ways{
    {{Via::tcp, "TCP"}, {Via::unix_socket, "Unix socket"}, {Via::shm, "ring"}}};

/// Bytes of a trip: what the raw side has to move.
Order bytes_of_trip(Served& served, const model::EventBatch& batch, Via via, bool spin) {
  const Turn turn(served);
  Link& link = served.link();
  constexpr std::size_t tries = 100;
  for (std::size_t i = 0; i < 3; ++i)
    trip(link, batch, spin);
  const std::uint64_t out = link.bytes_sent(), in = link.bytes_received();
  for (std::size_t i = 0; i < tries; ++i)
    trip(link, batch, spin);
  return {.via = via,
          .spin = spin,
          .in_bytes = (link.bytes_sent() - out) / tries,
          .out_bytes = (link.bytes_received() - in) / tries / 8 * 8};
}

void run(int rounds) {
  const dsl::Compiled rules_text = filter_rule();
  const model::Catalog& catalog = rules_text.plan->catalog;
  const model::EventBatch batch = ticks_of(catalog);
  const std::string lines = lines_of_ticks();
  wire::FrameBuffer frames;
  for (std::size_t at = 0; at < flow; at += frame_events)
    wire::append_events(frames, at + 1, batch, at, std::min(at + frame_events, flow));

  Raw raw(server_core);
  std::vector<std::unique_ptr<Served>> all;
  const auto serve = [&](Via via, bool busy) -> Served& {
    return *all.emplace_back(std::make_unique<Served>(rules_text, via, server_core, busy));
  };
  measure::pin_to(client_core);
  const auto clock = measure::TickClock::calibrated();

  std::vector<Variant> trips_variants;
  for (const bool busy : {false, true}) {
    for (const auto& [via, way] : ways) {
      Served& served = serve(via, busy);
      served.connect(catalog);
      const Order order = bytes_of_trip(served, batch, via, busy);
      fmt::print(stderr, "{}: {} bytes there, {} back\n", way, order.in_bytes, order.out_bytes);
      const auto mode = busy ? "busy" : "sleeping";
      trips_variants.push_back({fmt::format("{}, {}: raw echo", way, mode), -1,
                                [&raw, order, &clock](auto& items) { raw_trips(raw, order, items, clock); }});
      trips_variants.push_back(
          {fmt::format("{}, {}: event to match", way, mode), static_cast<int>(trips_variants.size()) - 1,
           [&served, &batch, busy, &clock](auto& items) { real_trips(served, batch, busy, items, clock); }});
    }
  }
  play(trips_variants, rounds);
  print_trips(trips_variants);

  std::vector<Variant> streams;
  const auto add_real = [&](std::string name, int beside, Served& served, auto act) {
    streams.push_back({std::move(name), beside, act, {}, [&served] { return served.cpu_ns(); }});
  };
  Served& line_server = serve(Via::tcp, false);
  line_server.connect_lines();
  streams.push_back({"TCP: raw copy of the lines", -1, [&](auto& items) {
                       raw_stream(raw, Via::tcp, std::as_bytes(std::span(lines)), items);
                     }});
  add_real("TCP: NDJSON", 0, line_server, [&](auto& items) { real_lines(line_server, lines, items); });
  for (const auto& [via, way] : ways) {
    Served& served = serve(via, false);
    served.connect(catalog);
    streams.push_back(
        {fmt::format("{}: raw copy of the frames", way), -1,
         [&raw, &frames, via = via](auto& items) { raw_stream(raw, via, frames.bytes(), items); }});
    add_real(fmt::format("{}: frames", way), static_cast<int>(streams.size()) - 1, served,
             [&served, &batch](auto& items) { real_stream(served, batch, items); });
  }
  play(streams, rounds);
  print_streams(streams, flow);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] == '-') return 0;  // options of the other benchmarks: they choose among those
  try {
    run(argc > 1 ? std::atoi(argv[1]) : 100);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
