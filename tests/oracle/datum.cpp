// Engine values copied out into owned ones, and printed.
#include "tests/oracle/datum.hpp"

#include <fmt/format.h>

namespace tocsin::oracle {

using model::Kind;

int compare(const Datum& a, const Datum& b) {
  if (a.kind == Kind::string) return a.s.compare(b.s);
  if (a.kind == Kind::floating) return a.f < b.f ? -1 : a.f > b.f ? 1 : 0;
  return a.i < b.i ? -1 : a.i > b.i ? 1 : 0;
}

Datum to_datum(const model::Value& value) {
  switch (value.kind) {
    case Kind::null: return Datum::null();
    case Kind::floating: return Datum::floating(value.f);
    case Kind::string: return Datum::text(std::string(value.text()));
    case Kind::array: {
      Datum datum;
      datum.kind = Kind::array;
      for (std::uint32_t i = 0; i < value.size; ++i)
        datum.items.push_back(to_datum(element_of(value, i)));
      return datum;
    }
    default: return Datum::of_int(value.i, value.kind);
  }
}

Datum to_datum(const plan::Constant& constant) {
  switch (constant.kind) {
    case Kind::null: return Datum::null();
    case Kind::floating: return Datum::floating(constant.f);
    case Kind::string: return Datum::text(constant.s);
    default: return Datum::of_int(constant.i, constant.kind);
  }
}

Event to_event(model::EventView view, const model::Catalog& catalog) {
  const model::EventType& type = catalog[view.type()];
  Event event{.type = view.type(), .time_ns = view.time_ns(), .seq = view.seq(), .fields = {}};
  for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
    event.fields.push_back(to_datum(view.get(type.fields[i], i)));
  }
  return event;
}

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string to_json(const Datum& datum, const model::Type& type, const model::Catalog& catalog) {
  switch (datum.kind) {
    case Kind::null: return "null";
    case Kind::boolean: return datum.i != 0 ? "true" : "false";
    case Kind::floating: return fmt::format("{}", datum.f);
    case Kind::string: return quoted(datum.s);
    case Kind::enumeration: return quoted(catalog.enumerations[type.enumeration].labels[datum.i]);
    case Kind::array: {
      std::string out = "[";
      for (const Datum& item : datum.items) {
        if (out.size() > 1) out += ',';
        out += to_json(item, {.kind = type.element}, catalog);
      }
      return out + "]";
    }
    default: return fmt::format("{}", datum.i);
  }
}

}  // namespace tocsin::oracle
