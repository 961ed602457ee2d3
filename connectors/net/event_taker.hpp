// What takes the events that come in: the engine, as the server sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/model/batch.hpp"

namespace tocsin::connectors::net {

/// Called on the ingress thread only; all but open_source() under a MatchHub::EngineWait, so that they may
/// wait for the engine. A source is a connection with a watermark of its own.
class EventTaker {
 public:
  virtual ~EventTaker() = default;

  /// A connection's first event is there. `name` says who it is, as for a log. Silent for `idle_timeout_ns`
  /// (0: never; none: as configured), it is to stop holding event time back until its next event. Nothing
  /// where there can be no more sources: the connection is refused.
  virtual std::optional<std::uint16_t> open_source(std::string_view name,
                                                   std::optional<std::int64_t> idle_timeout_ns) = 0;
  /// Takes the events in arrival order and empties `batch`. The round that read them began at `found_ns`
  /// (steady_now_ns).
  virtual void take(std::uint16_t source, model::EventBatch& batch, std::int64_t found_ns) = 0;
  /// The source has come to this event time without an event.
  virtual void advance(std::uint16_t source, std::int64_t time_ns) = 0;
  virtual void close_source(std::uint16_t source) = 0;
  /// Has MatchHub::on_batch(stamp) called behind the matches of all that was taken so far.
  virtual void mark(std::int64_t stamp) = 0;
};

}  // namespace tocsin::connectors::net
