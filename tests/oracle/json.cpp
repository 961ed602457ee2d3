// JSON by schema, with simdjson's DOM: short and slow.
#include "tests/oracle/json.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <simdjson.h>
#include <stdexcept>

#include "tests/oracle/runs.hpp"

namespace tocsin::oracle {

using model::Kind;
using simdjson::dom::element;

namespace {

[[noreturn]] void fail(const std::string& sentence, element value) {
  throw std::runtime_error(sentence + ": " + simdjson::minify(value));
}

// By value: what a temporary result refers to does not outlive it.
simdjson::dom::array array_of(element value) {
  return value.get_array().value();
}
simdjson::dom::object object_of(element value) {
  return value.get_object().value();
}

std::string text_of(element value) {
  return std::string(value.get_string().value());
}

std::int64_t label_index(const model::Enumeration& enumeration, element value) {
  const auto at = std::find(enumeration.labels.begin(), enumeration.labels.end(), text_of(value));
  if (at == enumeration.labels.end()) fail("no label of the enum", value);
  return at - enumeration.labels.begin();
}

/// `value` as one of `type`.
Datum read_datum(element value, const model::Type& type, model::TimeUnit unit,
                 const model::Catalog& catalog) {
  if (value.is_null()) return Datum::null();
  switch (type.kind) {
    case Kind::boolean: return Datum::boolean(value.get_bool().value());
    case Kind::floating: return Datum::floating(value.get_double().value());
    case Kind::string: return Datum::text(text_of(value));
    case Kind::enumeration:
      return Datum::of_int(label_index(catalog.enumerations[type.enumeration], value), Kind::enumeration);
    case Kind::array: {
      Datum datum;
      datum.kind = Kind::array;
      for (const element item : array_of(value)) {
        datum.items.push_back(read_datum(item, {.kind = type.element}, unit, catalog));
      }
      return datum;
    }
    case Kind::time:
    case Kind::duration: {
      if (!value.is_string()) {
        const std::int64_t scale = type.kind == Kind::time ? nanoseconds_per(unit) : 1;
        return Datum::of_int(value.get_int64().value() * scale, type.kind);
      }
      const auto ns = type.kind == Kind::time ? parse_time(text_of(value)) : parse_duration(text_of(value));
      if (!ns) fail("no time or duration", value);
      return Datum::of_int(*ns, type.kind);
    }
    default: return Datum::of_int(value.get_int64().value(), type.kind);
  }
}

model::Value to_value(const Datum& datum) {
  switch (datum.kind) {
    case Kind::floating: return model::Value::floating(datum.f);
    case Kind::string: return model::Value::string(datum.s);
    default: return model::Value::of_int(datum.i, datum.kind);
  }
}

std::int64_t latest_time(const model::EventBatch& batch) {
  std::int64_t latest = 0;
  for (std::size_t i = 0; i < batch.size(); ++i)
    latest = std::max(latest, batch[i].time_ns());
  return latest;
}

/// Of the event that `match` emits, if any.
const model::EventType* type_of(const Match& match, const plan::Plan& plan) {
  const plan::Rule& rule = plan.rules[match.rule];
  const auto& emit = match.timeout ? rule.timeout : rule.emit;
  return emit ? &plan.catalog[emit->type] : nullptr;
}

std::string fields_disagreement(element fields, const Match& match, const plan::Plan& plan) {
  if (!match.emitted) return "the rule emits nothing";
  const model::EventType& type = *type_of(match, plan);
  for (const auto [key, value] : object_of(fields)) {
    const auto index = type.find(key);
    if (!index) return fmt::format("{} has no field '{}'", type.name, key);
    const model::Field& field = type.fields[*index];
    if (!(read_datum(value, field.type, field.unit, plan.catalog) == match.fields[*index])) {
      return fmt::format("field '{}' differs", key);
    }
  }
  return "";
}

Cause read_cause(element value, const plan::Plan& plan) {
  Cause cause;
  for (const auto [key, part] : object_of(value)) {
    if (key == "rule") {
      const std::string name = text_of(part);
      while (cause.rule < plan.rules.size() && plan.rules[cause.rule].name != name)
        ++cause.rule;
    } else if (key == "at") {
      cause.at_ns = read_datum(part, {.kind = Kind::time}, model::TimeUnit::ns, plan.catalog).i;
    } else if (key == "seq") {
      cause.seq = part.get_uint64().value();
    } else if (key == "n") {
      cause.ordinal = static_cast<std::uint32_t>(part.get_uint64().value());
    } else if (key == "timeout") {
      cause.timeout = part.get_bool().value();
    } else {
      fail("a cause has no such key", value);
    }
  }
  return cause;
}

}  // namespace

void read_event(const std::string& line, const model::Catalog& catalog, model::EventBatch& out) {
  simdjson::dom::parser parser;
  const element object = parser.parse(line);
  const model::EventType* type = catalog.find(object["type"].get_string().value());
  if (type == nullptr || !type->is_input()) fail("no such event type", object);
  const std::int64_t arrival_ns = latest_time(out);
  model::EventWriter writer(out);
  writer.begin(*type);
  for (const auto [key, value] : object_of(object)) {
    const auto index = type->find(key);
    if (key == "type" && !index) continue;
    if (!index) fail("no such field of " + type->name, object);
    const model::Field& field = type->fields[*index];
    const Datum datum = read_datum(value, field.type, field.unit, catalog);
    if (datum.is_null()) continue;
    if (datum.kind == Kind::array) {
      std::vector<model::Value> elements;
      for (const Datum& item : datum.items)
        elements.push_back(to_value(item));
      writer.set_array(*index, elements);
    } else {
      writer.set(*index, to_value(datum));
    }
  }
  writer.commit(arrival_ns, 0, 0);
}

std::string disagreement(const std::string& line, const Match& match, const plan::Plan& plan) {
  simdjson::dom::parser parser;
  const element object = parser.parse(line);
  const plan::Rule& rule = plan.rules[match.rule];
  bool timeout = false;
  for (const auto [key, value] : object_of(object)) {
    if (key == "rule") {
      if (text_of(value) != rule.name) return "the rule differs";
    } else if (key == "type") {
      const model::EventType* type = type_of(match, plan);
      if (type == nullptr || type->name != text_of(value)) return "the type differs";
    } else if (key == "timeout") {
      timeout = value.get_bool().value();
    } else if (key == "at") {
      if (read_datum(value, {.kind = Kind::time}, model::TimeUnit::ns, plan.catalog).i != match.at_ns) {
        return "the time differs";
      }
    } else if (key == "seqs") {
      std::vector<std::uint64_t> seqs;
      for (const element seq : array_of(value))
        seqs.push_back(seq.get_uint64().value());
      const bool same = std::equal(seqs.begin(), seqs.end(), match.events.begin(), match.events.end(),
                                   [](std::uint64_t seq, const auto& event) { return seq == event.second; });
      if (!same) return "the events differ";
    } else if (key == "steps") {
      std::vector<std::string> names;
      for (const element name : array_of(value))
        names.push_back(text_of(name));
      const bool same =
          std::equal(names.begin(), names.end(), match.events.begin(), match.events.end(),
                     [&](const auto& name, const auto& e) { return name == rule.steps[e.first].name; });
      if (!same) return "the steps differ";
    } else if (key == "fields") {
      const std::string text = fields_disagreement(value, match, plan);
      if (!text.empty()) return text;
    } else if (key == "n") {
      if (value.get_uint64().value() != match.ordinal) return "the number among its like differs";
    } else if (key == "causes") {
      std::vector<Cause> causes;
      for (const element cause : array_of(value))
        causes.push_back(read_cause(cause, plan));
      if (causes != match.causes) return "the causes differ";
    } else {
      return fmt::format("the test file has an unknown key '{}'", key);
    }
  }
  if (timeout != match.timeout) return match.timeout ? "it is a timeout" : "it is no timeout";
  return "";
}

std::optional<std::int64_t> parse_duration(const std::string& text) {
  static const std::pair<const char*, std::int64_t> units[] = {{"ns", 1},
                                                               {"us", 1'000},
                                                               {"ms", 1'000'000},
                                                               {"s", 1'000'000'000},
                                                               {"m", 60'000'000'000},
                                                               {"h", 3'600'000'000'000},
                                                               {"d", 86'400'000'000'000}};
  std::int64_t total = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t digits_end = std::min(text.find_first_not_of("0123456789", at), text.size());
    const std::size_t unit_end = std::min(text.find_first_of("0123456789", digits_end), text.size());
    const std::string name = text.substr(digits_end, unit_end - digits_end);
    const auto unit =
        std::find_if(std::begin(units), std::end(units), [&](auto& each) { return each.first == name; });
    if (digits_end == at || unit == std::end(units)) return std::nullopt;
    total += std::stoll(text.substr(at, digits_end - at)) * unit->second;
    at = unit_end;
  }
  return total;
}

std::optional<std::int64_t> parse_time(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, consumed = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%lf%n", &year, &month, &day, &hour, &minute, &second,
                  &consumed) != 6) {
    return std::nullopt;
  }
  int offset_minutes = 0;
  const std::string zone = text.substr(std::size_t(consumed));
  if (zone != "Z" && zone != "z") {
    int hours = 0, minutes = 0;
    char sign = '+';
    if (std::sscanf(zone.c_str(), "%c%d:%d", &sign, &hours, &minutes) != 3) return std::nullopt;
    offset_minutes = (sign == '-' ? -1 : 1) * (60 * hours + minutes);
  }
  using namespace std::chrono;
  const sys_days date{std::chrono::year(year) / month / day};
  const auto whole = date + hours(hour) + minutes(minute - offset_minutes);
  return duration_cast<nanoseconds>(whole.time_since_epoch()).count() + std::int64_t(second * 1e9 + 0.5);
}

}  // namespace tocsin::oracle
