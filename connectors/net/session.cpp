#include "connectors/net/session.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "connectors/net/connection.hpp"

namespace tocsin::connectors::net {

Session::Session(Connection& connection, Shared& shared, std::string name)
    : connection_(connection), shared_(shared), source_(shared, std::move(name)) {}

Session::~Session() {
  unsubscribe();
}

void Session::leave() {
  unsubscribe();
  source_.close();
}

void Session::unsubscribe() {
  if (!subscriber_) return;
  shared_.hub.remove(*subscriber_);
  subscriber_.reset();
  --shared_.counters.subscribers;
}

bool Session::finish_batch() {
  if (source_.take(shared_.batch)) return true;
  shared_.batch.clear();
  connection_.refuse(Refusal::limit, "there are too many sources of events");
  return false;
}

void Session::end() {
  if (!subscriber_) return connection_.finish(wire::code::done, "");
  last_mark_ = shared_.hub.new_mark();
  {
    const MatchHub::EngineWait waiting(shared_.hub);
    shared_.taker.mark(last_mark_);
  }
  if (!end_if_reached()) connection_.await_end();
}

bool Session::end_if_reached() {
  if (!shared_.hub.is_reached(last_mark_)) return false;
  connection_.finish(wire::code::done, "");
  return true;
}

bool Session::subscribe(const wire::Subscribe& wishes, Form form) {
  const Rules& rules = *shared_.rules;
  if (const std::string why = unknown_wish(wishes, rules.rules, *rules.catalog); !why.empty()) {
    connection_.refuse(Refusal::schema, why);
    return false;
  }
  const NetLimits& limits = shared_.limits();
  const std::size_t queue_bytes = wishes.queue_bytes.value_or(limits.queue_bytes);
  if (queue_bytes > limits.max_queue_bytes) {
    connection_.refuse(Refusal::limit, fmt::format("a queue of {} bytes was asked for; {} are the most",
                                                   queue_bytes, limits.max_queue_bytes));
    return false;
  }
  unsubscribe();
  wire::Subscribe granted = wishes;
  granted.policy = wishes.policy.value_or(shared_.options.slow_subscriber);
  connection_.outbox().set_queue({*granted.policy, queue_bytes, limits.max_overshoot_bytes});
  subscriber_.emplace(std::move(granted), form, connection_.outbox());
  shared_.hub.add(*subscriber_);
  ++shared_.counters.subscribers;
  connection_.note(ConnectionNote::What::subscribed);
  return true;
}

}  // namespace tocsin::connectors::net
