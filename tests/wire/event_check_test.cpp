// The event check against a plain reference, which reads an event field by field through the engine's own
// view: mutations of good events are accepted exactly where the reference finds nothing wrong.
#include "connectors/wire/event_check.hpp"

#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <functional>
#include <simdjson.h>

#include "connectors/open_source.hpp"
#include "tests/wire/support.hpp"

namespace tocsin::connectors::wire {

namespace {

using model::EventBatch;
using model::EventView;
using model::Kind;
using model::Value;
using test::Bytes;
using test::Random;

constexpr std::int64_t arrival_ns = 777;

const model::Catalog& types() {
  static const model::Catalog catalog = test::catalog();
  return catalog;
}

/// One event, whose size leads to the end of `bytes`.
class Reference {
 public:
  explicit Reference(std::span<const std::byte> bytes) : bytes_(bytes), event_(bytes.data()) {}

  bool good() {
    if (event_.type() >= types().types.size()) return false;
    const model::EventType& type = types()[event_.type()];
    if (!type.is_input() || event_.size() < type.fixed_size) return false;
    if (event_.header().source != 0 || event_.seq() != 0) return false;
    if (!type.timestamp && event_.time_ns() != 0) return false;
    first_ = bytes_.data() + type.fixed_size;
    left_ = event_.size() - type.fixed_size;
    for (std::uint32_t i = 0; i < (type.fields.size() + 63) / 64 * 64; ++i) {
      if (i >= type.fields.size()) {
        if (event_.is_null(i)) return false;
      } else if (event_.is_null(i)) {
        if (!type.fields[i].type.nullable || event_.load_int(type.fields[i].slot) != 0) return false;
      } else if (!good(event_.get(type.fields[i], i), type.fields[i].type)) {
        return false;
      }
    }
    return true;
  }

 private:
  bool lies_within(const void* begin, std::size_t size) {
    const auto at = reinterpret_cast<std::uintptr_t>(begin);
    if (at < reinterpret_cast<std::uintptr_t>(first_)) return false;
    if (at > reinterpret_cast<std::uintptr_t>(bytes_.data()) + bytes_.size()) return false;
    if (size > reinterpret_cast<std::uintptr_t>(bytes_.data()) + bytes_.size() - at || size > left_)
      return false;
    left_ -= size;
    return true;
  }

  bool good(const Value& value, const model::Type& type) {
    switch (value.kind) {
      case Kind::floating: return std::isfinite(value.f);
      case Kind::boolean: return value.i == 0 || value.i == 1;
      case Kind::enumeration:
        return value.i >= 0 &&
               static_cast<std::size_t>(value.i) < types().enumerations[type.enumeration].labels.size();
      case Kind::string:
        return lies_within(value.s, value.size) && simdjson::validate_utf8(value.s, value.size);
      case Kind::array: {
        if (!lies_within(value.array, 8 * std::size_t{value.size})) return false;
        if (reinterpret_cast<std::uintptr_t>(value.array) % 8 != 0) return false;
        for (std::uint32_t i = 0; i < value.size; ++i) {
          if (!good(model::element_of(value, i), {.kind = type.element})) return false;
        }
        return true;
      }
      default: return true;
    }
  }

  std::span<const std::byte> bytes_;
  EventView event_;
  const std::byte* first_ = nullptr;
  std::size_t left_ = 0;
};

EventBatch good_events(std::uint64_t seed, std::size_t count) {
  EventBatch batch;
  constexpr model::EventTypeId inputs[] = {0, 1, 4, 5, 6};
  for (std::size_t i = 0; i < count; ++i)
    test::write_event(batch, types(), inputs[(seed + i) % std::size(inputs)], 1000 * seed + i);
  return batch;
}

Bytes bytes_of(EventView event) {
  return Bytes(std::span(event.bytes(), event.size()));
}

Bytes payload_of(std::span<const std::byte> event) {
  Bytes payload;
  payload.resize(sizeof(EventsHead) + event.size());
  const EventsHead head{.first = 1, .count = 1};
  std::memcpy(payload.data(), &head, sizeof head);
  std::memcpy(payload.data() + sizeof head, event.data(), event.size());
  return payload;
}

template <class T>
void put(Bytes& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

/// The sentence about one event of type `id` after `change` has been at it; empty where it was taken.
template <class Change>
std::string sentence_of(model::EventTypeId id, Change change, std::uint64_t seed = 1) {
  EventBatch batch;
  test::write_event(batch, types(), id, seed);
  Bytes event = bytes_of(batch[0]);
  change(event);
  const Bytes payload = payload_of(event.span());
  EventChecker checker(types());
  EventBatch out;
  const auto checked = checker.check(payload.span(), arrival_ns, out);
  CHECK(checked.fault == "");
  CHECK(checked.count == 1);
  CHECK(out.size() + checked.rejected == 1);
  return checker.bad_events().empty() ? "" : checker.bad_events()[0].sentence;
}

std::uint32_t slot(model::EventTypeId id, std::string_view field) {
  return types()[id].fields[*types()[id].find(field)].slot;
}

void fill(EventBatch& batch, bool with_nulls) {  // one All, every field set or every one null that may be
  model::EventWriter writer(batch);
  writer.begin(types()[1]);
  const model::EventType& type = types()[1];
  const Value texts[] = {Value::string("ab"), Value::string("")};
  const Value bools[] = {Value::boolean(true)};
  const Value numbers[] = {Value::floating(1), Value::floating(2)};
  for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
    const model::Type& of = type.fields[i].type;
    if (of.nullable && with_nulls) continue;
    if (of.kind == Kind::string) writer.set_string(i, "text");
    if (of.kind == Kind::array && of.element == Kind::string) writer.set_array(i, texts);
    if (of.kind == Kind::array && of.element == Kind::boolean) writer.set_array(i, bools);
    if (of.kind == Kind::array && of.element == Kind::floating) writer.set_array(i, numbers);
    if (of.kind == Kind::array && of.element == Kind::integer) writer.set_array(i, {});
    if (of.kind != Kind::string && of.kind != Kind::array) writer.set_int(i, 1);
  }
  writer.commit(0, 0, 0);
}

std::string sentence_of_full(const std::function<void(Bytes&)>& change) {
  EventBatch batch;
  fill(batch, false);
  Bytes event = bytes_of(batch[0]);
  change(event);
  const Bytes payload = payload_of(event.span());
  EventChecker checker(types());
  EventBatch out;
  checker.check(payload.span(), arrival_ns, out);
  return checker.bad_events().empty() ? "" : checker.bad_events()[0].sentence;
}

model::VarSlot var_slot(Bytes& event, std::size_t at) {
  model::VarSlot var;
  std::memcpy(&var, event.data() + at, sizeof var);
  return var;
}

}  // namespace

TEST_CASE("good events are taken as they are") {
  const EventBatch batch = good_events(1, 500);
  const Bytes payload = test::events_payload(9, batch);
  EventChecker checker(types());
  EventBatch out;
  const auto checked = checker.check(payload.span(), arrival_ns, out);
  CHECK(checked.fault == "");
  CHECK(checked.first == 9);
  CHECK(checked.count == 500);
  CHECK(checked.rejected == 0);
  REQUIRE(out.size() == batch.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const model::EventType& type = types()[batch[i].type()];
    const bool untimed = !type.timestamp || batch[i].is_null(*type.timestamp);
    CHECK(out[i].time_ns() == (untimed ? arrival_ns : batch[i].time_ns()));
    out.header(i).time_ns = batch[i].time_ns();
    CHECK(std::memcmp(out[i].bytes(), batch[i].bytes(), batch[i].size()) == 0);
    CHECK(checker.check_one(std::span(batch[i].bytes(), batch[i].size())) == "");
  }
}

TEST_CASE("what the NDJSON decoder writes is taken") {
  const std::string lines =
      R"({"type":"Payment","at":1,"country":null,"card":"\u00e9\u0000","amount":1e300})"
      "\n"
      R"({"type":"All","ss":["","a"],"is":[],"bs":[true],"fs":null,"b":true,"i":-1,"f":-0.0,"s":"","t":0,"d":1,)"
      R"("e":"sell"})"
      "\n";
  auto source = open_source(memory_input(lines), {.path = "in"}, types(), {.clock = [] { return 0; }});
  REQUIRE(source);
  EventBatch batch;
  while (source->read(batch, 10) == model::ReadStatus::more)
    continue;
  REQUIRE(batch.size() == 2);
  EventChecker checker(types());
  EventBatch out;
  CHECK(checker.check(test::events_payload(1, batch).span(), arrival_ns, out).rejected == 0);
  CHECK(out.size() == 2);
}

TEST_CASE("each thing that can be wrong with an event has its sentence") {
  const auto none = [](Bytes&) {};
  CHECK(sentence_of(0, none) == "");
  CHECK(sentence_of(2, none) == "event type Alert is emitted by rules and can't be sent");
  CHECK(sentence_of(3, none) == "there is no event type with id 3");
  CHECK(sentence_of(0, [](Bytes& e) { put<std::uint16_t>(e, 4, 7); }) == "there is no event type with id 7");
  CHECK(sentence_of(0, [](Bytes& e) { put<std::uint16_t>(e, 6, 1); }) ==
        "the header's source is 1, and must be 0");
  CHECK(sentence_of(0, [](Bytes& e) { put<std::uint64_t>(e, 16, 5); }) ==
        "the header's number is 5, and must be 0");
  CHECK(sentence_of(6, [](Bytes& e) { put<std::uint16_t>(e, 4, 0); }) ==
        "an event of Payment has 24 bytes, and must have at least 56");
  CHECK(sentence_of(6, [](Bytes& e) { put<std::int64_t>(e, 8, 1); }) ==
        "Empty has no timestamp, so the header's time must be 0");
  CHECK(sentence_of(0, [](Bytes& e) { e.data()[24] |= std::byte{1}; }) ==
        "field 'card' of Payment is null, which it can't be");
  CHECK(sentence_of(0, [](Bytes& e) { e.data()[24] |= std::byte{16}; }) ==
        "a null bit behind the fields of Payment is set");
  CHECK(sentence_of(5, [](Bytes& e) { e.data()[39] |= std::byte{128}; }) ==
        "a null bit behind the fields of Wide is set");
  CHECK(sentence_of(5, [](Bytes& e) {
          e.data()[32] |= std::byte{32};
          put<std::int64_t>(e, slot(5, "f69"), 1);
        }) == "field 'f69' of Wide is null, so its slot must be 0");
  CHECK(sentence_of(4, [](Bytes& e) {
          e.data()[24] |= std::byte{1};
          put<std::int64_t>(e, 8, 1);
        }) == "field 'at' of Late is null, so its slot must be 0");

  CHECK(sentence_of_full([](Bytes&) {}) == "");
  const auto at = [](std::string_view field) { return slot(1, field); };
  CHECK(sentence_of_full([&](Bytes& e) { put<std::int64_t>(e, at("b"), 2); }) ==
        "field 'b' of All is neither 0 nor 1");
  CHECK(sentence_of_full([&](Bytes& e) { put<std::int64_t>(e, at("bn"), -1); }) ==
        "field 'bn' of All is neither 0 nor 1");
  CHECK(sentence_of_full([&](Bytes& e) { put<std::int64_t>(e, at("e"), 2); }) ==
        "field 'e' of All is none of enum(buy, sell)'s labels");
  for (const double wrong : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    CHECK(sentence_of_full([&](Bytes& e) { put(e, at("f"), wrong); }) ==
          "field 'f' of All is not a finite number");
    CHECK(sentence_of_full([&](Bytes& e) { put(e, at("fs") + var_slot(e, at("fs")).distance + 8, wrong); }) ==
          "field 'fs' of All is not a finite number");
  }
  CHECK(sentence_of_full([&](Bytes& e) {
          put<std::uint8_t>(e, at("bs") + var_slot(e, at("bs")).distance, 3);
        }) == "field 'bs' of All is neither 0 nor 1");
  CHECK(sentence_of_full([&](Bytes& e) {
          put<std::uint8_t>(e, at("s") + var_slot(e, at("s")).distance, 0x80);
        }) == "field 's' of All is not UTF-8");
  const auto with_var = [&](std::string_view field, std::uint32_t distance, std::uint32_t length) {
    return sentence_of_full([&](Bytes& e) { put(e, at(field), model::VarSlot{distance, length}); });
  };
  CHECK(with_var("s", 0, 0) == "field 's' of All points out of the event");  // at the slots
  CHECK(with_var("s", UINT32_MAX, 1) == "field 's' of All points out of the event");
  CHECK(with_var("s", types()[1].fixed_size - at("s"), UINT32_MAX) ==
        "field 's' of All points out of the event");
  CHECK(with_var("s", types()[1].fixed_size - at("s") - 1, 1) == "field 's' of All points out of the event");
  CHECK(with_var("is", types()[1].fixed_size - at("is"), UINT32_MAX) ==
        "field 'is' of All points out of the event");
  CHECK(with_var("is", types()[1].fixed_size - at("is") + 4, 1) ==
        "field 'is' of All is an array at no multiple of 8");
  CHECK(sentence_of_full([&](Bytes& e) {
          const auto first = types()[1].fixed_size;
          std::memset(e.data() + first, 'x', e.size() - first);
          const auto size = static_cast<std::uint32_t>(e.size()) - first;
          put(e, at("s"), model::VarSlot{first - at("s"), size});
          put(e, at("sn"), model::VarSlot{first - at("sn"), size});
        }) == "field 'sn' of All claims bytes of another field");
}

TEST_CASE("mutated events are taken exactly where a plain reference finds nothing wrong") {
  Random random(20'260'726);
  std::size_t taken = 0;
  std::size_t refused = 0;
  EventChecker checker(types());
  for (std::uint64_t i = 0; i < 60'000; ++i) {
    const EventBatch batch = good_events(i, 1);
    Bytes event = bytes_of(batch[0]);
    const std::size_t size = event.size();
    for (std::uint64_t changes = 1 + random.below(2); changes > 0; --changes) {
      const std::size_t at = 4 + random.below(size - 4);  // the size stays
      switch (random.below(4)) {
        case 0: event.data()[at] = static_cast<std::byte>(random.next()); break;
        case 1: event.data()[at] ^= std::byte{1} << random.below(8); break;
        case 2: put<std::uint64_t>(event, at & ~std::size_t{7}, at < 8 ? size : random.below(4)); break;
        case 3:
          if (at >= 24)
            put<std::uint32_t>(event, at & ~std::size_t{3},
                               static_cast<std::uint32_t>(random.below(2 * size)));
          break;
      }
    }
    put<std::uint32_t>(event, 0, static_cast<std::uint32_t>(size));
    const bool good = Reference(event.span()).good();
    EventBatch out;
    const auto checked = checker.check(payload_of(event.span()).span(), arrival_ns, out);
    CHECK(checked.fault == "");
    CHECK(out.size() == (good ? 1 : 0));
    CHECK(checker.bad_events().size() == (good ? 0 : 1));
    ++(good ? taken : refused);
  }
  CHECK(taken > 5000);
  CHECK(refused > 5000);
}

TEST_CASE("a bad event costs the others nothing while its size leads on") {
  EventBatch batch = good_events(3, 10);
  Bytes payload = test::events_payload(100, batch);
  const auto place = [&](std::size_t index) {
    return sizeof(EventsHead) + static_cast<std::size_t>(batch[index].bytes() - batch[0].bytes());
  };
  put<std::uint16_t>(payload, place(4) + 4, 99);
  put<std::uint16_t>(payload, place(6) + 6, 9);
  EventChecker checker(types(), 1);
  EventBatch out;
  auto checked = checker.check(payload.span(), arrival_ns, out);
  CHECK(checked.fault == "");
  CHECK(checked.rejected == 2);
  CHECK(out.size() == 8);
  REQUIRE(checker.bad_events().size() == 1);  // as many sentences as asked for
  CHECK(checker.bad_events()[0].number == 104);

  for (const std::uint32_t wrong : {0U, 16U, 44U, 0xFFFFFFF8U}) {
    put<std::uint32_t>(payload, place(7), wrong);
    out.clear();
    checked = EventChecker(types()).check(payload.span(), arrival_ns, out);
    CHECK(checked.fault == "");
    CHECK(checked.rejected == 5);
    CHECK(out.size() == 5);
  }
  checker = EventChecker(types());
  checker.check(payload.span(), arrival_ns, out);
  REQUIRE(checker.bad_events().size() == 3);
  CHECK(checker.bad_events()[2].number == 107);
  CHECK(checker.bad_events()[2].sentence.starts_with("its size is 4294967288, where "));
  CHECK(checker.bad_events()[2].sentence.ends_with(" bytes are left; lost with it: 2 events behind it"));
}

TEST_CASE("of a peer that has declared types only their events are taken") {
  EventBatch batch;
  for (const auto id : std::initializer_list<model::EventTypeId>{0, 4, 0, 5})
    test::write_event(batch, types(), id, 1);
  const Bytes payload = test::events_payload(1, batch);
  const auto rejected = [&](const std::vector<bool>& declared) {
    EventChecker checker(types());
    EventBatch out;
    const auto checked = checker.check(payload.span(), arrival_ns, out, &declared);
    CHECK(checked.fault == "");
    CHECK(out.size() + checked.rejected == 4);
    std::vector<std::string> sentences;
    for (const auto& bad : checker.bad_events())
      sentences.push_back(std::to_string(bad.number) + ": " + bad.sentence);
    return sentences;
  };
  const std::string late = "2: event type Late was not declared by this client";
  const std::string wide = "4: event type Wide was not declared by this client";
  CHECK(rejected({true}) == std::vector{late, wide});  // ids behind the end are none
  CHECK(rejected({true, false, false, false, false, true}) == std::vector{late});
  CHECK(rejected({true, true, true, true, true, true, true}).empty());
  CHECK(rejected({}).size() == 4);
}

TEST_CASE("a payload that is wrong as a whole is a fault") {
  const EventBatch batch = good_events(3, 2);
  EventChecker checker(types());
  EventBatch out;
  const auto fault = [&](std::uint64_t first, std::uint32_t count, std::uint32_t reserved, std::size_t size) {
    Bytes payload = test::events_payload(1, batch);
    put(payload, 0, EventsHead{first, count, reserved});
    const std::size_t before = payload.size();
    payload.resize(size == 0 ? before : size);
    out.clear();
    return checker.check(payload.span(), arrival_ns, out).fault;
  };
  CHECK(fault(1, 2, 0, 0) == "");
  CHECK(fault(1, 2, 0, 15) == "EVENTS of 15 bytes has no head");
  CHECK(fault(1, 2, 1, 0) == "EVENTS with reserved bytes that are not 0");
  CHECK(fault(1, 0, 0, 0) == "EVENTS without events");
  CHECK(fault(1, 1'000'000, 0, 40) == "EVENTS of 1000000 events in 24 bytes");
  CHECK(fault(1, 1, 0, 0).ends_with(" bytes behind its events"));
  CHECK(out.size() == 1);  // and the good one before them stays
}

TEST_CASE("events that a peer gets are checked for what reading them needs") {
  EventBatch batch;
  test::write_event(batch, types(), 2, 5);
  Bytes event = bytes_of(batch[0]);
  EventChecker checker(types());
  put<std::int64_t>(event, 8, 5);  // derived events have a time and a number
  put<std::uint64_t>(event, 16, 5);
  event.data()[24] &= ~std::byte{2};
  put(event, slot(2, "score"), std::nan(""));  // rules may compute it
  CHECK(checker.check_one(event.span()) == "");
  put(event, slot(2, "card"), model::VarSlot{UINT32_MAX, 1});
  CHECK(checker.check_one(event.span()) == "field 'card' of Alert points out of the event");
  put<std::uint16_t>(event, 4, 99);
  CHECK(checker.check_one(event.span()) == "there is no event type with id 99");
  CHECK(checker.check_one(event.span().first(23)) == "23 bytes are no event");
  CHECK(checker.check_one(event.span().first(32)).starts_with("an event of 32 bytes says that its size is "));
}

}  // namespace tocsin::connectors::wire
