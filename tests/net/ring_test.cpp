// Rings: handed over, filled and read, and taken back when the client goes, however it goes.
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

using wire::FrameType;

namespace {

/// The rings as a client has them.
struct ClientRings {
  std::unique_ptr<wire::RingMemory> out_memory;  // to the server
  std::unique_ptr<wire::RingMemory> in_memory;
  Descriptor wake_up;
  std::optional<wire::RingProducer> out;
  std::optional<wire::RingConsumer> in;
};

wire::Hello ring_hello(std::uint64_t bytes = 65'536) {
  wire::Hello hello = payments_hello();
  hello.transport = wire::Transport::ring;
  hello.ring_bytes = bytes;
  return hello;
}

/// Reads WELCOME and RING with its descriptors, by blocking calls or with `pump`.
void receive_rings(int socket, ClientRings& rings, const std::function<void()>& pump, std::string& error) {
  std::vector<std::uint64_t> words(8192);
  const auto bytes = std::as_writable_bytes(std::span(words));
  std::vector<Descriptor> descriptors;
  std::size_t used = 0;
  while (descriptors.size() < 3) {
    const ssize_t got = wire::receive_with_descriptors(socket, bytes.subspan(used), descriptors);
    if (got > 0) used += static_cast<std::size_t>(got);
    if (got == 0) {
      error = "the server has closed";
      return;
    }
    pump();
  }
  auto out = wire::RingMemory::map(std::move(descriptors[0]));
  auto in = wire::RingMemory::map(std::move(descriptors[1]));
  if (!out || !in) {
    error = out.error + in.error;
    return;
  }
  rings.out_memory = std::move(out.value);
  rings.in_memory = std::move(in.value);
  rings.wake_up = std::move(descriptors[2]);
  rings.out.emplace(*rings.out_memory, wire::WakeUp{rings.wake_up.get()});
  rings.in.emplace(*rings.in_memory, wire::most_ring_payload(rings.in_memory->capacity()),
                   wire::WakeUp{rings.wake_up.get()});
}

struct RingClient {
  explicit RingClient(Service& service, std::uint64_t bytes = 65'536)
      : RingClient(service, ring_hello(bytes)) {}
  RingClient(Service& service, const wire::Hello& hello)
      : service_(service), client(service, service.unix_socket()) {
    client.hello(hello);
    std::string error;
    REQUIRE(::recv(client.fd(), nullptr, 0, MSG_DONTWAIT) <= 0);
    const int flags = ::fcntl(client.fd(), F_GETFL);
    ::fcntl(client.fd(), F_SETFL, flags | O_NONBLOCK);
    receive_rings(
        client.fd(), rings, [&] { service_.rounds(1); }, error);
    REQUIRE_MESSAGE(error.empty(), error);
  }
  void put(std::uint64_t first, const std::vector<std::pair<std::string, double>>& payments) {
    wire::FrameBuffer frames;
    append_payments(frames, first, payments);
    wire::FrameHeader header;
    std::memcpy(&header, frames.bytes().data(), sizeof header);
    const auto payload = frames.bytes().subspan(sizeof header, header.length);
    service_.until([&] { return rings.out->append(FrameType::events, payload); });
    rings.out->publish();
  }
  Service& service_;
  Client client;
  ClientRings rings;
};

/// The processes' rings need what not every system has.
bool can_have_rings() {
  const auto memory = wire::RingMemory::create(wire::least_ring_bytes);
  if (!memory) MESSAGE("no rings here: " << memory.error);
  return static_cast<bool>(memory);
}

/// Forks a client that runs `act` and then waits to be killed, or ends.
template <class Act>
pid_t fork_client(Service& service, Act act) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid > 0) return pid;
  // Nothing of doctest here, and no destructor of what the parent owns.
  const Descriptor fd = connect_to(service.unix_socket());
  wire::FrameBuffer frames;
  frames.append(FrameType::hello, wire::to_json(ring_hello()));
  ::send(fd.get(), wire::preface.data(), 8, MSG_NOSIGNAL);
  ::send(fd.get(), frames.bytes().data(), frames.size(), MSG_NOSIGNAL);
  ClientRings rings;
  std::string error;
  receive_rings(
      fd.get(), rings, [] {}, error);
  if (!error.empty()) ::_exit(1);
  act(rings);
  ::_exit(0);
}

}  // namespace

TEST_CASE("events that come one by one over a ring are not acknowledged one by one, but all in the end") {
  if (!can_have_rings()) return;
  ServerOptions options;
  options.limits.window_events = 40;
  Service service(options);
  RingClient ring(service);
  const std::uint64_t before = service.server.counters().frames_out;
  for (std::uint64_t number = 1; number <= 25; ++number) {
    wire::FrameBuffer frames;
    append_payments(frames, number, {{"A", 1}});
    wire::FrameHeader header;
    std::memcpy(&header, frames.bytes().data(), sizeof header);
    REQUIRE(ring.rings.out->append(FrameType::events, frames.bytes().subspan(sizeof header, header.length)));
    ring.rings.out->publish();
    service.rounds(1);
    CHECK(service.engine.taken == number);
  }
  CHECK(service.server.counters().frames_out - before == 2);  // a quarter of the window each
  for (const std::uint64_t number : {10, 20, 25})
    CHECK(ring.client.expect(FrameType::ack).as<wire::Ack>().number == number);
}

TEST_CASE("events go through one ring, matches come through the other, all else over the socket") {
  if (!can_have_rings()) return;
  Service service;
  RingClient ring(service);
  CHECK(service.server.counters().ring_clients == 1);
  ring.client.subscribe({});
  ring.put(1, {{"A", 1}, {"B", 500}});
  CHECK(ring.client.expect(FrameType::ack).as<wire::Ack>().number == 2);
  CHECK(service.engine.events == std::vector<std::string>{"0:A:1", "0:B:500"});
  std::optional<wire::RingRecord> record;
  service.until([&] { return (record = ring.rings.in->next()).has_value(); });
  CHECK(record->type == FrameType::match);
  ring.client.send_frame(FrameType::bye, wire::to_json(wire::Bye{"done", ""}));
  CHECK(ring.client.bye().code == "done");
}

TEST_CASE("a server that sleeps is woken by the ring") {
  if (!can_have_rings()) return;
  Service service;
  RingClient ring(service);
  service.rounds(3);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::usleep(20'000);  // most likely it sleeps by then; it must be woken in any case
    wire::FrameBuffer frames;
    append_payments(frames, 1, {{"A", 1}});
    wire::FrameHeader header;
    std::memcpy(&header, frames.bytes().data(), sizeof header);
    ring.rings.out->append(FrameType::events, frames.bytes().subspan(sizeof header, header.length));
    ring.rings.out->publish();
    ::_exit(0);
  }
  const std::int64_t began = steady_now_ns();
  while (service.engine.taken == 0 && steady_now_ns() - began < 10'000'000'000)
    service.server.run_once(5'000'000'000);
  CHECK(service.engine.taken == 1);
  CHECK(steady_now_ns() - began < 4'000'000'000);
  ::waitpid(pid, nullptr, 0);
}

TEST_CASE("a client that asked for it is woken over its socket, and only where it sleeps") {
  if (!can_have_rings()) return;
  Service service;
  wire::Hello hello = ring_hello(4096);
  hello.wake = wire::Wake::socket;
  RingClient ring(service, hello);
  ring.client.subscribe({.policy = wire::Policy::block});
  const auto beats = [&] {
    service.rounds(5);
    std::byte bytes[4096];
    const ssize_t got = ::recv(ring.client.fd(), bytes, sizeof bytes, MSG_DONTWAIT);
    return got < 0 ? 0 : got / static_cast<ssize_t>(wire::frame_bytes(sizeof(wire::Heartbeat)));
  };
  service.engine.report("A");
  CHECK(beats() == 0);
  REQUIRE(ring.rings.in->next());
  CHECK(!ring.rings.in->next());
  ring.rings.in->begin_wait();
  wire::wait_barrier();
  for (int i = 0; i < 100; ++i)
    service.engine.report("B");
  CHECK(beats() == 1);
  CHECK(ring.rings.in_memory->header().consumer_waits == 0);

  // The same for room in the other ring: once it has some, and something was taken.
  wire::FrameBuffer frames;
  std::uint64_t sent = 0;
  const auto append = [&] {
    frames.clear();
    append_payments(frames, sent + 1, {{"A", 1}});
    wire::FrameHeader header;
    std::memcpy(&header, frames.bytes().data(), sizeof header);
    return ring.rings.out->append(FrameType::events, frames.bytes().subspan(sizeof header, header.length));
  };
  while (append())
    ++sent;
  ring.rings.out->begin_wait();
  wire::wait_barrier();
  service.until([&] { return service.engine.taken == sent; });
  CHECK(beats() >= 1);  // with an ACK
  CHECK(ring.rings.out_memory->header().producer_waits == 0);
}

TEST_CASE("the ring of a client that does not read its answers is not read either") {
  if (!can_have_rings()) return;
  ServerOptions options;
  options.limits.control_bytes = 1024;
  options.limits.window_events = 128;  // an ACK for each 32 events
  Service service(options);
  service.engine.keep_events = false;
  RingClient ring(service, 1 << 20);
  std::uint64_t sent = 0;
  std::uint64_t taken = 0;
  for (int quiet = 0; quiet < 50; ++quiet) {
    ring.put(sent + 1, {{"A", 1}});
    ++sent;
    service.rounds(1);
    if (service.engine.taken != std::exchange(taken, service.engine.taken)) quiet = 0;
    REQUIRE(sent < 100'000);
  }
  CHECK(taken < sent);
  while (ring.client.receive())
    service.rounds(1);
  service.until([&] {
    ring.client.receive();
    return service.engine.taken == sent;
  });
}

TEST_CASE("more than fits goes through in turns, both ways, and none is lost") {
  if (!can_have_rings()) return;
  Service service;
  service.engine.keep_events = false;
  RingClient ring(service, 8192);
  ring.client.subscribe({.policy = wire::Policy::block, .queue_bytes = 4096});
  constexpr std::uint64_t count = 5000;
  std::uint64_t sent = 0;
  std::uint64_t got = 0;
  wire::FrameBuffer frames;
  service.until([&] {
    while (sent < count) {
      frames.clear();
      append_payments(frames, sent + 1, {{"A", 500}});
      wire::FrameHeader header;
      std::memcpy(&header, frames.bytes().data(), sizeof header);
      if (!ring.rings.out->append(FrameType::events, frames.bytes().subspan(sizeof header, header.length)))
        break;
      ++sent;
    }
    ring.rings.out->publish();
    while (const auto record = ring.rings.in->next())
      got += record->type == FrameType::match ? 1 : 0;
    ring.rings.in->release();
    ring.client.receive();
    return got == count;
  });
  CHECK(service.engine.taken == count);
}

TEST_CASE("what the ring holds at BYE is taken") {
  if (!can_have_rings()) return;
  Service service;
  service.engine.keep_events = false;
  RingClient ring(service, 1 << 20);
  const std::vector<std::pair<std::string, double>> some(50, {"A", 1.0});
  std::uint64_t sent = 0;
  for (int i = 0; i < 100; ++i, sent += some.size())
    ring.put(sent + 1, some);
  ring.client.send_frame(FrameType::bye, wire::to_json(wire::Bye{"done", ""}));
  wire::Ack last;
  while (const auto frame = ring.client.next()) {
    if (frame->type == FrameType::ack) last = frame->as<wire::Ack>();
  }
  CHECK(last.number == sent);
  CHECK(service.engine.taken == sent);
}

TEST_CASE("a ring that can't be ends its connection, and no other") {
  if (!can_have_rings()) return;
  Service service;
  Producer healthy(service, service.tcp());
  RingClient ring(service);
  SUBCASE("a record longer than the ring") {
    const std::uint64_t header = 0xffffffffull | std::uint64_t{4} << 32;
    std::memcpy(ring.rings.out_memory->records(), &header, sizeof header);
  }
  SUBCASE("a frame that has no business there") {
    const std::uint64_t text = 0;
    REQUIRE(ring.rings.out->append(FrameType::hello, std::as_bytes(std::span(&text, 1))));
    ring.rings.out->publish();
  }
  SUBCASE("a cursor that is beyond what was written") {
    ring.client.subscribe({});
    ring.rings.in_memory->header().released.store(1'000'000);
    for (int i = 0; i < 1000; ++i)
      service.engine.report("A");
  }
  while (ring.client.next()) {
  }
  ring.client.close();
  service.until([&] { return service.server.counters().connections == 1; });
  CHECK(service.refused(Refusal::ring) + service.refused(Refusal::protocol) == 1);
  healthy.send_payments(1, {{"A", 1}});
  CHECK(healthy.expect(FrameType::ack).as<wire::Ack>().number == 1);
}

TEST_CASE("a client that is killed leaves nothing behind") {
  if (!can_have_rings()) return;
  Service service;
  const auto maps = [] {
    std::ifstream file("/proc/self/maps");
    std::string line;
    int rings = 0;
    while (std::getline(file, line))
      rings += line.find("memfd:") != std::string::npos ? 1 : 0;
    return rings;
  };
  const int before = maps();
  for (const bool in_mid_record : {false, true}) {
    const std::uint64_t taken = service.engine.taken;
    const pid_t pid = fork_client(service, [&](ClientRings& rings) {
      wire::FrameBuffer frames;
      append_payments(frames, 1, {{"A", 1}});
      wire::FrameHeader header;
      std::memcpy(&header, frames.bytes().data(), sizeof header);
      const auto payload = frames.bytes().subspan(sizeof header, header.length);
      rings.out->append(FrameType::events, payload);
      rings.out->publish();
      if (in_mid_record) {
        const auto room = rings.out->reserve(payload.size());
        std::memcpy(room.data(), payload.data(), payload.size() / 2);
      }
      ::pause();
    });
    service.until([&] { return service.engine.taken == taken + 1; });
    CHECK(service.server.counters().ring_clients == 1);
    CHECK(maps() > before);
    ::kill(pid, SIGKILL);
    service.until([&] { return service.server.counters().connections == 0; });
    ::waitpid(pid, nullptr, 0);
    CHECK(service.engine.taken == taken + 1);
    CHECK(service.engine.log.back() == "close 0");
    CHECK(maps() == before);
  }
}

TEST_CASE("what the ring holds is taken where the socket is reset") {
  if (!can_have_rings()) return;
  Service service;
  {
    RingClient client(service);
    client.put(1, {{"A", 1}});
    service.until([&] { return service.engine.taken == 1; });  // its ACK is never read
    wire::FrameBuffer frames;
    append_payments(frames, 2, {{"B", 2}});
    client.rings.out->append(FrameType::events, frames.bytes().subspan(8));
    client.rings.out->publish();
  }
  service.until([&] { return service.server.counters().connections == 0; });
  CHECK(service.engine.taken == 2);
}

TEST_CASE("too large a ring is refused") {
  ServerOptions options;
  options.limits.max_ring_bytes = 1 << 20;
  Service service(options);
  Client client(service, service.unix_socket());
  client.hello(ring_hello(2 << 20));
  CHECK(client.refused().message == "a ring of 2097152 bytes was asked for; 1048576 are the most");
}

}  // namespace tocsin::connectors::net::test
