#include "tests/connectors/support.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <utility>
#include <zstd.h>

#include "connectors/json_text.hpp"

namespace tocsin::connectors::test {

using model::Kind;

model::EventType event_type(std::string name, std::vector<model::Field> fields, int timestamp) {
  model::EventType type;
  type.name = std::move(name);
  type.fields = std::move(fields);
  if (timestamp >= 0) type.timestamp = static_cast<std::uint32_t>(timestamp);
  type.layout();
  return type;
}

model::Catalog catalog() {
  model::Catalog result;
  const auto sides = result.intern({{"buy", "sell"}});
  const auto add = [&](model::EventType type) {
    type.id = static_cast<model::EventTypeId>(result.types.size());
    result.types.push_back(std::move(type));
  };
  const auto field = [](std::string name, model::Type type, model::TimeUnit unit = model::TimeUnit::ns) {
    return model::Field{std::move(name), type, unit};
  };
  const auto array = [](Kind element, bool nullable) { return model::Type{Kind::array, element, nullable}; };
  add(event_type(
      "Payment",
      {field("card", {Kind::string}), field("amount", {Kind::floating}),
       field("country", {Kind::string, Kind::null, true}), field("at", {Kind::time}, model::TimeUnit::ms)},
      3));
  std::vector<model::Field> all;
  for (const bool nullable : {false, true}) {
    const auto plain = [&](const char* name, Kind kind, model::TimeUnit unit = model::TimeUnit::ns) {
      all.push_back(
          field(name + std::string(nullable ? "n" : ""), {kind, Kind::null, nullable, sides}, unit));
    };
    plain("b", Kind::boolean);
    plain("i", Kind::integer);
    plain("f", Kind::floating);
    plain("s", Kind::string);
    plain("t", Kind::time, model::TimeUnit::s);
    plain("d", Kind::duration);
    plain("e", Kind::enumeration);
  }
  all.push_back(field("is", array(Kind::integer, true)));
  all.push_back(field("ss", array(Kind::string, true)));
  all.push_back(field("ts", array(Kind::time, true), model::TimeUnit::s));
  add(event_type("All", std::move(all)));
  add(event_type("Bare", {field("x", {Kind::integer})}));
  add(event_type("Alert", {field("x", {Kind::integer})}));
  result.types.back().derived = true;
  add(event_type("Empty", {}));
  add(event_type("Typed", {field("type", {Kind::string}), field("x", {Kind::integer})}));
  return result;
}

std::string to_text(model::EventView event, const model::Catalog& catalog) {
  const auto& type = catalog[event.type()];
  fmt::memory_buffer out;
  out.append(type.name + "{");
  for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.append("\"" + type.fields[i].name + "\":");
    append_json_value(out, event.get(type.fields[i], i), type.fields[i].type, catalog);
  }
  out.push_back('}');
  return fmt::to_string(out) + (type.timestamp ? "" : fmt::format("@{}", event.time_ns()));
}

void drain(model::Source& source, const model::Catalog& catalog, std::size_t max_events, Result& result) {
  model::EventBatch batch;
  do {
    batch.clear();
    result.status = source.read(batch, max_events);
    REQUIRE(batch.size() <= max_events);
    for (std::size_t i = 0; i < batch.size(); ++i)
      result.events.push_back(to_text(batch[i], catalog));
  } while (result.status == model::ReadStatus::more);
  result.bad_count = source.bad_records();
  result.error = source.error();
}

Result read_all(std::string_view text, const Reading& reading) {
  const auto types = catalog();
  Result result;
  SourceContext context;
  context.clock = [&] { return reading.now_ns; };
  context.lines = reading.lines;
  context.dead_letters = reading.dead_letters;
  context.report = [&](const BadRecord& bad) {
    result.bad.push_back(fmt::format("{}:{}: {}", bad.source, bad.line, bad.message));
  };
  auto source = open_source(decompressed(memory_input(text, reading.piece), reading.spec.path), reading.spec,
                            types, context);
  if (!source) {
    result.open_error = source.error;
    return result;
  }
  drain(*source, types, reading.max_events, result);
  CHECK(result.bad.size() == result.bad_count);
  return result;
}

Result read_ndjson(std::string_view text) {
  return read_all(text, {.spec = {.path = "in.ndjson"}});
}

Result read_csv(std::string_view text, std::string event) {
  SourceSpec spec{.path = "in.csv"};
  if (!event.empty()) spec.event = std::move(event);
  return read_all(text, {.spec = spec});
}

TemporaryFile::TemporaryFile(std::string_view suffix, std::string_view content) {
  path_ = fmt::format("/tmp/tocsin_test_XXXXXX{}", suffix);
  const int fd = ::mkstemps(path_.data(), static_cast<int>(suffix.size()));
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(path_, std::ios::binary) << content;
}

TemporaryFile::~TemporaryFile() {
  ::unlink(path_.c_str());
}

std::string TemporaryFile::content() const {
  std::ostringstream text;
  text << std::ifstream(path_, std::ios::binary).rdbuf();
  return text.str();
}

std::string compressed(std::string_view text) {
  std::string result(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress(result.data(), result.size(), text.data(), text.size(), 3);
  REQUIRE(!ZSTD_isError(size));
  result.resize(size);
  return result;
}

}  // namespace tocsin::connectors::test
