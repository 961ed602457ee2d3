// What peers say about types, and whether it agrees.
#include <algorithm>
#include <fmt/format.h>

#include "connectors/wire/handshake.hpp"
#include "engine/base/words.hpp"

namespace tocsin::connectors::wire {

using model::Kind;

namespace {

constexpr struct {
  std::string_view name;
  Kind kind;
} simple_types[] = {
    {"bool", Kind::boolean},  {"int", Kind::integer}, {"float", Kind::floating},
    {"string", Kind::string}, {"time", Kind::time},   {"duration", Kind::duration},
};

std::optional<Kind> simple_type(std::string_view text) {
  for (const auto& [name, kind] : simple_types) {
    if (name == text) return kind;
  }
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  while (text.ends_with(' '))
    text.remove_suffix(1);
  return text;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

std::optional<model::Enumeration> enumeration_of(std::string_view labels) {
  model::Enumeration enumeration;
  while (true) {
    const std::size_t comma = labels.find(',');
    const std::string_view label = trimmed(labels.substr(0, comma));
    if (label.empty()) return std::nullopt;
    enumeration.labels.emplace_back(label);
    if (comma == std::string_view::npos) return enumeration;
    labels.remove_prefix(comma + 1);
  }
}

/// A stranger's mistakes are answered on the ingress thread, so no more of them than anybody would read, and
/// looking for what was meant, which is the dear part, only for the first.
constexpr std::size_t most_sentences = 100;
constexpr std::size_t most_hints = 10;

class Comparison {
 public:
  explicit Comparison(const model::Catalog& catalog) : catalog_(catalog), seen_(catalog.types.size()) {}

  void compare(const TypeDeclaration& declared) {
    const model::EventType* type = catalog_.find(declared.name);
    if (type == nullptr) return unknown(declared.name);
    if (type->row) return say("{} is a table, and no event type", in_quotes(declared.name));
    if (type->derived) {
      return say("event type {} is emitted by rules and can't be sent", in_quotes(declared.name));
    }
    if (seen_[type->id]) return say("event type {} is declared twice", in_quotes(declared.name));
    seen_[type->id] = true;

    std::vector<bool> fields(type->fields.size());
    for (const auto& field : declared.fields)
      compare(*type, field, fields);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const model::Field& field = type->fields[i];
      if (!fields[i] && !field.type.nullable) {
        say("field '{}' of {} is not declared, and can't be null", field.name, type->name);
      }
    }
  }

  std::vector<std::string> sentences;

 private:
  template <class... Arguments>
  void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    sentences.push_back(fmt::format(format, std::forward<Arguments>(arguments)...));
  }

  void unknown(std::string_view name) {
    std::vector<std::string> names;
    for (const auto& type : catalog_.types) {
      if (type.is_input()) names.push_back(type.name);
    }
    say("unknown event type {}{}", in_quotes(name), hint(name, names));
  }

  void compare(const model::EventType& type, const FieldDeclaration& declared, std::vector<bool>& seen) {
    const auto index = type.find(declared.name);
    if (!index) {
      std::vector<std::string> names;
      for (const auto& field : type.fields)
        names.push_back(field.name);
      return say("{} has no field {}{}", type.name, in_quotes(declared.name), hint(declared.name, names));
    }
    if (seen[*index]) return say("field '{}' of {} is declared twice", declared.name, type.name);
    seen[*index] = true;
    model::Catalog own;
    const auto declared_type = parse_type(declared.type, own);
    if (!declared_type) {
      return say("field '{}' of {}: {} is no type", declared.name, type.name, in_quotes(declared.type));
    }
    const model::Type& wanted = type.fields[*index].type;
    const bool same =
        declared_type->kind == wanted.kind && declared_type->element == wanted.element &&
        (!declared_type->nullable || wanted.nullable) &&
        (wanted.kind != Kind::enumeration || own.enumerations[declared_type->enumeration].labels ==
                                                 catalog_.enumerations[wanted.enumeration].labels);
    if (same) return;
    say("field '{}' of {} is {}, and was declared as {}", declared.name, type.name,
        model::to_string(wanted, catalog_), model::to_string(*declared_type, own));
  }

  std::string hint(std::string_view name, const std::vector<std::string>& names) {
    if (++hints_ > most_hints) return "";
    const std::string near = nearest(name, names);
    return near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
  }

  const model::Catalog& catalog_;
  std::vector<bool> seen_;
  std::size_t hints_ = 0;
};

}  // namespace

std::optional<model::Type> parse_type(std::string_view text, model::Catalog& catalog) {
  model::Type type;
  text = trimmed(text);
  type.nullable = take_suffix(text, "?");
  if (const auto kind = simple_type(text)) {
    type.kind = *kind;
    return type;
  }
  if (take_suffix(text, "[]")) {
    const auto element = simple_type(text);
    if (!element) return std::nullopt;
    type.kind = Kind::array;
    type.element = *element;
    return type;
  }
  constexpr std::string_view begin = "enum(";
  if (!text.starts_with(begin) || !take_suffix(text, ")")) return std::nullopt;
  const auto enumeration = enumeration_of(text.substr(begin.size()));
  if (!enumeration) return std::nullopt;
  type.kind = Kind::enumeration;
  type.enumeration = catalog.intern(*enumeration);
  return type;
}

TypeLayout layout_of(const model::EventType& type, const model::Catalog& catalog) {
  TypeLayout layout{.name = type.name,
                    .id = type.id,
                    .fixed_size = type.fixed_size,
                    .timestamp = type.timestamp,
                    .fields = {}};
  for (const auto& field : type.fields)
    layout.fields.push_back({field.name, model::to_string(field.type, catalog), field.slot});
  return layout;
}

Parsed<model::EventType> type_of(const TypeLayout& layout, model::Catalog& catalog) {
  const auto wrong = [](std::string sentence) {
    return Parsed<model::EventType>{std::nullopt, std::move(sentence)};
  };
  model::EventType type;
  type.name = layout.name;
  type.id = layout.id;
  type.timestamp = layout.timestamp;
  for (const auto& field : layout.fields) {
    const auto of = parse_type(field.type, catalog);
    if (!of) return wrong("a field of type " + field.type);
    type.fields.push_back({field.name, *of});
  }
  if (type.timestamp && *type.timestamp >= type.fields.size()) return wrong("a wrong timestamp");
  type.layout();
  bool same = type.fixed_size == layout.fixed_size;
  for (std::size_t i = 0; i < type.fields.size(); ++i)
    same = same && type.fields[i].slot == layout.fields[i].slot;
  if (!same) return wrong("another layout of " + layout.name);
  return {std::move(type), {}};
}

std::vector<std::string> compare(const std::vector<TypeDeclaration>& types, const model::Catalog& catalog) {
  Comparison comparison(catalog);
  for (const auto& type : types) {
    if (comparison.sentences.size() >= most_sentences) break;
    comparison.compare(type);
  }
  auto sentences = std::move(comparison.sentences);
  if (sentences.size() > most_sentences) sentences.resize(most_sentences);
  return sentences;
}

}  // namespace tocsin::connectors::wire
