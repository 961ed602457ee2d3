// One record in, one event out: what NDJSON and CSV have in common, as a record source sees them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "connectors/bad_records.hpp"
#include "connectors/opened.hpp"
#include "engine/model/batch.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors {

/// Arrival time in ns since the epoch; asked only for events that carry no time of their own.
using Clock = std::function<std::int64_t()>;

/// The system's clock.
std::int64_t system_clock_ns();

class Decoder {
 public:
  enum class Decoded : std::uint8_t {
    event,    // one event was appended
    nothing,  // a blank line
    bad,      // fault_kind() and fault() say what is wrong; nothing was appended
  };

  virtual ~Decoder() = default;

  /// Reads one record; `record_padding` bytes behind it must be readable. Allocates nothing for a good record
  /// once its buffers have grown.
  virtual Decoded decode(std::string_view record, model::EventBatch& out) = 0;

  BadKind fault_kind() const { return fault_kind_; }
  /// A sentence, without place and full stop.
  const std::string& fault() const { return fault_; }
  /// The name, after a fault of kind unknown_type.
  const std::string& unknown_type() const { return unknown_type_; }

 protected:
  Decoded reject(std::string sentence) {
    fault_kind_ = BadKind::malformed;
    fault_ = std::move(sentence);
    return Decoded::bad;
  }
  Decoded reject_type(std::string_view name, std::string sentence) {
    fault_kind_ = BadKind::unknown_type;
    fault_ = std::move(sentence);
    unknown_type_ = name;
    return Decoded::bad;
  }

 private:
  BadKind fault_kind_ = BadKind::malformed;
  std::string fault_;
  std::string unknown_type_;
};

/// Makes the decoder of an input for other types, which must outlive it.
using MakeDecoder = std::function<Opened<Decoder>(const model::Catalog&)>;

}  // namespace tocsin::connectors
