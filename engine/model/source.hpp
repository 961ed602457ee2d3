// Where events come from, as the engine sees it. Transports and codecs implement it in connectors/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/model/batch.hpp"

namespace tocsin::model {

enum class ReadStatus : std::uint8_t {
  more,    // there may be more; the batch may have got nothing this time
  end,     // nothing will come any more; the batch may still have got the last events
  failed,  // like end, and error() says why
};

class Source {
 public:
  virtual ~Source() = default;

  /// Appends at most `max_events` decoded events to `out`, seq left 0. May block for input. Bad input is
  /// counted, reported and passed over inside; it never ends the stream.
  virtual ReadStatus read(EventBatch& out, std::size_t max_events) = 0;

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
