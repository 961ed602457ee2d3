#include "dsl/resolve.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "dsl/lower_expr.hpp"
#include "dsl/parse.hpp"
#include "dsl/types.hpp"
#include "engine/base/words.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using model::Kind;
using model::TimeUnit;
using model::Type;

void Symbols::error(Span span, std::string message, std::string hint) {
  diagnostics.push_back({Severity::error, span, std::move(message), std::move(hint)});
}

void Symbols::warn(Span span, std::string message, std::string hint) {
  diagnostics.push_back({Severity::warning, span, std::move(message), std::move(hint)});
}

std::string Symbols::suggest(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr int most_suggestions = 300;
  if (++suggestions_ > most_suggestions) return "";
  const auto best = nearest(name, candidates);
  return best.empty() ? "" : fmt::format("did you mean '{}'?", best);
}

std::string Symbols::place(Span span) const {
  const SourceFile& file = sources.files[span.file];
  const auto [line, column] = line_column(file, span.begin);
  return fmt::format("{}:{}:{}", file.name, line, column);
}

std::string Symbols::describe(Type type) const {
  if (type.kind == Kind::null) return "null";
  type.nullable = false;
  const auto text = to_string(type, catalog);
  const bool vowel = text[0] == 'i' || text[0] == 'e';
  return (vowel ? "an " : "a ") + text;
}

EventTypeId Symbols::add_type(const std::string& name, Span span, bool derived) {
  const auto id = static_cast<EventTypeId>(catalog.types.size());
  auto& type = catalog.types.emplace_back();
  type.name = name;
  type.id = id;
  type.derived = derived;
  infos.push_back({.span = span, .open = false, .broken = {}});
  types_.emplace(name, id);
  return id;
}

EventTypeId Symbols::add_rows(const std::string& table, Span span) {
  const EventTypeId id = add_type(table, span, false);
  catalog.types[id].row = true;
  types_.erase(table);
  return id;
}

std::optional<std::uint32_t> Symbols::find_table(std::string_view name) const {
  const auto found = std::find_if(tables.begin(), tables.end(),
                                  [&](const TableInfo& info) { return info.table.name == name; });
  if (found == tables.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - tables.begin());
}

std::optional<EventTypeId> Symbols::find_type(std::string_view name) const {
  const auto found = types_.find(name);
  if (found == types_.end()) return std::nullopt;
  return found->second;
}

std::optional<EventTypeId> Symbols::require_type(const ast::Name& name) {
  const auto found = find_type(name.text);
  const auto table = found ? std::nullopt : find_table(name.text);
  if (table) {
    tables[*table].used = true;
    error(name.span, fmt::format("'{}' is a table, not an event type", name.text),
          fmt::format("it is looked up in conditions: x in {}", name.text));
  } else if (!found && !is_suspect(name.text)) {
    error(name.span, fmt::format("unknown event type '{}'", name.text), suggest(name.text, type_names()));
  }
  return found;
}

std::vector<std::string> Symbols::type_names() const {
  std::vector<std::string> names;
  for (const auto& type : catalog.types)
    names.push_back(type.name);
  return names;
}

Found Symbols::find_field(EventTypeId type, std::string_view name, std::uint32_t& field) const {
  if (const auto index = catalog[type].find(name)) {
    field = *index;
    return Found::yes;
  }
  const TypeInfo& info = infos[type];
  return info.open || info.broken.find(name) != info.broken.end() ? Found::silent : Found::no;
}

std::optional<std::uint32_t> Symbols::require_field(EventTypeId type, const ast::Name& name) {
  std::uint32_t field = 0;
  const Found found = find_field(type, name.text, field);
  if (found == Found::yes) return field;
  if (found == Found::no) {
    error(name.span, fmt::format("unknown field '{}' of {}", name.text, catalog[type].name),
          suggest(name.text, field_names(type)));
  }
  return std::nullopt;
}

std::vector<std::string> Symbols::field_names(EventTypeId type) const {
  std::vector<std::string> names;
  for (const auto& field : catalog[type].fields)
    names.push_back(field.name);
  return names;
}

namespace {

const std::vector<std::pair<std::string, Kind>>& type_kinds() {
  static const std::vector<std::pair<std::string, Kind>> kinds = {
      {"int", Kind::integer},     {"float", Kind::floating}, {"bool", Kind::boolean},
      {"string", Kind::string},   {"time", Kind::time},      {"duration", Kind::duration},
      {"enum", Kind::enumeration}};
  return kinds;
}

std::optional<TimeUnit> unit_of(const std::string& name) {
  if (name == "ns") return TimeUnit::ns;
  if (name == "us") return TimeUnit::us;
  if (name == "ms") return TimeUnit::ms;
  if (name == "s") return TimeUnit::s;
  return std::nullopt;
}

}  // namespace

std::optional<Type> Symbols::resolve_type(const ast::TypeName& name) {
  const auto& kinds = type_kinds();
  const auto found =
      std::find_if(kinds.begin(), kinds.end(), [&](const auto& each) { return each.first == name.name; });
  if (found == kinds.end()) {
    std::vector<std::string> names;
    for (const auto& [each, unused] : kinds)
      names.push_back(each);
    auto hint = suggest(name.name, names);
    if (hint.empty()) hint = "types are int, float, bool, string, time, duration and enum(…)";
    error(name.span, fmt::format("unknown type '{}'", name.name), hint);
    return std::nullopt;
  }
  Type type{.kind = found->second, .nullable = name.nullable};
  bool sound = true;
  const auto fail = [&](Span span, std::string message, std::string hint = {}) {
    error(span, std::move(message), std::move(hint));
    sound = false;
  };
  if (type.kind == Kind::enumeration) {
    model::Enumeration enumeration;
    std::set<std::string_view> seen;
    for (const auto& label : name.labels) {
      if (!seen.insert(label.text).second) {
        fail(label.span, fmt::format("label '{}' is given twice", label.text));
      }
      enumeration.labels.push_back(label.text);
    }
    if (enumeration.labels.empty()) fail(name.span, "an enum needs its labels", "as in enum(buy, sell)");
    const auto known = enumerations_.find(enumeration.labels);
    if (known != enumerations_.end()) {
      type.enumeration = known->second;
    } else if (catalog.enumerations.size() >= std::numeric_limits<std::uint16_t>::max()) {
      fail(name.span, "too many enums");
    } else if (sound) {
      type.enumeration = static_cast<std::uint16_t>(catalog.enumerations.size());
      enumerations_.emplace(enumeration.labels, type.enumeration);
      catalog.enumerations.push_back(std::move(enumeration));
    }
  } else if (!name.labels.empty()) {
    fail(name.span, fmt::format("'{}' has no labels; only enum has", name.name));
  }
  if (name.unit && type.kind != Kind::time) {
    fail(name.unit->span, fmt::format("only a time has a unit; this is '{}'", name.name));
  } else if (name.unit && !unit_of(name.unit->text)) {
    fail(name.unit->span, fmt::format("unknown unit '{}' of time", name.unit->text),
         "units are ns, us, ms and s");
  }
  if (name.array && type.kind == Kind::enumeration) fail(name.span, "an array of an enum is not supported");
  if (!sound) return std::nullopt;
  if (name.array) type = {.kind = Kind::array, .element = type.kind, .nullable = name.nullable};
  return type;
}

bool declare_field(Symbols& symbols, EventTypeId id, const ast::FieldDecl& field) {
  const auto field_type = symbols.resolve_type(field.type);
  auto& type = symbols.catalog.types[id];
  auto& broken = symbols.infos[id].broken;
  if (type.find(field.name.text) || broken.count(field.name.text) > 0) {
    symbols.error(field.name.span,
                  fmt::format("field '{}' of {} is declared twice", field.name.text, type.name));
    return false;
  }
  if (!field_type) {
    broken.insert(field.name.text);
    return false;
  }
  const auto unit = field.type.unit ? unit_of(field.type.unit->text) : std::nullopt;
  type.fields.push_back({field.name.text, *field_type, unit.value_or(TimeUnit::ns), 0});
  return true;
}

namespace {

// Event types.

void declare_timestamp(Symbols& symbols, model::EventType& type, const ast::FieldDecl& field,
                       const Type* field_type, Span span) {
  const auto index = static_cast<std::uint32_t>(type.fields.size() - 1);
  if (field_type == nullptr) return;
  if (field_type->kind != Kind::time || field_type->nullable) {
    symbols.error(field.type.span, "@timestamp marks a field of type 'time' that is never null",
                  field_type->kind == Kind::time ? "write 'time' without '?'" : "");
  } else if (type.timestamp) {
    symbols.error(span, fmt::format("{} has a second @timestamp; the first is '{}'", type.name,
                                    type.fields[*type.timestamp].name));
  } else {
    type.timestamp = index;
  }
}

void declare_event_field(Symbols& symbols, EventTypeId id, const ast::FieldDecl& field) {
  const auto count = symbols.catalog[id].fields.size();
  if (!declare_field(symbols, id, field) && symbols.infos[id].broken.count(field.name.text) == 0) return;
  auto& type = symbols.catalog.types[id];
  const Type* const field_type = type.fields.size() > count ? &type.fields.back().type : nullptr;
  for (const auto& annotation : field.annotations) {
    if (annotation.name.text != "timestamp") {
      symbols.error(annotation.name.span,
                    fmt::format("unknown annotation '@{}' of a field", annotation.name.text),
                    symbols.suggest(annotation.name.text, {"timestamp"}));
    } else if (!annotation.values.empty()) {
      symbols.error(annotation.span, "@timestamp takes no arguments");
    } else {
      declare_timestamp(symbols, type, field, field_type, annotation.name.span);
    }
  }
}

void declare_event(Symbols& symbols, const ast::EventDecl& event) {
  if (const auto first = symbols.find_type(event.name.text)) {
    symbols.error(event.name.span, fmt::format("event '{}' is declared twice", event.name.text),
                  fmt::format("first declared at {}", symbols.place(symbols.infos[*first].span)));
    return;
  }
  if (symbols.catalog.types.size() >= std::numeric_limits<EventTypeId>::max()) {
    symbols.error(event.name.span, "too many event types");
    return;
  }
  const auto id = symbols.add_type(event.name.text, event.name.span, false);
  if (event.fields.size() > max_fields) {
    symbols.error(event.name.span, fmt::format("{} has {} fields; at most {} are possible", event.name.text,
                                               event.fields.size(), max_fields));
    symbols.infos[id].open = true;
  }
  for (std::size_t i = 0; i < std::min(event.fields.size(), max_fields); ++i) {
    declare_event_field(symbols, id, event.fields[i]);
  }
  for (const auto& annotation : event.annotations) {
    symbols.error(annotation.name.span,
                  fmt::format("unknown annotation '@{}' of an event", annotation.name.text));
  }
}

// Params.

Lowered value_of(Symbols& symbols, const ast::Expr& expr, const Type& type, const std::string& param) {
  const Scope scope;
  auto value = ExprLowerer(symbols, scope).lower(expr, &type);
  if (!value) return std::nullopt;
  const Type given = value->type;
  auto converted = convert(std::move(*value), type);
  if (!converted || !is_constant(*converted) || converted->constant.kind == Kind::null) {
    const auto hint = unit_hint(expr, type.kind, given.kind);
    symbols.error(expr.span,
                  fmt::format("param '{}' is {}; this is {}", param, symbols.describe(type),
                              converted ? "not a plain value" : symbols.describe(given)),
                  hint);
    return std::nullopt;
  }
  return converted;
}

// The value of --set, parsed as that of a declaration. What the user sees of it is `name=text`.
Lowered value_of_setting(Symbols& symbols, const std::string& name, const std::string& text,
                         const Type& type) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  if (type.kind == Kind::string && !quoted) return constant(text);

  const auto file = static_cast<std::uint32_t>(symbols.sources.files.size());
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    symbols.sources.files.push_back({"--set", name + "="});
    symbols.error({file, 0, static_cast<std::uint32_t>(name.size() + 1)},
                  fmt::format("this gives param '{}' no value", name));
    return std::nullopt;
  }
  const std::string declaration = fmt::format("param {}: {} = ", name, to_string(type, symbols.catalog));
  symbols.sources.files.push_back({"--set", declaration + text});
  const auto known = symbols.diagnostics.size();
  Parsed parsed = parse(symbols.sources, file);
  symbols.diagnostics.insert(symbols.diagnostics.end(), parsed.diagnostics.begin(), parsed.diagnostics.end());

  Lowered value;
  const auto& declarations = parsed.file.declarations;
  const auto* param = declarations.size() == 1 ? std::get_if<ast::ParamDecl>(&declarations[0]) : nullptr;
  if (param != nullptr && param->value) {
    value = value_of(symbols, *param->value, type, name);
  } else if (parsed.diagnostics.empty()) {
    const auto end = static_cast<std::uint32_t>(declaration.size() + text.size());
    symbols.error({file, static_cast<std::uint32_t>(declaration.size()), end},
                  fmt::format("'{}' is not {}", text, symbols.describe(type)));
  }

  const auto hidden = static_cast<std::uint32_t>(declaration.size() - name.size() - 1);
  symbols.sources.files[file].text = name + "=" + text;
  for (auto i = known; i < symbols.diagnostics.size(); ++i) {
    Span& span = symbols.diagnostics[i].span;
    if (span.file != file) continue;
    span.begin -= std::min(span.begin, hidden);
    span.end -= std::min(span.end, hidden);
  }
  return value;
}

using SettingByName = std::map<std::string, std::string, std::less<>>;

void declare_param(Symbols& symbols, const ast::ParamDecl& decl, const SettingByName& settings,
                   const ParamValues& values) {
  const std::string& name = decl.name.text;
  if (const auto first = symbols.params.find(name); first != symbols.params.end()) {
    symbols.error(decl.name.span, fmt::format("param '{}' is declared twice", name),
                  fmt::format("first declared at {}", symbols.place(first->second.span)));
    return;
  }
  Param param{.type = {}, .value = std::nullopt, .span = decl.name.span, .used = false};
  auto type = symbols.resolve_type(decl.type);
  if (type && (type->kind == Kind::array || type->nullable || decl.type.unit)) {
    symbols.error(decl.type.span, type->kind == Kind::array ? "a param is a single value, not an array"
                                  : type->nullable          ? "a param is never null"
                                                            : "a param of type 'time' has no unit");
    type.reset();
  }
  if (type) {
    param.type = *type;
    // Both are checked, so that a bad default does not hide behind --set.
    Lowered value;
    if (decl.value) value = value_of(symbols, *decl.value, *type, name);
    const auto setting = settings.find(name);
    if (const auto given = values.find(name); given != values.end()) {
      value = value_of(symbols, *given->second, *type, name);
    } else if (setting != settings.end()) {
      value = value_of_setting(symbols, name, setting->second, *type);
    } else if (!decl.value) {
      symbols.error(decl.name.span, fmt::format("param '{}' has no value", name),
                    fmt::format("give it a default, or a value with --set {}=…", name));
    }
    if (value) param.value = std::move(value->constant);
  }
  symbols.params.emplace(name, std::move(param));
}

}  // namespace

void resolve(Symbols& symbols, const Declarations& declarations, const Settings& settings,
             const ParamValues& values) {
  symbols.incomplete = declarations.incomplete;
  symbols.suspect = declarations.suspect;
  for (const auto* event : declarations.events)
    declare_event(symbols, *event);

  SettingByName by_name;
  for (const auto& [name, text] : settings)
    by_name[name] = text;  // the last one counts
  for (const auto* param : declarations.params)
    declare_param(symbols, *param, by_name, values);

  std::vector<std::string> names;
  for (const auto& [name, unused] : symbols.params)
    names.push_back(name);
  for (const auto& [name, text] : by_name) {
    if (symbols.params.count(name) > 0 || symbols.is_suspect(name)) continue;
    const auto file = static_cast<std::uint32_t>(symbols.sources.files.size());
    symbols.sources.files.push_back({"--set", name + "=" + text});
    symbols.error({file, 0, static_cast<std::uint32_t>(name.size())},
                  fmt::format("no param is named '{}'", name), symbols.suggest(name, names));
  }
}

void report_unused_params(Symbols& symbols, const Declarations& declarations) {
  if (declarations.incomplete || !declarations.suspect.empty()) return;
  for (const auto& [name, param] : symbols.params) {
    if (param.used || declarations.imported_files.count(param.span.file) > 0) continue;
    symbols.warn(param.span, fmt::format("param '{}' is never used", name));
  }
}

}  // namespace tocsin::dsl
