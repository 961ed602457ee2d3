#include "connectors/wire/event_check.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <simdjson.h>

#include "engine/base/assert.hpp"

namespace tocsin::connectors::wire {

using model::EventHeader;
using model::Kind;
using model::VarSlot;

enum class EventChecker::Fault : std::uint8_t {
  source,
  seq,
  type,
  undeclared,
  size,
  time,
  null,
  null_slot,
  boolean,
  finite,
  label,
  place,
  align,
  overlap,
  utf8,
};

struct EventChecker::Wrong {
  Fault fault{};
  std::uint32_t field = 0;
};

namespace {

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

std::size_t null_word(std::size_t field) {
  return sizeof(EventHeader) + 8 * (field / 64);
}

bool is_utf8(const char* text, std::size_t size) {
  // Most texts are short and ASCII: a word at a time is quicker than to set out for the general case.
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  if (size <= 64) {
    std::uint64_t seen = 0;
    std::size_t i = 0;
    for (; i + 8 <= size; i += 8) {
      std::uint64_t word;
      std::memcpy(&word, text + i, sizeof word);
      seen |= word;
    }
    for (; i < size; ++i)
      seen |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i]));
    if ((seen & high_bits) == 0) return true;
  }
  return simdjson::validate_utf8(text, size);
}

bool can_be_wrong(Kind kind) {
  return kind != Kind::integer && kind != Kind::time && kind != Kind::duration;
}

}  // namespace

EventChecker::EventChecker(const model::Catalog& catalog, std::size_t max_sentences)
    : catalog_(&catalog), max_sentences_(max_sentences) {
  for (const auto& type : catalog.types) {
    TypeCheck& check = types_.emplace_back();
    check.fixed_size = type.fixed_size;
    check.known = type.is_input();
    check.has_time = type.timestamp.has_value();
    check.timestamp = type.timestamp.value_or(0);
    check.nullable.resize((type.fields.size() + 63) / 64);
    for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
      const model::Field& field = type.fields[i];
      if (field.type.nullable) check.nullable[i / 64] |= std::uint64_t{1} << (i % 64);
      if (!can_be_wrong(field.type.kind)) continue;
      FieldCheck& each = check.fields.emplace_back();
      each.kind = field.type.kind;
      each.element = field.type.element;
      each.field = i;
      each.slot = field.slot;
      if (each.kind == Kind::boolean) each.labels = 2;
      if (each.kind == Kind::enumeration) {
        each.labels = catalog.enumerations[field.type.enumeration].labels.size();
      }
    }
  }
}

/// The data behind one event's slots: where it may lie, and how much of it may still be claimed.
class EventChecker::Data {
 public:
  /// `strict`: also what computing needs, not only what reading does: finite numbers and UTF-8.
  Data(const std::byte* event, std::uint32_t fixed_size, std::uint32_t size, bool strict)
      : event_(event), fixed_size_(fixed_size), size_(size), left_(size - fixed_size), strict_(strict) {}

  /// The place of what the slot at `slot` claims, in elements of `element_bytes`. False, and the fault, where
  /// that is not there, or where more is claimed than there is.
  bool claim(std::size_t slot, std::size_t element_bytes, std::size_t& place, std::size_t& length,
             Fault& fault) {
    const auto var = load<VarSlot>(event_ + slot);
    place = slot + var.distance;
    length = var.length;
    const std::size_t bytes = length * element_bytes;
    fault = Fault::place;
    if (place < fixed_size_ || place > size_ || bytes > size_ - place) return false;
    fault = Fault::overlap;
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

  bool text(std::size_t slot, Fault& fault) {
    std::size_t place;
    std::size_t length;
    if (!claim(slot, 1, place, length, fault)) return false;
    fault = Fault::utf8;
    return !strict_ || is_utf8(reinterpret_cast<const char*>(event_ + place), length);
  }

  bool array(std::size_t slot, Kind element, Fault& fault) {
    std::size_t place;
    std::size_t length;
    if (!claim(slot, 8, place, length, fault)) return false;
    fault = Fault::align;
    if (place % 8 != 0) return false;
    if (!can_be_wrong(element)) return true;
    for (std::size_t i = 0; i < length; ++i) {
      if (!scalar(place + 8 * i, element, 2, fault)) return false;
    }
    return true;
  }

  bool scalar(std::size_t slot, Kind kind, std::uint64_t labels, Fault& fault) {
    switch (kind) {
      case Kind::floating:
        fault = Fault::finite;
        return !strict_ || std::isfinite(load<double>(event_ + slot));
      case Kind::boolean: fault = Fault::boolean; return load<std::uint64_t>(event_ + slot) < 2;
      case Kind::enumeration: fault = Fault::label; return load<std::uint64_t>(event_ + slot) < labels;
      case Kind::string: return text(slot, fault);
      default: return true;
    }
  }

 private:
  const std::byte* event_;
  std::size_t fixed_size_;
  std::size_t size_;
  std::size_t left_;
  bool strict_;
};

bool EventChecker::good(const std::byte* event, const TypeCheck& type, bool arriving, Wrong& wrong) const {
  const auto header = load<EventHeader>(event);
  const auto bad = [&](Fault fault, std::size_t field = 0) {
    wrong = {fault, static_cast<std::uint32_t>(field)};
    return false;
  };
  if (header.size < type.fixed_size) return bad(Fault::size);
  if (arriving && !type.has_time && header.time_ns != 0) return bad(Fault::time);

  for (std::size_t word = 0; word < type.nullable.size(); ++word) {
    const auto nulls = load<std::uint64_t>(event + null_word(64 * word));
    const std::uint64_t wrong_nulls = nulls & ~type.nullable[word];
    if (wrong_nulls != 0) return bad(Fault::null, 64 * word + std::countr_zero(wrong_nulls));
    for (std::uint64_t left = nulls; left != 0; left &= left - 1) {
      const std::size_t field = 64 * word + static_cast<std::size_t>(std::countr_zero(left));
      // In a numbered event the slot of a timestamp that is null holds the time of arrival.
      if (!arriving && type.has_time && field == type.timestamp) continue;
      const std::uint32_t slot = (*catalog_)[header.type].fields[field].slot;
      if (load<std::uint64_t>(event + slot) != 0) return bad(Fault::null_slot, field);
    }
  }

  Data data(event, type.fixed_size, header.size, arriving);
  for (const FieldCheck& field : type.fields) {
    if ((load<std::uint64_t>(event + null_word(field.field)) >> (field.field % 64) & 1) != 0) continue;
    Fault fault{};
    const bool fits = field.kind == Kind::array ? data.array(field.slot, field.element, fault)
                                                : data.scalar(field.slot, field.kind, field.labels, fault);
    if (!fits) return bad(fault, field.field);
  }
  return true;
}

std::string EventChecker::sentence(const std::byte* event, const Wrong& wrong) const {
  const auto header = load<EventHeader>(event);
  const std::size_t type_id = header.type;
  switch (wrong.fault) {
    case Fault::source: return fmt::format("the header's source is {}, and must be 0", header.source);
    case Fault::seq: return fmt::format("the header's number is {}, and must be 0", header.seq);
    case Fault::type:
      if (type_id < catalog_->types.size() && catalog_->types[type_id].derived) {
        return fmt::format("event type {} is emitted by rules and can't be sent",
                           catalog_->types[type_id].name);
      }
      return fmt::format("there is no event type with id {}", type_id);
    default: break;
  }
  const model::EventType& type = catalog_->types[type_id];
  if (wrong.fault == Fault::undeclared) {
    return fmt::format("event type {} was not declared by this client", type.name);
  }
  if (wrong.fault == Fault::size) {
    return fmt::format("an event of {} has {} bytes, and must have at least {}", type.name, header.size,
                       type.fixed_size);
  }
  if (wrong.fault == Fault::time) {
    return fmt::format("{} has no timestamp, so the header's time must be 0", type.name);
  }
  if (wrong.field >= type.fields.size())
    return fmt::format("a null bit behind the fields of {} is set", type.name);
  const model::Field& field = type.fields[wrong.field];
  const auto say = [&](std::string_view what) {
    return fmt::format("field '{}' of {} {}", field.name, type.name, what);
  };
  switch (wrong.fault) {
    case Fault::null: return say("is null, which it can't be");
    case Fault::null_slot: return say("is null, so its slot must be 0");
    case Fault::boolean: return say("is neither 0 nor 1");
    case Fault::finite: return say("is not a finite number");
    case Fault::label:
      return say(fmt::format("is none of {}'s labels", model::to_string(field.type, *catalog_)));
    case Fault::place: return say("points out of the event");
    case Fault::align: return say("is an array at no multiple of 8");
    case Fault::overlap: return say("claims bytes of another field");
    default: return say("is not UTF-8");
  }
}

/// What peers may send: an event of an input type that they have declared, unnumbered.
bool EventChecker::acceptable(const std::byte* event, const std::vector<bool>* declared, Wrong& wrong) const {
  const auto header = load<EventHeader>(event);
  const auto bad = [&](Fault fault) {
    wrong = {fault};
    return false;
  };
  if (header.type >= types_.size() || !types_[header.type].known) return bad(Fault::type);
  if (declared != nullptr && (header.type >= declared->size() || !(*declared)[header.type])) {
    return bad(Fault::undeclared);
  }
  if (header.source != 0) return bad(Fault::source);
  if (header.seq != 0) return bad(Fault::seq);
  return good(event, types_[header.type], true, wrong);
}

EventChecker::Checked EventChecker::check(std::span<const std::byte> payload, std::int64_t arrival_ns,
                                          model::EventBatch& batch, const std::vector<bool>* declared) {
  bad_events_.clear();
  Checked checked;
  EventsHead head;
  if (payload.size() < sizeof head) {
    checked.fault = fmt::format("EVENTS of {} bytes has no head", payload.size());
    return checked;
  }
  TOCSIN_ASSERT(reinterpret_cast<std::uintptr_t>(payload.data()) % 8 == 0);
  head = load<EventsHead>(payload.data());
  payload = payload.subspan(sizeof head);
  if (head.reserved != 0) {
    checked.fault = "EVENTS with reserved bytes that are not 0";
  } else if (head.count == 0) {
    checked.fault = "EVENTS without events";
  } else if (head.count > payload.size() / sizeof(EventHeader)) {
    checked.fault = fmt::format("EVENTS of {} events in {} bytes", head.count, payload.size());
  }
  if (!checked.fault.empty()) return checked;
  checked.first = head.first;
  checked.count = head.count;

  const auto reject = [&](std::uint32_t index, auto&& say) {
    if (bad_events_.size() < max_sentences_) bad_events_.push_back({head.first + index, say()});
  };
  for (std::uint32_t i = 0; i < head.count; ++i) {
    const std::byte* event = payload.data();
    const std::uint32_t size = payload.size() < sizeof(EventHeader) ? 0 : load<EventHeader>(event).size;
    if (size < sizeof(EventHeader) || size % 8 != 0 || size > payload.size()) {
      const std::uint32_t lost = head.count - i;
      checked.rejected += lost;
      reject(i, [&] {
        return fmt::format("its size is {}, where {} bytes are left; lost with it: {} events behind it", size,
                           payload.size(), lost - 1);
      });
      return checked;
    }
    payload = payload.subspan(size);
    Wrong wrong;
    if (!acceptable(event, declared, wrong)) {
      ++checked.rejected;
      reject(i, [&] { return sentence(event, wrong); });
      continue;
    }
    batch.append(model::EventView(event));
    const TypeCheck& type = types_[load<EventHeader>(event).type];
    if (!type.has_time || batch[batch.size() - 1].is_null(type.timestamp)) {
      batch.header(batch.size() - 1).time_ns = arrival_ns;
    }
  }
  if (!payload.empty()) checked.fault = fmt::format("EVENTS with {} bytes behind its events", payload.size());
  return checked;
}

std::string EventChecker::check_one(std::span<const std::byte> bytes) const {
  if (bytes.size() < sizeof(EventHeader)) return fmt::format("{} bytes are no event", bytes.size());
  const auto header = load<EventHeader>(bytes.data());
  if (header.size != bytes.size() || header.size % 8 != 0) {
    return fmt::format("an event of {} bytes says that its size is {}", bytes.size(), header.size);
  }
  if (header.type >= types_.size()) return fmt::format("there is no event type with id {}", header.type);
  Wrong wrong;
  return good(bytes.data(), types_[header.type], false, wrong) ? "" : sentence(bytes.data(), wrong);
}

}  // namespace tocsin::connectors::wire
