// Event time at the ingress: a watermark a source, late events, and the buffer that puts events of several or
// unordered sources in order.
//
// A source's watermark is the largest time that it has shown, by an event or by advance(), less its lateness;
// event time is the least watermark of the sources that hold it back, and nothing later than it is let
// through. An event before its source's watermark, or before event time, is late. Where one source without
// lateness holds event time back, no buffer is needed: its events pass as they come.
//
// Sources come and go. Event time never falls, so one that comes later has to begin where event time is: it
// holds it back from its first event that is not late, unless it is awaited, which means from the begin. An
// event that is late changes nothing, so that a source whose clock is wrong holds up nobody but itself. A
// source that shows nothing for its idle timeout stops holding, until its next event that is not late. Where
// all that have shown a time are idle, event time stays: they may go on from where they were. Where all are
// closed, nothing is left to wait for, and all that waits is let through.
//
// A push costs no more for there being many sources: those that hold stand in a heap by what was their
// watermark, and only the first is brought up to date.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/batch.hpp"
#include "engine/model/source.hpp"
#include "engine/runtime/source_queue.hpp"

namespace tocsin::runtime {

class EventTime {
 public:
  struct Source {
    model::SourceOptions options = {};
    std::int64_t newest_ns = INT64_MIN;  // largest time shown
    std::int64_t taken_ns = 0;           // when it last showed a time that counts, by the clock of tick()
    bool open = true;
    bool idle = false;         // open, has shown a time, and doesn't hold
    std::uint64_t events = 0;  // accepted
    std::uint64_t late = 0;
    std::int64_t lateness_needed_ns = 0;

    std::int64_t watermark_ns() const;
  };

  /// `late` gets the late events; none: they are only counted.
  explicit EventTime(std::size_t max_buffered, model::LateSink* late = nullptr)
      : max_buffered_(max_buffered), late_(late) {}

  /// Throws std::runtime_error where model::max_sources are open.
  std::uint16_t add_source(const model::SourceOptions& options);
  /// By id: the one that has it, or had it last.
  const std::vector<Source>& sources() const { return sources_; }
  /// True where event time waits for the source.
  bool holds(std::uint16_t source) const { return holding_.has(source); }
  /// The counts of all sources whose id another has taken, together.
  const Source& forgotten() const { return forgotten_; }

  /// Numbers the events of `batch`, counts and drops the late ones, and leaves in it what may be processed
  /// now, in order: the batch's own events where they need not wait, else what the watermark releases.
  void admit(std::uint16_t source, model::EventBatch& batch);

  /// `source` has come to `time_ns`, as if by an event of that time. Puts into `batch` what that releases.
  void advance(std::uint16_t source, std::int64_t time_ns, model::EventBatch& batch);

  /// Marks `source` closed and puts into `batch` what that releases.
  void close(std::uint16_t source, model::EventBatch& batch);

  /// All sources are closed, and none will come: puts all that still waits into `batch`.
  void finish(model::EventBatch& batch);

  /// The clock has come to `now_ns`. Puts into `batch` what is released as sources become idle: those that
  /// were overdue at the call before and have shown nothing since.
  void tick(std::int64_t now_ns, model::EventBatch& batch);

  /// Event time: no event before it will be let through any more. Once all sources are closed, and
  /// all were awaited or finish() was called, the largest time that one has shown. It never falls; INT64_MIN
  /// before all awaited sources have shown a time.
  std::int64_t now_ns() const { return now_ns_; }

  /// Accepted events so far, the sequence number of the last.
  std::uint64_t last_seq() const { return last_seq_; }

  /// Accepted events that wait.
  std::size_t buffered() const { return heap_.size(); }

  /// The source with the least watermark (the first of them) among those that hold, or 0 where none does.
  std::uint16_t slowest();

 private:
  struct Waiting {
    std::int64_t time_ns;
    std::uint64_t seq;
    std::uint32_t index;  // in buffer_
  };
  bool refuse_late(std::uint16_t id, model::EventView event);
  void hold(std::uint16_t id);
  void let_go(std::uint16_t id);
  std::int64_t watermark_ns();
  void release(model::EventBatch& out);
  void shrink_buffer();

  std::vector<Source> sources_;
  std::vector<std::uint16_t> free_;
  Source forgotten_{.open = false};
  SourceQueue holding_;                 // by watermark, as it was or less
  SourceQueue deadlines_;               // of those with an idle timeout: by when they are overdue, or earlier
  std::size_t idle_ = 0;                // sources that are
  bool may_come_back_ = false;          // a source that was not awaited has closed
  std::int64_t latest_ns_ = INT64_MIN;  // largest time that a closed source has shown

  std::int64_t clock_ns_ = 0;            // since the first tick
  std::int64_t last_tick_ns_ = no_tick;  // as it was told
  static constexpr std::int64_t no_tick = INT64_MIN;

  std::size_t max_buffered_;
  model::LateSink* late_;
  std::uint64_t last_seq_ = 0;
  std::int64_t now_ns_ = INT64_MIN;
  model::EventBatch buffer_;
  std::vector<Waiting> heap_;  // the earliest first
  model::EventBatch spare_;
};

}  // namespace tocsin::runtime
