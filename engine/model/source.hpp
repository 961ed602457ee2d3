// Where events come from, as the engine sees it. Transports and codecs implement it in connectors/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/model/batch.hpp"

namespace tocsin::model {

struct Catalog;

enum class ReadStatus : std::uint8_t {
  more,    // there may be more; the batch may have got nothing this time
  end,     // nothing will come any more; the batch may still have got the last events
  failed,  // like end, and error() says why
};

/// Sources that may be open at a time.
inline constexpr std::size_t max_sources = UINT16_MAX;

/// What the engine must know of a source: of a file, a connection.
struct SourceOptions {
  std::int64_t lateness_ns = 0;  // ≥ 0: how far behind the largest time that it has shown its events may come
  /// True: event time waits for the first time that it shows, as for files that are read together. False: it
  /// does not hold event time back before it has shown one, as a connection that may stay silent.
  bool awaited = true;
  /// After so long without an event taken, by the clock that Engine::tick() tells, it does not hold event
  /// time back until it shows another; 0: it always does.
  std::int64_t idle_timeout_ns = 0;
};

/// Where events go that came too late to be processed. Called on the thread that pushes, in order of arrival.
class LateSink {
 public:
  virtual ~LateSink() = default;
  /// The event has no sequence number, and lives as long as the call.
  virtual void on_late(std::uint16_t source, EventView event) = 0;
};

class Source {
 public:
  virtual ~Source() = default;

  /// Appends at most `max_events` decoded events to `out`, seq left 0. May block for input. Bad input is
  /// counted, reported and passed over inside; it never ends the stream.
  virtual ReadStatus read(EventBatch& out, std::size_t max_events) = 0;

  /// From the next event on the types are those of `catalog`, which must outlive the source. An empty string,
  /// or a sentence that says why that can't be; then nothing has changed.
  virtual std::string use(const Catalog& catalog) = 0;

  /// As users know it: a file name, `stdin`.
  virtual const std::string& name() const = 0;
  /// A sentence, after `failed`.
  virtual const std::string& error() const = 0;

  virtual std::uint64_t bad_records() const = 0;
  /// Bytes read so far and in all (0 where unknown), for progress.
  virtual std::uint64_t bytes_read() const = 0;
  virtual std::uint64_t bytes_total() const = 0;
};

}  // namespace tocsin::model
