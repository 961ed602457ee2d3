#include "connectors/net/source.hpp"

namespace tocsin::connectors::net {

bool ConnectionSource::open() {
  if (id_) return true;
  id_ = shared_.taker.open_source(name_, idle_timeout_ns_);
  if (id_) ++shared_.counters.sources;
  return id_.has_value();
}

bool ConnectionSource::take(model::EventBatch& batch) {
  if (batch.empty()) return true;
  if (!open()) return false;
  events_ += batch.size();
  shared_.counters.events += batch.size();
  const MatchHub::EngineWait waiting(shared_.hub);
  shared_.taker.take(*id_, batch, shared_.now_ns());
  batch.clear();
  return true;
}

bool ConnectionSource::advance(std::int64_t time_ns) {
  if (!open()) return false;
  const MatchHub::EngineWait waiting(shared_.hub);
  shared_.taker.advance(*id_, time_ns);
  return true;
}

void ConnectionSource::close() {
  if (!id_) return;
  const MatchHub::EngineWait waiting(shared_.hub);
  shared_.taker.close_source(*id_);
  id_.reset();
  --shared_.counters.sources;
}

}  // namespace tocsin::connectors::net
