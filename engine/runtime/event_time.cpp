#include "engine/runtime/event_time.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/base/assert.hpp"
#include "engine/base/saturate.hpp"

namespace tocsin::runtime {

std::int64_t EventTime::Source::watermark_ns() const {
  return newest_ns == INT64_MIN ? INT64_MIN : earlier(newest_ns, options.lateness_ns);
}

std::uint16_t EventTime::add_source(const model::SourceOptions& options) {
  std::uint16_t id;
  if (!free_.empty()) {
    id = free_.back();
    free_.pop_back();
    forgotten_.events += sources_[id].events;
    forgotten_.late += sources_[id].late;
    forgotten_.lateness_needed_ns = std::max(forgotten_.lateness_needed_ns, sources_[id].lateness_needed_ns);
    sources_[id] = {.options = options};
  } else if (sources_.size() < model::max_sources) {
    id = static_cast<std::uint16_t>(sources_.size());
    sources_.push_back({.options = options});
  } else {
    throw std::runtime_error("no more than " + std::to_string(model::max_sources) + " sources can be open");
  }
  if (options.awaited) hold(id);
  return id;
}

// From now on event time waits for the source.
void EventTime::hold(std::uint16_t id) {
  Source& source = sources_[id];
  source.taken_ns = clock_ns_;
  if (holding_.has(id)) return;
  holding_.put(id, source.watermark_ns());
  idle_ -= std::exchange(source.idle, false);
  if (source.options.idle_timeout_ns > 0)
    deadlines_.put(id, later(clock_ns_, source.options.idle_timeout_ns));
}

void EventTime::let_go(std::uint16_t id) {
  holding_.erase(id);
  deadlines_.erase(id);
}

// For an event that is not the newest yet: false where it is in time, else it is counted and handed out.
bool EventTime::refuse_late(std::uint16_t id, model::EventView event) {
  Source& source = sources_[id];
  const std::int64_t time_ns = event.time_ns();
  // What its own lateness would have to be, and, where the others went on without it, theirs.
  std::int64_t newest_ns = INT64_MIN;
  if (time_ns < source.watermark_ns()) newest_ns = source.newest_ns;
  if (time_ns < now_ns_) newest_ns = std::max(newest_ns, later(now_ns_, source.options.lateness_ns));
  if (newest_ns == INT64_MIN) return false;
  ++source.late;
  std::int64_t needed;
  if (__builtin_sub_overflow(newest_ns, time_ns, &needed)) needed = INT64_MAX;
  source.lateness_needed_ns = std::max(source.lateness_needed_ns, needed);
  if (late_) late_->on_late(id, event);
  return true;
}

void EventTime::admit(std::uint16_t id, model::EventBatch& batch) {
  Source& source = sources_[id];
  TOCSIN_ASSERT(source.open);
  const bool alone = holding_.size() == (holding_.has(id) ? 1 : 0);
  const bool direct = alone && source.options.lateness_ns == 0 && heap_.empty();
  bool any_late = false;
  // Most events are the newest of their source: for them the loop runs on locals alone.
  std::int64_t newest_ns = source.newest_ns;
  std::uint64_t seq = last_seq_;
  std::int64_t in_order_ns = std::max(newest_ns, now_ns_);
  const std::size_t count = batch.size();
  for (std::size_t i = 0; i < count; ++i) {
    model::EventHeader& header = batch.header(i);
    header.source = id;
    if (header.time_ns >= in_order_ns) {
      in_order_ns = newest_ns = header.time_ns;
    } else {
      source.newest_ns = newest_ns;
      header.seq = 0;
      if (refuse_late(id, batch[i])) {
        any_late = true;
        continue;
      }
    }
    header.seq = ++seq;
  }
  source.newest_ns = newest_ns;
  source.events += seq - last_seq_;
  if (seq != last_seq_) hold(id);
  last_seq_ = seq;
  if (any_late) batch.erase_if([](const model::EventHeader& header) { return header.seq == 0; });
  if (direct) {
    now_ns_ = std::max(now_ns_, newest_ns);
    return;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    heap_.push_back({batch[i].time_ns(), batch[i].seq(), static_cast<std::uint32_t>(buffer_.size())});
    std::push_heap(heap_.begin(), heap_.end(), [](const Waiting& a, const Waiting& b) {
      return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.seq > b.seq;
    });
    buffer_.append(batch[i]);
  }
  batch.clear();
  release(batch);
}

void EventTime::advance(std::uint16_t id, std::int64_t time_ns, model::EventBatch& batch) {
  Source& source = sources_[id];
  TOCSIN_ASSERT(source.open);
  batch.clear();
  if (time_ns < source.newest_ns || (time_ns < now_ns_ && !holding_.has(id))) return;
  source.newest_ns = time_ns;
  hold(id);
  release(batch);
}

void EventTime::close(std::uint16_t id, model::EventBatch& batch) {
  Source& source = sources_[id];
  TOCSIN_ASSERT(source.open);
  source.open = false;
  may_come_back_ |= !source.options.awaited && source.newest_ns != INT64_MIN;
  latest_ns_ = std::max(latest_ns_, source.newest_ns);
  idle_ -= std::exchange(source.idle, false);
  let_go(id);
  free_.push_back(id);
  batch.clear();
  release(batch);
}

void EventTime::finish(model::EventBatch& batch) {
  TOCSIN_ASSERT(holding_.empty() && idle_ == 0);
  may_come_back_ = false;
  batch.clear();
  release(batch);
}

void EventTime::tick(std::int64_t now_ns, model::EventBatch& batch) {
  batch.clear();
  const std::int64_t before_ns = clock_ns_;
  if (last_tick_ns_ != no_tick) clock_ns_ += std::max<std::int64_t>(0, now_ns - last_tick_ns_);
  last_tick_ns_ = now_ns;
  bool any_idle = false;
  while (!deadlines_.empty() && deadlines_.first_ns() <= before_ns) {
    const std::uint16_t id = deadlines_.first();
    Source& source = sources_[id];
    const std::int64_t deadline_ns = later(source.taken_ns, source.options.idle_timeout_ns);
    if (deadline_ns > before_ns) {
      deadlines_.put(id, deadline_ns);
      continue;
    }
    let_go(id);
    source.idle = source.newest_ns != INT64_MIN;
    idle_ += source.idle;
    any_idle = true;
  }
  if (any_idle) release(batch);
}

// The least of the sources that hold. Where none does: if some are idle, or were connections, whose clients
// may come back within their lateness, event time stays; else INT64_MAX.
std::int64_t EventTime::watermark_ns() {
  if (!holding_.empty()) return sources_[slowest()].watermark_ns();
  return idle_ > 0 || may_come_back_ ? now_ns_ : INT64_MAX;
}

void EventTime::release(model::EventBatch& out) {
  const std::int64_t watermark = watermark_ns();
  while (!heap_.empty() && (heap_.front().time_ns <= watermark || heap_.size() > max_buffered_)) {
    std::pop_heap(heap_.begin(), heap_.end(), [](const Waiting& a, const Waiting& b) {
      return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.seq > b.seq;
    });
    now_ns_ = std::max(now_ns_, heap_.back().time_ns);
    out.append(buffer_[heap_.back().index]);
    heap_.pop_back();
  }
  now_ns_ = std::max(now_ns_, watermark == INT64_MAX ? latest_ns_ : watermark);
  shrink_buffer();
}

// Copies what still waits to a fresh buffer once it is less than half of what the buffer holds.
void EventTime::shrink_buffer() {
  if (buffer_.size() < 1024 || heap_.size() * 2 > buffer_.size()) {
    if (heap_.empty()) buffer_.clear();
    return;
  }
  spare_.clear();
  for (Waiting& waiting : heap_) {
    const auto index = static_cast<std::uint32_t>(spare_.size());
    spare_.append(buffer_[waiting.index]);
    waiting.index = index;
  }
  std::swap(buffer_, spare_);
}

// Brings the first up to date until it stays the first: no other's watermark is less than what it was.
std::uint16_t EventTime::slowest() {
  if (holding_.empty()) return 0;
  for (;;) {
    const std::uint16_t id = holding_.first();
    const std::int64_t watermark = sources_[id].watermark_ns();
    if (holding_.first_ns() == watermark) return id;
    holding_.put(id, watermark);
  }
}

}  // namespace tocsin::runtime
