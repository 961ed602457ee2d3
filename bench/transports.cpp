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
// Busy:
//              both poll without pause (the option `busy_poll` of the service).
// streams:     many events into one filter rule, until the match of the last has come.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <span>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "bench/load/link.hpp"
#include "bench/load/server_process.hpp"
#include "bench/measure/clock.hpp"
#include "bench/measure/pin.hpp"
#include "dsl/compile.hpp"
#include "engine/base/assert.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::load;

constexpr int client_core = 1, server_core = 0;
constexpr std::size_t trips = 300, warm_trips = 20;        // a round
constexpr std::size_t flow = 60'000, frame_events = 256;   // events a round, events a frame
constexpr std::size_t matching_every = 1000;               // of the flow; and the last
constexpr std::size_t ring_bytes = std::size_t{1} << 20;   // as the service's default
constexpr std::size_t read_bytes = std::size_t{64} << 10;  // at once

enum class Via : std::uint8_t { tcp, unix_socket, ring };

void check(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("wrong answer: " + what);
}

// --- the raw side

/// What the raw process is to do next.
struct Order {
  enum class What : std::uint8_t { echo, copy };
  What what = What::echo;
  Via via = Via::tcp;
  bool spin = false;
  std::uint64_t count = 0;  // round trips; bytes of a stream over a socket, records of one over a ring
  std::uint64_t in_bytes = 0, out_bytes = 0;  // of a trip, there and back; with the header of a record
};

void send_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    check(put > 0, "a raw socket");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

/// At least one byte.
std::size_t read_some(int socket, std::span<std::byte> to, bool spin) {
  for (;;) {
    const ssize_t got = ::recv(socket, to.data(), to.size(), spin ? MSG_DONTWAIT : 0);
    if (got > 0) return static_cast<std::size_t>(got);
    check(got < 0 && (errno == EAGAIN || errno == EINTR), "the end of a raw socket");
  }
}

void read_all(int socket, std::span<std::byte> to, bool spin) {
  while (!to.empty())
    to = to.subspan(read_some(socket, to, spin));
}

/// One side's ends of all that is raw.
class RawEnd {
 public:
  RawEnd(int tcp, int unix_socket, wire::RingMemory& out, wire::RingMemory& in)
      : tcp_(tcp), unix_(unix_socket), out_(out, {}), in_(in, out.capacity(), {}), buffer_(read_bytes) {}

  void send(Via via, std::size_t bytes) {
    const auto all = std::span<const std::byte>(buffer_).first(bytes);
    if (via != Via::ring) return send_all(socket(via), all);
    send_record(all.subspan(8));
  }
  void send_record(std::span<const std::byte> payload) {
    while (!out_.append(wire::FrameType::events, payload))
      __builtin_ia32_pause();
    out_.publish();
  }
  void receive(Via via, std::size_t bytes, bool spin) {
    if (via != Via::ring) return read_all(socket(via), std::span(buffer_).first(bytes), spin);
    check(receive_record(spin) + 8 == bytes, "a raw record");
    in_.release();
  }
  /// Returns the bytes of its payload.
  std::size_t receive_record(bool spin) {
    for (;;) {
      if (const auto record = in_.next()) {
        record->payload.copy_to(buffer_.data());
        return record->payload.size();
      }
      in_.release();
      if (spin) {
        __builtin_ia32_pause();
      } else {
        in_.wait({Idle::park, 0, 0}, -1);
      }
    }
  }
  void copy_in(const Order& order) {
    std::uint64_t left = order.count;
    while (left > 0)
      left -= order.via == Via::ring ? (receive_record(order.spin), 1)
                                     : read_some(socket(order.via), buffer_, order.spin);
    in_.release();
    send(order.via, order.out_bytes);
  }
  int socket(Via via) const { return via == Via::tcp ? tcp_ : unix_; }

 private:
  int tcp_, unix_;
  wire::RingProducer out_;
  wire::RingConsumer in_;
  std::vector<std::byte> buffer_;
};

void obey(RawEnd& end, const Order& order) {
  if (order.what == Order::What::copy) return end.copy_in(order);
  for (std::uint64_t i = 0; i < order.count; ++i) {
    end.receive(order.via, order.in_bytes, order.spin);
    end.send(order.via, order.out_bytes);
  }
}

/// Two ends of a TCP connection.
std::array<int, 2> tcp_pair() {
  const auto listening = net::listen_at(net::parse_address("tcp:127.0.0.1:0").address);
  if (!listening.fd) throw std::runtime_error(listening.error);
  const int here = connected(listening.address).release();
  int there;
  while ((there = ::accept(listening.fd.get(), nullptr, nullptr)) < 0) {
  }
  const int on = 1;
  ::setsockopt(there, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return {here, there};
}

std::unique_ptr<wire::RingMemory> new_ring() {
  auto memory = wire::RingMemory::create(ring_bytes);
  if (!memory) throw std::runtime_error(memory.error);
  return std::move(memory.value);
}

/// The raw process, and the client's end.
class Raw {
 public:
  Raw() : tcp_(tcp_pair()), there_(new_ring()), back_(new_ring()) {
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, unix_.data()) != 0 ||
        ::socketpair(AF_UNIX, SOCK_STREAM, 0, orders_.data()) != 0)
      throw std::runtime_error("no sockets");
    std::fflush(nullptr);
    child_ = ::fork();
    if (child_ == 0) run();
    end_ = std::make_unique<RawEnd>(tcp_[0], unix_[0], *there_, *back_);
  }
  ~Raw() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  RawEnd& order(const Order& order) {
    send_all(orders_[0], std::as_bytes(std::span(&order, 1)));
    return *end_;
  }

 private:
  [[noreturn]] void run() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    measure::pin_to(server_core);
    try {
      RawEnd end(tcp_[1], unix_[1], *back_, *there_);
      for (Order order;;) {
        read_all(orders_[1], std::as_writable_bytes(std::span(&order, 1)), false);
        obey(end, order);
      }
    } catch (const std::exception& error) {
      std::fprintf(stderr, "raw: %s\n", error.what());
    }
    ::_exit(1);
  }

  std::array<int, 2> tcp_, unix_{}, orders_{};
  std::unique_ptr<wire::RingMemory> there_, back_;
  pid_t child_ = -1;
  std::unique_ptr<RawEnd> end_;
};

// --- the service

constexpr const char* rules = R"(
event Tick { symbol: string, price: float, volume: int }
rule spike {
  from Tick[price > 95]
  emit Spike { symbol, price }
}
)";

dsl::Compiled compiled() {
  dsl::Compiled result = dsl::compile_text("transports.tocsin", rules);
  if (!result.plan) throw std::runtime_error(dsl::render(result.diagnostics, result.sources, false));
  return result;
}

bool matches(std::size_t event) {
  return event % matching_every == 0 || event + 1 == flow;
}

std::size_t matches_of_flow() {
  std::size_t count = 0;
  for (std::size_t i = 0; i < flow; ++i)
    count += matches(i) ? 1 : 0;
  return count;
}

model::EventBatch ticks_of(const model::Catalog& catalog) {
  model::EventBatch batch;
  model::EventWriter writer(batch);
  const model::EventType& type = *catalog.find("Tick");
  for (std::size_t i = 0; i < flow; ++i) {
    writer.begin(type);
    writer.set_string(0, fmt::format("SYM{:03}", i % 500));
    writer.set_float(1, matches(i) ? 99.5 : static_cast<double>(i % 9500) / 100);
    writer.set_int(2, static_cast<std::int64_t>(i % 1000));
    writer.commit(0, 0, 0);
  }
  return batch;
}

std::string lines_of_ticks() {
  std::string lines;
  for (std::size_t i = 0; i < flow; ++i)
    lines += fmt::format("{{\"type\":\"Tick\",\"symbol\":\"SYM{:03}\",\"price\":{:.2f},\"volume\":{}}}\n",
                         i % 500, matches(i) ? 99.5 : static_cast<double>(i % 9500) / 100, i % 1000);
  return lines;
}

/// A service, a client of it, and what its process has taken of its core.
class Served {
 public:
  Served(const dsl::Compiled& rules_text, Via via, bool busy)
      : server_(rules_text, {.core = server_core, .busy_poll = busy}), via_(via) {
    ::clock_getcpuclockid(server_.pid(), &cpu_clock_);
  }
  void connect(const model::Catalog& catalog) {
    link_ = std::make_unique<Link>(catalog, LinkOptions{.address = address(), .ring = via_ == Via::ring});
    link_->subscribe(wire::Policy::block);
    server_.pause();
  }
  void connect_lines() {
    socket_ = connected(address());
    const std::string_view wish = "{\"subscribe\":{\"policy\":\"block\"}}\n";
    send_all(socket_.get(), std::as_bytes(std::span(wish)));
    check(lines_until(1, "{\"subscribed\""), "subscribed");
    server_.pause();
  }
  /// Reads lines until so many have come that begin so; others are wrong.
  bool lines_until(std::size_t count, std::string_view begin) {
    std::array<char, 4096> bytes;
    while (count > 0) {
      const auto got = read_some(socket_.get(), std::as_writable_bytes(std::span(bytes)), false);
      lines_.append(bytes.data(), got);
      std::size_t at = 0;
      for (std::size_t end; (end = lines_.find('\n', at)) != std::string::npos; at = end + 1) {
        if (!std::string_view(lines_).substr(at).starts_with(begin) || count == 0) return false;
        --count;
      }
      lines_.erase(0, at);
    }
    return lines_.empty();
  }
  double cpu_ns() const {
    timespec time{};
    ::clock_gettime(cpu_clock_, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  }

  ServerProcess& server() { return server_; }
  Link& link() { return *link_; }
  int socket() const { return socket_.get(); }

 private:
  const net::Address& address() const { return via_ == Via::tcp ? server_.tcp() : server_.unix_socket(); }

  ServerProcess server_;
  Via via_;
  clockid_t cpu_clock_{};
  std::unique_ptr<Link> link_;
  wire::Descriptor socket_;
  std::string lines_;
};

/// While it exists the service runs.
class Turn {
 public:
  explicit Turn(Served& served) : server_(served.server()) { server_.resume(); }
  ~Turn() { server_.pause(); }

 private:
  ServerProcess& server_;
};

// --- what is measured

double part(std::vector<double> values, double share) {
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * last);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

struct Variant {
  std::string name;
  int beside = -1;                                      // the variant that its ratio is to
  std::function<void(std::vector<double>& items)> run;  // adds its times in ns of this round
  std::vector<std::vector<double>> rounds = {};
  std::function<double()> cpu = {};  // ns so far of the service's process
  double cpu_ns = 0;                 // in the rounds that count
};

void trip(Link& link, const model::EventBatch& batch, bool spin) {
  check(link.try_send(batch, 0, 1), "credit for one event");
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
  std::size_t left = matches_of_flow();
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
  check(served.lines_until(matches_of_flow(), "{\"rule\":\"spike\""), "lines of matches");
  items.push_back(static_cast<double>(measure::steady_ns() - begin) / static_cast<double>(flow));
}

/// Sends the bytes of the frames of the flow; of a ring each as a record.
void raw_stream(Raw& raw, Via via, std::span<const std::byte> bytes, std::vector<double>& items) {
  Order order{.what = Order::What::copy, .via = via, .count = bytes.size(), .out_bytes = 16};
  std::size_t records = 0;
  for (auto rest = bytes; via == Via::ring && !rest.empty(); ++records) {
    wire::FrameHeader header;
    std::memcpy(&header, rest.data(), sizeof header);
    rest = rest.subspan(wire::frame_bytes(header.length));
  }
  if (via == Via::ring) order.count = records;
  order.spin = via == Via::ring;
  const std::int64_t begin = measure::steady_ns();
  RawEnd& end = raw.order(order);
  if (via == Via::ring) {
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

std::vector<double> ratios(const Variant& variant, const Variant& beside, double share) {
  std::vector<double> all;
  for (std::size_t round = 0; round < variant.rounds.size(); ++round)
    all.push_back(part(variant.rounds[round], share) / part(beside.rounds[round], share));
  return all;
}

std::vector<double> all_of(const Variant& variant) {
  std::vector<double> all;
  for (const auto& round : variant.rounds)
    all.insert(all.end(), round.begin(), round.end());
  return all;
}

void print_trips(const std::vector<Variant>& variants) {
  fmt::print("{:<34}{:>9}{:>9}{:>9}   ratio within a round, p50: tenth median 9 tenths; p99: the same\n",
             "round trips, µs", "p50", "p99", "p99.9");
  for (const Variant& variant : variants) {
    const auto all = all_of(variant);
    fmt::print("{:<34}{:>9.2f}{:>9.2f}{:>9.2f}", variant.name, part(all, 0.5) / 1e3, part(all, 0.99) / 1e3,
               part(all, 0.999) / 1e3);
    if (variant.beside >= 0) {
      const Variant& beside = variants[static_cast<std::size_t>(variant.beside)];
      const auto p50 = ratios(variant, beside, 0.5), p99 = ratios(variant, beside, 0.99);
      fmt::print("   {:.2f} {:.2f} {:.2f};  {:.2f} {:.2f} {:.2f}", part(p50, 0.1), part(p50, 0.5),
                 part(p50, 0.9), part(p99, 0.1), part(p99, 0.5), part(p99, 0.9));
    }
    fmt::print("\n");
  }
}

void print_streams(const std::vector<Variant>& variants) {
  fmt::print("\n{:<34}{:>9}{:>9}{:>12}{:>12}   ratio within a round: tenth median 9 tenths\n",
             "streams, an event", "ns", "best ns", "M events/s", "service's ns");
  for (const Variant& variant : variants) {
    const auto all = all_of(variant);
    fmt::print("{:<34}{:>9.1f}{:>9.1f}{:>12.2f}", variant.name, part(all, 0.5), part(all, 0.1),
               1e3 / part(all, 0.5));
    if (variant.beside >= 0) {
      fmt::print("{:>12.1f}", variant.cpu_ns / static_cast<double>(flow * variant.rounds.size()));
      const auto ratio = ratios(variant, variants[static_cast<std::size_t>(variant.beside)], 0.5);
      fmt::print("   {:.2f} {:.2f} {:.2f}", part(ratio, 0.1), part(ratio, 0.5), part(ratio, 0.9));
    }
    fmt::print("\n");
  }
}

void play(std::vector<Variant>& variants, int rounds) {
  for (int round = -1; round < rounds; ++round) {  // the first is not counted
    for (Variant& variant : variants) {
      std::vector<double> items;
      const double before = variant.cpu ? variant.cpu() : 0;
      variant.run(items);
      if (round < 0) continue;
      if (variant.cpu) variant.cpu_ns += variant.cpu() - before;
      variant.rounds.push_back(std::move(items));
    }
  }
}

constexpr std::array<std::pair<Via, const char*>, 3> ways{
    {{Via::tcp, "TCP"}, {Via::unix_socket, "Unix socket"}, {Via::ring, "ring"}}};

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
  const dsl::Compiled rules_text = compiled();
  const model::Catalog& catalog = rules_text.plan->catalog;
  const model::EventBatch batch = ticks_of(catalog);
  const std::string lines = lines_of_ticks();
  wire::FrameBuffer frames;
  for (std::size_t at = 0; at < flow; at += frame_events)
    wire::append_events(frames, at + 1, batch, at, std::min(at + frame_events, flow));

  Raw raw;
  std::vector<std::unique_ptr<Served>> all;
  const auto serve = [&](Via via, bool busy) -> Served& {
    return *all.emplace_back(std::make_unique<Served>(rules_text, via, busy));
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
  print_streams(streams);
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
