// Event time at the ingress: a watermark a source, late events, and the buffer that puts events of several or
// unordered sources in order.
//
// A source's watermark is the largest time that it has shown, by an event or by advance(), less its lateness;
// event time is the least watermark of the open sources, and nothing later than it is let through. An event
// before its source's watermark is late. One source without lateness needs no buffer: its events pass as they
// come.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/batch.hpp"

namespace tocsin::runtime {

class EventTime {
 public:
  struct Source {
    std::int64_t lateness_ns = 0;
    std::int64_t newest_ns = INT64_MIN;  // largest time shown
    bool open = true;
    std::uint64_t events = 0;  // accepted
    std::uint64_t late = 0;
    std::int64_t lateness_needed_ns = 0;

    std::int64_t watermark_ns() const;
  };

  explicit EventTime(std::size_t max_buffered) : max_buffered_(max_buffered) {}

  std::uint16_t add_source(std::int64_t lateness_ns);
  const std::vector<Source>& sources() const { return sources_; }

  /// Numbers the events of `batch`, counts and drops the late ones, and leaves in it what may be processed
  /// now, in order: the batch's own events where they need not wait, else what the watermark releases.
  void admit(std::uint16_t source, model::EventBatch& batch);

  /// `source` has come to `time_ns`, as if by an event of that time. Puts into `batch` what that releases.
  void advance(std::uint16_t source, std::int64_t time_ns, model::EventBatch& batch);

  /// Marks `source` closed and puts into `batch` what that releases.
  void close(std::uint16_t source, model::EventBatch& batch);

  /// Event time: no event before it will be let through any more. Once all sources are closed, the largest
  /// time that one has shown. It never falls; INT64_MIN before all sources have shown a time.
  std::int64_t now_ns() const { return now_ns_; }

  /// Accepted events so far, the sequence number of the last.
  std::uint64_t last_seq() const { return last_seq_; }

  /// The open source with the least watermark (the first of them), or 0 where none is open.
  std::uint16_t slowest() const;

 private:
  struct Waiting {
    std::int64_t time_ns;
    std::uint64_t seq;
    std::uint32_t index;  // in buffer_
  };
  bool is_late(Source& source, std::int64_t time_ns);
  std::int64_t watermark_ns() const;
  void release(model::EventBatch& out);
  void shrink_buffer();

  std::vector<Source> sources_;
  std::size_t max_buffered_;
  std::uint64_t last_seq_ = 0;
  std::int64_t released_ns_ = INT64_MIN;  // nothing earlier can be let through any more
  std::int64_t now_ns_ = INT64_MIN;
  model::EventBatch buffer_;
  std::vector<Waiting> heap_;  // the earliest first
  model::EventBatch spare_;
};

}  // namespace tocsin::runtime
