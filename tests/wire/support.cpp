#include "tests/wire/support.hpp"

#include <cctype>
#include <cstring>

namespace tocsin::connectors::wire::test {

using model::Kind;

namespace {

model::EventType& add(model::Catalog& catalog, std::string name, std::vector<model::Field> fields) {
  model::EventType& type = catalog.types.emplace_back();
  type.name = std::move(name);
  type.id = static_cast<model::EventTypeId>(catalog.types.size() - 1);
  type.fields = std::move(fields);
  return type;
}

model::Field field(std::string name, Kind kind, bool nullable = false, Kind element = Kind::null) {
  model::Field result;
  result.name = std::move(name);
  result.type = {.kind = kind, .element = element, .nullable = nullable};
  return result;
}

model::Value value_of(const model::Type& type, Random& random, std::vector<std::string>& texts) {
  const std::uint64_t bits = random.next();
  switch (type.kind) {
    case Kind::boolean: return model::Value::boolean((bits & 1) != 0);
    case Kind::enumeration:
      return model::Value::of_int(static_cast<std::int64_t>(bits & 1), Kind::enumeration);
    case Kind::floating: return model::Value::floating(static_cast<double>(bits % 100'000) / 8);
    case Kind::string: {
      std::string text;
      for (std::uint64_t i = 0; i < bits % 20; ++i)
        text += random.below(8) == 0 ? "é" : "x";
      texts.push_back(std::move(text));
      return model::Value::string(texts.back());
    }
    default: return model::Value::of_int(static_cast<std::int64_t>(bits), type.kind);
  }
}

}  // namespace

model::Catalog catalog() {
  model::Catalog catalog;
  catalog.types.reserve(8);
  const std::uint16_t sides = catalog.intern({{"buy", "sell"}});
  add(catalog, "Payment",
      {field("card", Kind::string), field("amount", Kind::floating), field("country", Kind::string, true),
       field("at", Kind::time)})
      .timestamp = 3;
  std::vector<model::Field> all;
  for (const bool nullable : {false, true}) {
    const std::string end = nullable ? "n" : "";
    all.push_back(field("b" + end, Kind::boolean, nullable));
    all.push_back(field("i" + end, Kind::integer, nullable));
    all.push_back(field("f" + end, Kind::floating, nullable));
    all.push_back(field("s" + end, Kind::string, nullable));
    all.push_back(field("t" + end, Kind::time, nullable));
    all.push_back(field("d" + end, Kind::duration, nullable));
    all.push_back(field("e" + end, Kind::enumeration, nullable));
    all.back().type.enumeration = sides;
  }
  all.push_back(field("bs", Kind::array, false, Kind::boolean));
  all.push_back(field("fs", Kind::array, true, Kind::floating));
  all.push_back(field("is", Kind::array, false, Kind::integer));
  all.push_back(field("ss", Kind::array, true, Kind::string));
  add(catalog, "All", all);
  add(catalog, "Alert",
      {field("card", Kind::string), field("score", Kind::floating, true),
       field("names", Kind::array, false, Kind::string)})
      .derived = true;
  add(catalog, "List", {field("x", Kind::integer)}).row = true;
  add(catalog, "Late", {field("at", Kind::time, true), field("x", Kind::integer)}).timestamp = 0;
  std::vector<model::Field> wide;
  for (int i = 0; i < 70; ++i)
    wide.push_back(field("f" + std::to_string(i), Kind::integer, i == 69));
  add(catalog, "Wide", wide);
  add(catalog, "Empty", {});
  for (auto& type : catalog.types)
    type.layout();
  return catalog;
}

void write_event(model::EventBatch& batch, const model::Catalog& catalog, model::EventTypeId id,
                 std::uint64_t seed) {
  Random random(seed);
  const model::EventType& type = catalog[id];
  model::EventWriter writer(batch);
  writer.begin(type);
  for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
    const model::Type& of = type.fields[i].type;
    if (of.nullable && random.below(3) == 0) continue;
    std::vector<std::string> texts;
    texts.reserve(8);
    if (of.kind != Kind::array) {
      writer.set(i, value_of(of, random, texts));
      continue;
    }
    std::vector<model::Value> elements;
    for (std::uint64_t left = random.below(5); left > 0; --left)
      elements.push_back(value_of({.kind = of.element}, random, texts));
    writer.set_array(i, elements);
  }
  writer.commit(0, 0, 0);
}

Bytes::Bytes(std::span<const std::byte> bytes) {
  resize(bytes.size());
  if (!bytes.empty()) std::memcpy(data(), bytes.data(), bytes.size());
}

void Bytes::resize(std::size_t size) {
  words_.resize((size + 7) / 8);
  size_ = size;
}

Bytes events_payload(std::uint64_t first, const model::EventBatch& batch) {
  FrameBuffer buffer;
  append_events(buffer, first, batch, 0, batch.size());
  Frame frame;
  std::string fault;
  if (frame_at(buffer.bytes(), SIZE_MAX, frame, fault) != Next::frame) return {};
  return Bytes(frame.payload);
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const std::byte byte : bytes) {
    if (!hex.empty()) hex += ' ';
    hex += digits[static_cast<std::size_t>(byte) >> 4];
    hex += digits[static_cast<std::size_t>(byte) & 15];
  }
  return hex;
}

Bytes from_hex(std::string_view hex) {
  std::vector<std::byte> bytes;
  int high = -1;
  for (const char c : hex) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::byte>(16 * high + digit));
      high = -1;
    }
  }
  return Bytes(bytes);
}

std::uint64_t Random::next() {  // splitmix64
  state_ += 0x9E3779B97F4A7C15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace tocsin::connectors::wire::test
