#include "connectors/net/match_hub.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"

namespace tocsin::connectors::net {

namespace {

// What comes back to be used again may be no larger, and no more of it, so that one burst is not kept for
// good.
constexpr std::size_t reused_bytes = 4096;
constexpr std::size_t reused_matches = 4096;

}  // namespace

MatchHub::MatchHub(Poller& poller, const HubOptions& options, std::shared_ptr<const Rules> rules)
    : options_(options), wake_(poller), queue_token_(queue_), used_token_(used_) {
  replace(std::move(rules));
}

MatchHub::~MatchHub() = default;

const std::shared_ptr<const Rules>& MatchHub::rules() const {
  return encoder_->rules();
}

void MatchHub::replace(std::shared_ptr<const Rules> rules) {
  distribute_all();
  encoder_ = std::make_unique<MatchEncoder>(std::move(rules), options_.max_frame_bytes);
  const std::size_t keys = 2 * this->rules()->rules.size();
  wanted_ = std::make_unique<std::atomic<FormMask>[]>(keys);
  by_key_.assign(keys, {});
  for (Subscriber* subscriber : subscribers_)
    join(*subscriber);
}

/// The lists of the keys that it wants.
void MatchHub::join(Subscriber& subscriber) {
  const Rules& served = *rules();
  for (std::uint32_t rule = 0; rule < served.rules.size(); ++rule) {
    for (const bool timeout : {false, true}) {
      if (!subscriber.wants(served.rules[rule], timeout, *served.catalog)) continue;
      by_key_[key_of(rule, timeout)].push_back(&subscriber);
      count_forms(key_of(rule, timeout));
    }
  }
}

void MatchHub::count_forms(std::uint32_t key) {
  FormMask mask = 0;
  for (const Subscriber* subscriber : by_key_[key])
    mask = static_cast<FormMask>(mask | bit_of(subscriber->form()));
  wanted_[key].store(mask, std::memory_order_relaxed);
}

void MatchHub::add(Subscriber& subscriber) {
  subscribers_.push_back(&subscriber);
  if (subscriber.wishes().policy == wire::Policy::block) blocking_.push_back(&subscriber);
  join(subscriber);
}

void MatchHub::remove(Subscriber& subscriber) {
  std::erase(subscribers_, &subscriber);
  std::erase(blocking_, &subscriber);
  for (std::uint32_t key = 0; key < by_key_.size(); ++key) {
    if (std::erase(by_key_[key], &subscriber) > 0) count_forms(key);
  }
}

void MatchHub::on_match(const model::MatchView& match) {
  const std::uint32_t key = key_of(match.rule, match.timeout);
  const FormMask wanted = wanted_[key].load(std::memory_order_relaxed);
  if (wanted == 0) return;
  if (options_.one_thread) {
    encoder_->encode(match, wanted, scratch_);
    return put(scratch_);
  }
  auto encoded = fresh();
  encoder_->encode(match, wanted, *encoded);
  hand_over(std::move(encoded));
  handed_over_ = true;
}

void MatchHub::on_batch(std::int64_t stamp) {
  const bool is_mark = stamp < 0;
  if (options_.one_thread) return end_batch(stamp);
  if (!is_mark && !options_.delivered) return;
  if (!std::exchange(handed_over_, false) && !is_mark) return options_.delivered(stamp);
  auto end = fresh();
  end->frames.clear();
  end->lines.clear();
  end->stamp = stamp;
  hand_over(std::move(end));
}

void MatchHub::end_batch(std::int64_t stamp) {
  if (stamp < 0) {
    marks_reached_ = -stamp;
  } else if (options_.delivered) {
    options_.delivered(stamp);
  }
}

void MatchHub::put(const EncodedMatch& match) {
  for (const Subscriber* subscriber : by_key_[match.key]) {
    // One that came only after it was encoded has not been meant.
    if ((match.made & bit_of(subscriber->form())) == 0) continue;
    subscriber->outbox().put_match(match.of(subscriber->form()));
  }
}

std::unique_ptr<EncodedMatch> MatchHub::fresh() {
  std::unique_ptr<EncodedMatch> match;
  if (!used_.try_dequeue(match)) return std::make_unique<EncodedMatch>();
  (void)returned_.load(std::memory_order_acquire);
  return match;
}

void MatchHub::hand_over(std::unique_ptr<EncodedMatch> match) {
  while (true) {
    const std::uint32_t epoch = room_.epoch();
    if (under_way_bytes_.load(std::memory_order_seq_cst) < options_.handover_bytes) break;
    if (engine_waits_.load(std::memory_order_seq_cst) > 0) break;
    room_.wait(epoch);
  }
  under_way_bytes_.fetch_add(match->bytes(), std::memory_order_seq_cst);
  queue_.enqueue(queue_token_, std::move(match));
  wake_.notify();
}

std::size_t MatchHub::distribute() {
  return options_.one_thread ? 0 : distribute(false);
}

void MatchHub::distribute_all() {
  while (under_way_bytes_.load(std::memory_order_acquire) > 0)
    distribute(true);
}

std::size_t MatchHub::distribute(bool all) {
  wake_.clear();
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::unique_ptr<EncodedMatch> match;
  while ((all || !has_full_subscriber()) && queue_.try_dequeue(match)) {
    (void)under_way_bytes_.load(std::memory_order_acquire);
    bytes += match->bytes();
    if (match->stamp != 0) {
      end_batch(std::exchange(match->stamp, 0));
    } else {
      put(*match);
      ++count;
    }
    if (match->bytes() <= reused_bytes && used_.size_approx() < reused_matches) {
      returned_.fetch_add(1, std::memory_order_release);
      used_.enqueue(used_token_, std::move(match));
    }
  }
  if (bytes == 0) return 0;
  const std::size_t before = under_way_bytes_.fetch_sub(bytes, std::memory_order_seq_cst);
  if (before >= options_.handover_bytes && before - bytes < options_.handover_bytes) room_.notify();
  return count;
}

bool MatchHub::has_full_subscriber() const {
  return std::any_of(blocking_.begin(), blocking_.end(),
                     [](const Subscriber* subscriber) { return subscriber->outbox().is_full(); });
}

bool MatchHub::can_distribute() const {
  return under_way_bytes_.load(std::memory_order_relaxed) > 0 && !has_full_subscriber();
}

bool MatchHub::is_full() const {
  return has_full_subscriber() || under_way_bytes_.load(std::memory_order_relaxed) >= options_.handover_bytes;
}

MatchHub::EngineWait::EngineWait(MatchHub& hub) : hub_(hub) {
  hub_.engine_waits_.fetch_add(1, std::memory_order_seq_cst);
  // Where the shard that delivers waits already, it must see this.
  if (hub_.under_way_bytes_.load(std::memory_order_seq_cst) >= hub_.options_.handover_bytes)
    hub_.room_.notify();
}

MatchHub::EngineWait::~EngineWait() {
  hub_.engine_waits_.fetch_sub(1, std::memory_order_seq_cst);
}

}  // namespace tocsin::connectors::net
