// Events as a peer sends them, in the engine's own layout, checked before they are copied: what passes is
// what the engine relies on, whoever wrote it, and the same as what the decoders of text let through.
//
// The checks of a type are made ready once, so that an event costs a load and a test a field; integers and
// times need none. Text is looked at once: as an event's text and arrays together may claim no more bytes
// than it has behind its slots, the work is linear in its bytes whatever its offsets say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "connectors/wire/payload.hpp"
#include "engine/model/batch.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors::wire {

class EventChecker {
 public:
  /// `catalog` must outlive the checker. With `max_sentences` the number of bad events of a frame that get a
  /// sentence; further ones are only counted.
  explicit EventChecker(const model::Catalog& catalog, std::size_t max_sentences = 16);

  /// What became of the events of one frame.
  struct Checked {
    std::uint64_t first = 0;     // number of the first
    std::uint32_t count = 0;     // all that the frame holds
    std::uint32_t rejected = 0;  // of these
    std::string fault;           // not empty: the frame is wrong as a whole, which ends the connection
  };

  /// Checks the events in the payload of an EVENTS frame and appends the good ones to `batch`, source and
  /// number left 0; those that carry no time get `arrival_ns`. A bad event costs the others nothing as long
  /// as its size leads to the next; else all behind it are rejected with it. After a fault, what was appended
  /// is good nevertheless. Allocates nothing but for bad events, once `batch` has grown. Linear in the
  /// payload.
  /// `declared`, where it is given, says by id which types this peer may send; ids behind its end it may not.
  Checked check(std::span<const std::byte> payload, std::int64_t arrival_ns, model::EventBatch& batch,
                const std::vector<bool>* declared = nullptr);

  /// Those rejected by the last check(), oldest first, at most `max_sentences`. Valid until the next one.
  struct BadEvent {
    std::uint64_t number = 0;
    std::string sentence;  // without full stop
  };
  const std::vector<BadEvent>& bad_events() const { return bad_events_; }

  /// Whether reading the fields of one event stays within `bytes`, which are all of it; of any type of the
  /// catalog, derived ones included, as it leaves the engine. Empty where it does, else a sentence.
  std::string check_one(std::span<const std::byte> bytes) const;

 private:
  enum class Fault : std::uint8_t;
  struct FieldCheck {
    model::Kind kind = model::Kind::null;
    model::Kind element = model::Kind::null;
    std::uint32_t field = 0;
    std::uint32_t slot = 0;
    std::uint64_t labels = 0;  // of an enumeration, how many
  };
  struct TypeCheck {
    std::uint32_t fixed_size = 0;
    bool known = false;  // events of it come from inputs
    bool has_time = false;
    std::uint32_t timestamp = 0;
    std::vector<std::uint64_t> nullable;  // a bit a field, as the null bits are
    std::vector<FieldCheck> fields;       // those whose slots can be wrong
  };
  struct Wrong;
  class Data;

  bool acceptable(const std::byte* event, const std::vector<bool>* declared, Wrong& wrong) const;
  bool good(const std::byte* event, const TypeCheck& type, bool arriving, Wrong& wrong) const;
  std::string sentence(const std::byte* event, const Wrong& wrong) const;

  const model::Catalog* catalog_;
  std::size_t max_sentences_;
  std::vector<TypeCheck> types_;
  std::vector<BadEvent> bad_events_;
};

}  // namespace tocsin::connectors::wire
