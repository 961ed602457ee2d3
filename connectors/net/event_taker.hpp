// What takes the events that come in: the engine, as the server sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/model/batch.hpp"

namespace tocsin::connectors::net {

/// Called on the ingress thread only. A source is a connection with a watermark of its own.
class EventTaker {
 public:
  virtual ~EventTaker() = default;

  /// A connection's first event is there. `name` says who it is, as for a log. Nothing where there can be no
  /// more sources: the connection is refused.
  virtual std::optional<std::uint16_t> open_source(std::string_view name) = 0;
  /// Takes the events in arrival order and empties `batch`.
  virtual void take(std::uint16_t source, model::EventBatch& batch) = 0;
  /// The source has come to this event time without an event.
  virtual void advance(std::uint16_t source, std::int64_t time_ns) = 0;
  /// Has been silent for ServerOptions::source_idle_ns: it holds event time back no longer, until its next
  /// event.
  virtual void idle_source(std::uint16_t source) = 0;
  virtual void close_source(std::uint16_t source) = 0;
};

}  // namespace tocsin::connectors::net
