#include "engine/runtime/event_time.hpp"

#include <algorithm>

#include "engine/base/saturate.hpp"

namespace tocsin::runtime {

std::int64_t EventTime::Source::watermark_ns() const {
  return newest_ns == INT64_MIN ? INT64_MIN : earlier(newest_ns, lateness_ns);
}

std::uint16_t EventTime::add_source(std::int64_t lateness_ns) {
  sources_.push_back({.lateness_ns = lateness_ns});
  return static_cast<std::uint16_t>(sources_.size() - 1);
}

// For an event that is not the newest yet.
bool EventTime::is_late(Source& source, std::int64_t time_ns) {
  if (time_ns >= source.watermark_ns() && time_ns >= released_ns_) return false;
  ++source.late;
  std::int64_t needed;
  if (__builtin_sub_overflow(source.newest_ns, time_ns, &needed)) needed = INT64_MAX;
  source.lateness_needed_ns = std::max(source.lateness_needed_ns, needed);
  return true;
}

void EventTime::admit(std::uint16_t id, model::EventBatch& batch) {
  Source& source = sources_[id];
  const bool direct = sources_.size() == 1 && source.lateness_ns == 0;
  bool any_late = false;
  // Most events are the newest of their source: for them the loop runs on locals alone.
  std::int64_t newest_ns = source.newest_ns;
  std::uint64_t seq = last_seq_;
  const std::int64_t released_ns = released_ns_;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    model::EventHeader& header = batch.header(i);
    header.source = id;
    if (header.time_ns >= newest_ns && header.time_ns >= released_ns) {
      newest_ns = header.time_ns;
    } else {
      source.newest_ns = newest_ns;
      if (is_late(source, header.time_ns)) {
        any_late = true;
        header.seq = 0;  // late
        continue;
      }
    }
    header.seq = ++seq;
  }
  source.newest_ns = newest_ns;
  source.events += seq - last_seq_;
  last_seq_ = seq;
  if (any_late) batch.erase_if([](const model::EventHeader& header) { return header.seq == 0; });
  if (direct) {
    now_ns_ = newest_ns;
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
  sources_[id].newest_ns = std::max(sources_[id].newest_ns, time_ns);
  batch.clear();
  release(batch);
}

void EventTime::close(std::uint16_t id, model::EventBatch& batch) {
  sources_[id].open = false;
  batch.clear();
  release(batch);
}

// The least of the open sources, INT64_MAX where none is open.
std::int64_t EventTime::watermark_ns() const {
  std::int64_t watermark = INT64_MAX;
  for (const Source& source : sources_) {
    if (source.open) watermark = std::min(watermark, source.watermark_ns());
  }
  return watermark;
}

void EventTime::release(model::EventBatch& out) {
  const std::int64_t watermark = watermark_ns();
  while (!heap_.empty() && (heap_.front().time_ns <= watermark || heap_.size() > max_buffered_)) {
    std::pop_heap(heap_.begin(), heap_.end(), [](const Waiting& a, const Waiting& b) {
      return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.seq > b.seq;
    });
    released_ns_ = heap_.back().time_ns;
    out.append(buffer_[heap_.back().index]);
    heap_.pop_back();
  }
  std::int64_t now_ns = watermark;
  if (watermark == INT64_MAX) {
    now_ns = INT64_MIN;
    for (const Source& source : sources_)
      now_ns = std::max(now_ns, source.newest_ns);
  }
  now_ns_ = std::max({now_ns_, now_ns, released_ns_});
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

std::uint16_t EventTime::slowest() const {
  std::uint16_t slowest = 0;
  bool found = false;
  for (std::uint16_t id = 0; id < sources_.size(); ++id) {
    if (!sources_[id].open) continue;
    if (!found || sources_[id].watermark_ns() < sources_[slowest].watermark_ns()) slowest = id;
    found = true;
  }
  return slowest;
}

}  // namespace tocsin::runtime
