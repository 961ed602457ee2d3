// The hub with an engine's thread of its own: what it hands over arrives in order and once, waits where there
// is no room, and does not wait where that would be for ever.
#include <atomic>
#include <doctest/doctest.h>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

namespace {

struct NoOwner final : Outbox::Owner {
  void has_output() override {}
};

void report(MatchHub& hub, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t seq = first; seq <= last; ++seq) {
    model::MatchView match;
    match.trigger_seq = seq;
    hub.on_match(match);
  }
}

struct Handover {
  explicit Handover(std::size_t bytes, const QueueOptions& queue = {},
                    std::function<void(std::int64_t)> delivered = {})
      : hub(poller, {.one_thread = false, .handover_bytes = bytes, .delivered = std::move(delivered)},
            rules()) {
    box.set_queue(queue);
    wire::Subscribe wishes;
    wishes.policy = queue.policy;
    subscriber.emplace(wishes, Form::frames, box);
    hub.add(*subscriber);
  }
  Poller poller;
  MatchHub hub;
  NoOwner owner;
  Outbox box{owner};
  std::optional<Subscriber> subscriber;
};

}  // namespace

TEST_CASE("matches of another thread come in order, woken for") {
  Handover it(10'000);
  constexpr std::uint64_t count = 100'000;
  std::thread engine([&] { report(it.hub, 1, count); });
  std::uint64_t got = 0;
  while (got < count) {
    got += it.hub.distribute();
    if (got < count) it.poller.poll(-1);  // hangs where a wake-up is lost
  }
  engine.join();
  CHECK(it.box.matches() == count);
  CHECK(it.hub.distribute() == 0);
}

TEST_CASE("the engine's thread waits where the hand-over is full, and goes on when it is not") {
  Handover it(10'000);
  std::atomic<bool> done = false;
  std::thread engine([&] {
    report(it.hub, 1, 5000);
    done = true;
  });
  while (!it.hub.is_full())
    std::this_thread::yield();
  CHECK(!done);
  while (!done)
    it.hub.distribute();
  it.hub.distribute();
  engine.join();
  CHECK(it.box.matches() == 5000);
}

TEST_CASE("while the ingress thread waits for the engine, the engine does not wait for it") {
  Handover it(10'000);
  std::atomic<bool> done = false;
  std::thread engine([&] {
    report(it.hub, 1, 5000);
    done = true;
  });
  while (!it.hub.is_full())
    std::this_thread::yield();
  {
    const MatchHub::EngineWait waiting(it.hub);
    engine.join();  // as push() and finish() may
  }
  CHECK(done);
  CHECK(it.hub.distribute() == 5000);
}

TEST_CASE("the end of a batch is told once its matches are in the outboxes") {
  std::vector<std::int64_t> told;
  Handover it(1 << 20, {}, [&](std::int64_t stamp) { told.push_back(stamp); });
  it.hub.on_batch(1);  // no matches: at once
  CHECK(told == std::vector<std::int64_t>{1});
  report(it.hub, 1, 3);
  it.hub.on_batch(2);
  report(it.hub, 4, 4);
  it.hub.on_batch(3);
  CHECK(told.size() == 1);
  CHECK(it.hub.distribute() == 4);
  CHECK(told == std::vector<std::int64_t>{1, 2, 3});
  it.hub.on_batch(4);
  report(it.hub, 5, 6);  // by what comes back from before
  CHECK(it.hub.distribute() == 2);
  CHECK(it.box.matches() == 6);
  CHECK(told == std::vector<std::int64_t>{1, 2, 3, 4});
}

TEST_CASE("a blocking subscriber that is full holds the hand-over up") {
  Handover it(1 << 20, {.policy = wire::Policy::block, .queue_bytes = 1000});
  report(it.hub, 1, 100);
  const std::size_t got = it.hub.distribute();
  CHECK(got > 0);
  CHECK(got < 100);
  CHECK(it.hub.is_full());
  it.box.clear();
  CHECK(!it.hub.is_full());
  CHECK(it.hub.distribute() > 0);
  it.hub.remove(*it.subscriber);
  it.hub.distribute();
  CHECK(!it.hub.is_full());
}

TEST_CASE("a rule that nobody wants is not encoded, one that somebody wants is") {
  Handover it(1 << 20);
  it.hub.remove(*it.subscriber);
  report(it.hub, 1, 10);
  CHECK(it.hub.distribute() == 0);
  it.hub.add(*it.subscriber);
  report(it.hub, 11, 12);
  CHECK(it.hub.distribute() == 2);
}

TEST_CASE("what was handed over before the rules changed arrives by the old ones") {
  Handover it(1 << 20);
  report(it.hub, 1, 3);
  it.hub.replace(other_rules());
  CHECK(it.box.matches() == 3);
  report(it.hub, 4, 4);
  CHECK(it.hub.distribute() == 1);
}

}  // namespace tocsin::connectors::net::test
