// What the shared-memory ring costs, beside the least that two cores can do: one word that goes there and
// back. Two threads, then two processes, pinned to two cores. All variants take turns in short rounds within
// one run, as the machine is shared: read the ratios. Each round checks its answer; before anything is timed,
// a run checks every byte.
//
//   usage: bench_live [ROUNDS]
//
// ping-pong:   a word, or a record of 64 bytes (8 of header), to the other side and one back: ns a round
// trip. sleeping:    the same, each side asleep (Idle::park) until the record comes, beside one byte over a
// socket
//              pair.
// throughput:  1 MiB ring, records of 64 bytes, the other side copies them out and sums: ns an event,
//              published one by one or 32 at once, beside copying the same events into a buffer of that size
//              on one core.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bench/measure/clock.hpp"
#include "bench/measure/pin.hpp"
#include "bench/measure/quantile.hpp"
#include "connectors/wire/ring.hpp"
#include "engine/base/assert.hpp"
#include "engine/base/hash.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::connectors::wire;
using measure::quantile;

constexpr std::size_t ring_bytes = std::size_t{1} << 20;
constexpr std::uint64_t pings = 500, sleepy_pings = 10;  // a round
constexpr std::int64_t away_ns = 30'000;
constexpr std::uint64_t flow = 20'000;  // events a round

struct Event {
  std::array<std::uint64_t, 7> words;  // with its header a record of 64 bytes
};
static_assert(frame_bytes(sizeof(Event)) == 64);

Event event_of(std::uint64_t number) {
  Event event;
  for (std::size_t i = 0; i < event.words.size(); ++i)
    event.words[i] = number + i;
  return event;
}

struct alignas(128) Word {
  std::atomic<std::uint64_t> value{0};
};

void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "wrong answer: %s\n", what);
  std::exit(1);
}

std::unique_ptr<RingMemory> opened(connectors::Opened<RingMemory> memory) {
  if (!memory) std::fprintf(stderr, "%s\n", memory.error.c_str());
  TOCSIN_ASSERT(memory);
  return std::move(memory.value);
}

// What both sides share. Each side maps the rings for itself.
struct Shared {
  Shared() {
    words =
        static_cast<Word*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    TOCSIN_ASSERT(words != MAP_FAILED);
    TOCSIN_ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  }
  Word* words;  // there and back
  int sockets[2];
  std::unique_ptr<RingMemory> there = opened(RingMemory::create(ring_bytes));
  std::unique_ptr<RingMemory> back = opened(RingMemory::create(ring_bytes));
};

// One side's ends: `mine` goes out, `other` comes in.
struct Side {
  Side(const Shared& shared, bool first)
      : mine(opened(RingMemory::map(Descriptor(dup((first ? shared.there : shared.back)->fd()))))),
        other(opened(RingMemory::map(Descriptor(dup((first ? shared.back : shared.there)->fd()))))),
        out(*mine, WakeUp{}),
        in(*other, 4096, WakeUp{}),
        word_out(shared.words[first ? 0 : 1].value),
        word_in(shared.words[first ? 1 : 0].value),
        socket(shared.sockets[first ? 0 : 1]) {}

  void send(const Event& event) {
    const auto room = out.reserve(sizeof event);
    std::memcpy(room.data(), &event, sizeof event);
    out.commit(FrameType{1}, sizeof event);
  }
  void receive(Event& event) {
    for (;;) {
      if (const auto record = in.next()) {
        TOCSIN_ASSERT(record->payload.size() == sizeof event);
        record->payload.copy_to(reinterpret_cast<std::byte*>(&event), 0, sizeof event);
        in.release();
        return;
      }
      __builtin_ia32_pause();
    }
  }
  void send_byte(char byte) { TOCSIN_ASSERT(write(socket, &byte, 1) == 1); }
  char receive_byte() {
    char byte;
    TOCSIN_ASSERT(read(socket, &byte, 1) == 1);
    return byte;
  }

  std::unique_ptr<RingMemory> mine, other;
  RingProducer out;
  RingConsumer in;
  std::atomic<std::uint64_t>&word_out, &word_in;
  int socket;
  std::uint64_t turn = 0;  // of the words
};

// The variants. `first` is the side that begins and is timed; both sides go through the same ones in turn.
void words(Side& side, bool first) {
  for (std::uint64_t i = 0; i < pings; ++i) {
    ++side.turn;
    if (first) side.word_out.store(side.turn, std::memory_order_release);
    while (side.word_in.load(std::memory_order_acquire) != side.turn)
      __builtin_ia32_pause();
    if (!first) side.word_out.store(side.turn, std::memory_order_release);
  }
}

void records(Side& side, bool first) {
  Event event = event_of(0);
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < pings; ++i) {
    if (first) side.send(event);
    side.receive(event);
    sum += event.words[6];
    event.words[6] += first ? 1 : 2;
    if (!first) side.send(event);
  }
  check(sum == pings * 6 + 3 * (pings * (pings - 1) / 2) + (first ? 2 * pings : 0), "ping-pong of records");
}

// So long that the other side sleeps.
void stay_away() {
  for (const std::int64_t end = measure::steady_ns() + away_ns; measure::steady_ns() < end;) {
  }
}

void sleepy_records(Side& side, bool first) {
  Event event = event_of(0);
  for (std::uint64_t i = 0; i < sleepy_pings; ++i) {
    if (first) side.send(event);
    check(side.in.wait({Idle::park, 0, 0}, -1), "a wait without end");
    side.receive(event);
    stay_away();
    if (!first) side.send(event);
  }
  check(event.words[6] == 6, "sleeping records");
}

void sleepy_bytes(Side& side, bool first) {
  for (std::uint64_t i = 0; i < sleepy_pings; ++i) {
    if (first) side.send_byte('a');
    check(side.receive_byte() == 'a', "sleeping bytes");
    stay_away();
    if (!first) side.send_byte('a');
  }
}

std::uint64_t sum_of_flow() {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < flow; ++i)
    sum += event_of(i).words[6];
  return sum;
}

template <std::uint64_t batch>
void stream(Side& side, bool first) {
  if (first) {
    for (std::uint64_t i = 0; i < flow;) {
      const auto room = side.out.reserve(sizeof(Event));
      if (room.data() == nullptr) {
        side.out.publish();
        __builtin_ia32_pause();
        continue;
      }
      const Event event = event_of(i);
      std::memcpy(room.data(), &event, sizeof event);
      side.out.complete(FrameType{1}, sizeof event);
      if (++i % batch == 0) side.out.publish();
    }
    side.out.publish();
    Event answer;
    side.receive(answer);
    check(answer.words[0] == sum_of_flow(), "events that went through the ring");
  } else {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < flow;) {
      const auto record = side.in.next();
      if (!record) {
        side.in.release();
        __builtin_ia32_pause();
        continue;
      }
      Event event;
      record->payload.copy_to(reinterpret_cast<std::byte*>(&event), 0, sizeof event);
      sum += event.words[6];
      ++i;
    }
    side.in.release();
    side.send(event_of(sum));
  }
}

void copies(Side&, bool first) {
  if (!first) return;
  static std::vector<std::byte> buffer(ring_bytes);
  for (std::uint64_t i = 0; i < flow; ++i) {
    const Event event = event_of(i);
    std::memcpy(buffer.data() + 64 * i % ring_bytes, &event, sizeof event);
    asm volatile("" ::: "memory");
  }
}

struct Variant {
  const char* name;
  const char* beside;  // the variant that its ratio is to
  double items;
  double idle_ns;  // an item, which do not count
  void (*run)(Side& side, bool first);
};

constexpr std::array<Variant, 7> variants{{
    {"ping-pong, a word", nullptr, pings, 0, words},
    {"ping-pong, records", "ping-pong, a word", pings, 0, records},
    {"sleeping, a byte by socket", nullptr, sleepy_pings, 2 * away_ns, sleepy_bytes},
    {"sleeping, records", "sleeping, a byte by socket", sleepy_pings, 2 * away_ns, sleepy_records},
    {"copy into a buffer", nullptr, flow, 0, copies},
    {"stream, one by one", "copy into a buffer", flow, 0, stream<1>},
    {"stream, 32 at once", "copy into a buffer", flow, 0, stream<32>},
}};

// Both sides meet before each round, so that none waits in what is timed for the other to be there.
void meet(Side& side, bool first) {
  if (first) side.send_byte('m');
  side.receive_byte();
  if (!first) side.send_byte('m');
}

using Times = std::vector<std::vector<double>>;  // of a variant, of a round: ns an item

Times play(const Shared& shared, bool first, int rounds) {
  if (!measure::pin_to(first ? 0 : 1)) std::perror("not pinned");
  Side side(shared, first);
  Times took(variants.size());
  for (int round = -1; round < rounds; ++round) {  // the first is not counted
    for (std::size_t i = 0; i < variants.size(); ++i) {
      meet(side, first);
      const std::int64_t begin = measure::steady_ns();
      variants[i].run(side, first);
      if (round >= 0)
        took[i].push_back(static_cast<double>(measure::steady_ns() - begin) / variants[i].items -
                          variants[i].idle_ns);
    }
  }
  return took;
}

// A virtual machine's cores may be two threads of one core, or two cores far apart, and that changes while it
// runs. So the rounds are told apart by what a word took; those in which that was disturbed do not count.
constexpr double near_ns = 250, far_ns = 350, disturbed_ns = 700;

void print(const std::string& who, const Times& took) {
  for (const bool near : {true, false}) {
    Times of_group(took.size());
    for (std::size_t round = 0; round < took[0].size(); ++round) {
      const double word_ns = took[0][round];
      if (near ? word_ns >= near_ns : word_ns < far_ns || word_ns > disturbed_ns) continue;
      for (std::size_t i = 0; i < took.size(); ++i)
        of_group[i].push_back(took[i][round]);
    }
    if (of_group[0].empty()) continue;
    std::printf("%s, cores %s: %zu rounds\n%-28s %10s %10s %10s   %s\n", who.c_str(),
                near ? "near" : "far apart", of_group[0].size(), "ns an item", "tenth", "median", "9 tenths",
                "ratio within a round: tenth, median, 9 tenths");
    for (std::size_t i = 0; i < took.size(); ++i) {
      const std::vector<double>& times = of_group[i];
      std::printf("%-28s %10.1f %10.1f %10.1f", variants[i].name, quantile(times, 0.1), quantile(times, 0.5),
                  quantile(times, 0.9));
      for (std::size_t of = 0; variants[i].beside != nullptr && of < took.size(); ++of) {
        if (std::strcmp(variants[of].name, variants[i].beside) != 0) continue;
        std::vector<double> ratios;
        for (std::size_t round = 0; round < times.size(); ++round)
          ratios.push_back(times[round] / of_group[of][round]);
        std::printf("   %.2f %.2f %.2f", quantile(ratios, 0.1), quantile(ratios, 0.5), quantile(ratios, 0.9));
      }
      std::printf("\n");
    }
  }
}

// Every byte of records of all sizes, before anything is timed.
void check_records() {
  const auto memory = opened(RingMemory::create(1 << 16));
  RingProducer out(*memory, WakeUp{});
  RingConsumer in(*memory, 1 << 16, WakeUp{});
  constexpr std::uint64_t count = 100'000;
  std::thread other([&] {
    std::vector<std::byte> payload;
    for (std::uint64_t i = 0; i < count; ++i) {
      payload.assign(hash_mix(i) % 2000, static_cast<std::byte>(i));
      while (!out.append(FrameType{1}, payload))
        std::this_thread::yield();
      out.publish();
    }
  });
  std::vector<std::byte> payload;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::optional<RingRecord> record;
    while (!(record = in.next())) {
      check(in.fault() == RingFault::none, "a fault");
      in.release();
      std::this_thread::yield();
    }
    payload.resize(record->payload.size());
    record->payload.copy_to(payload.data());
    check(payload == std::vector<std::byte>(hash_mix(i) % 2000, static_cast<std::byte>(i)), "a record");
  }
  other.join();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] == '-') return 0;  // options of the other benchmarks: they choose among those
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
  check_records();
  {
    const Shared shared;
    std::thread other([&] { play(shared, false, rounds); });
    const auto took = play(shared, true, rounds);
    other.join();
    print("threads", took);
  }
  {
    const Shared shared;
    std::fflush(stdout);
    const pid_t child = fork();
    check(child >= 0, "no process");
    if (child == 0) {
      play(shared, false, rounds);
      _exit(0);
    }
    const auto took = play(shared, true, rounds);
    int status = 0;
    check(waitpid(child, &status, 0) == child && status == 0, "the other process");
    print("processes", took);
  }
}
