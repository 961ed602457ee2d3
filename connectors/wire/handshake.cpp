#include "connectors/wire/handshake.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <simdjson.h>
#include <type_traits>
#include <utility>

#include "engine/base/words.hpp"

namespace tocsin::connectors::wire {

namespace {

/// Payloads are nested four deep; a little more lets later versions say more.
constexpr std::size_t max_depth = 16;

constexpr std::string_view transport_names[] = {"socket", "ring"};
constexpr std::string_view wake_names[] = {"futex", "socket"};
constexpr std::string_view policy_names[] = {"drop_oldest", "block", "disconnect"};

// --- writing -----------------------------------------------------------------------------------------------

/// Writes one JSON object, member by member; members without a value are left out.
class Writer {
 public:
  template <class T>
  Writer& member(std::string_view name, const T& value) {
    out_ += out_.empty() ? '{' : ',';
    write(name);
    out_ += ':';
    write(value);
    return *this;
  }
  template <class T>
  Writer& member(std::string_view name, const std::optional<T>& value) {
    return value ? member(name, *value) : *this;
  }
  /// The same, but null where there is none.
  template <class T>
  Writer& member_or_null(std::string_view name, const std::optional<T>& value) {
    return value ? member(name, *value) : member(name, nullptr);
  }
  std::string done() { return (out_.empty() ? "{" : std::move(out_)) + '}'; }

 private:
  void write(std::nullptr_t) { out_ += "null"; }
  void write(bool value) { out_ += value ? "true" : "false"; }
  template <class Integer>
  requires std::is_integral_v<Integer>
  void write(Integer value) { out_ += std::to_string(value); }
  void write(const std::string& text) { write(std::string_view(text)); }
  void write(std::string_view text) {
    out_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<unsigned>(c));
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }
  template <class T>
  void write(const std::vector<T>& list) {
    out_ += '[';
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out_ += ',';
      write(list[i]);
    }
    out_ += ']';
  }
  template <class T>
  requires std::is_class_v<T>
  void write(const T& object) { out_ += to_json(object); }

  std::string to_json(const FieldDeclaration& field) {
    return Writer().member("name", field.name).member("type", field.type).done();
  }
  std::string to_json(const TypeDeclaration& type) {
    return Writer().member("name", type.name).member("fields", type.fields).done();
  }
  std::string to_json(const FieldLayout& field) {
    return Writer().member("name", field.name).member("type", field.type).member("slot", field.slot).done();
  }
  std::string to_json(const TypeLayout& type) {
    return Writer()
        .member("name", type.name)
        .member("id", type.id)
        .member("fixed_size", type.fixed_size)
        .member_or_null("timestamp", type.timestamp)
        .member("fields", type.fields)
        .done();
  }
  std::string to_json(const StepLayout& step) {
    return Writer().member("name", step.name).member("type", step.type).done();
  }
  std::string to_json(const RuleLayout& rule) {
    return Writer()
        .member("id", rule.id)
        .member("name", rule.name)
        .member_or_null("emits", rule.emits)
        .member_or_null("on_timeout", rule.on_timeout)
        .member("steps", rule.steps)
        .done();
  }

  std::string out_;
};

// --- reading -----------------------------------------------------------------------------------------------

/// Reads members of one JSON object. The first thing that is wrong becomes the error, with its place; after
/// it nothing more is read.
class Reader {
 public:
  Reader(simdjson::dom::object object, std::string place, std::string& error)
      : object_(object), place_(std::move(place)), error_(error) {}

  /// Must be there.
  template <class T>
  Reader& member(std::string_view name, T& out) {
    simdjson::dom::element element;
    if (!error_.empty()) return *this;
    if (object_.at_key(name).get(element) != simdjson::SUCCESS) {
      error_ = fmt::format("{}: '{}' is missing", place_, name);
    } else {
      read(element, name, out);
    }
    return *this;
  }
  /// May be absent or null; then `out` stays as it is.
  template <class T>
  Reader& optional_member(std::string_view name, T& out) {
    simdjson::dom::element element;
    if (!error_.empty() || object_.at_key(name).get(element) != simdjson::SUCCESS || element.is_null()) {
      return *this;
    }
    read(element, name, out);
    return *this;
  }
  /// One of `names`, by its index.
  template <class Enum, std::size_t size>
  Reader& optional_member(std::string_view name, Enum& out, const std::string_view (&names)[size]) {
    std::optional<Enum> given;
    optional_member(name, given, names);
    if (given) out = *given;
    return *this;
  }
  template <class Enum, std::size_t size>
  Reader& optional_member(std::string_view name, std::optional<Enum>& out,
                          const std::string_view (&names)[size]) {
    std::optional<std::string> text;
    optional_member(name, text);
    if (!text) return *this;
    const auto* found = std::find(std::begin(names), std::end(names), *text);
    if (found == std::end(names)) {
      error_ = fmt::format("{}: '{}' is {}, where it must be one of {}", place_, name, in_quotes(*text),
                           fmt::join(names, ", "));
    } else {
      out = static_cast<Enum>(found - std::begin(names));
    }
    return *this;
  }

 private:
  using Element = simdjson::dom::element;

  void mismatch(std::string_view name, std::string_view expected) {
    error_ = fmt::format("{}: '{}' must be {}", place_, name, expected);
  }

  void read(Element element, std::string_view name, std::string& out) {
    std::string_view text;
    if (element.get(text) != simdjson::SUCCESS) return mismatch(name, "a string");
    out = text;
  }
  void read(Element element, std::string_view name, bool& out) {
    if (element.get(out) != simdjson::SUCCESS) mismatch(name, "true or false");
  }
  template <class Integer>
  requires std::is_integral_v<Integer>
  void read(Element element, std::string_view name, Integer& out) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Integer>::max());
    std::uint64_t number = 0;
    if (element.get(number) != simdjson::SUCCESS || number > most) {
      return mismatch(name, fmt::format("an integer from 0 to {}", most));
    }
    out = static_cast<Integer>(number);
  }
  template <class T>
  void read(Element element, std::string_view name, std::optional<T>& out) {
    read(element, name, out.emplace());
  }
  template <class T>
  void read(Element element, std::string_view name, std::vector<T>& out) {
    simdjson::dom::array array;
    if (element.get(array) != simdjson::SUCCESS) return mismatch(name, "a list");
    for (const Element item : array) {
      out.emplace_back();
      read(item, fmt::format("{}[{}]", name, out.size() - 1), out.back());
      if (!error_.empty()) return;
    }
  }
  template <class T>
  requires std::is_class_v<T>
  void read(Element element, std::string_view name, T& out) {
    simdjson::dom::object object;
    if (element.get(object) != simdjson::SUCCESS) return mismatch(name, "an object");
    Reader reader(object, fmt::format("{}: {}", place_, name), error_);
    read_members(reader, out);
  }

  static void read_members(Reader& reader, FieldDeclaration& field) {
    reader.member("name", field.name).member("type", field.type);
  }
  static void read_members(Reader& reader, TypeDeclaration& type) {
    reader.member("name", type.name).member("fields", type.fields);
  }
  static void read_members(Reader& reader, FieldLayout& field) {
    reader.member("name", field.name).member("type", field.type).member("slot", field.slot);
  }
  static void read_members(Reader& reader, TypeLayout& type) {
    reader.member("name", type.name)
        .member("id", type.id)
        .member("fixed_size", type.fixed_size)
        .optional_member("timestamp", type.timestamp)
        .member("fields", type.fields);
  }
  static void read_members(Reader& reader, StepLayout& step) {
    reader.member("name", step.name).member("type", step.type);
  }
  static void read_members(Reader& reader, RuleLayout& rule) {
    reader.member("id", rule.id)
        .member("name", rule.name)
        .optional_member("emits", rule.emits)
        .optional_member("on_timeout", rule.on_timeout)
        .member("steps", rule.steps);
  }

  simdjson::dom::object object_;
  std::string place_;
  std::string& error_;
};

std::string sentence(simdjson::error_code error) {
  switch (error) {
    case simdjson::EMPTY: return "it is empty";
    case simdjson::UTF8_ERROR: return "it is not UTF-8";
    case simdjson::DEPTH_ERROR: return fmt::format("it is nested more than {} deep", max_depth);
    default: return simdjson::error_message(error);
  }
}

/// `read_all(reader, value)` reads the members of the payload of `name`.
template <class T, class ReadAll>
Parsed<T> parse(std::string_view name, std::string_view json, ReadAll read_all) {
  Parsed<T> parsed;
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  auto error = parser.allocate(std::max<std::size_t>(json.size(), 64), max_depth);
  if (!error) error = parser.parse(json.data(), json.size(), true).get(element);
  if (error) {
    parsed.error = fmt::format("{}: malformed JSON: {}", name, sentence(error));
    return parsed;
  }
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    parsed.error = fmt::format("{}: it is no JSON object", name);
    return parsed;
  }
  Reader reader(object, std::string(name), parsed.error);
  read_all(reader, parsed.value.emplace());
  if (!parsed.error.empty()) parsed.value.reset();
  return parsed;
}

template <class T>
Parsed<T> parse_end(std::string_view name, std::string_view json) {
  return parse<T>(name, json, [](Reader& reader, T& end) {
    reader.member("code", end.code).optional_member("message", end.message);
  });
}

}  // namespace

std::string to_json(const Hello& hello) {
  Writer writer;
  writer.member("client", hello.client).member("token", hello.token);
  if (hello.transport != Transport::socket) {
    writer.member("transport", transport_names[static_cast<std::size_t>(hello.transport)]);
  }
  writer.member("ring_bytes", hello.ring_bytes);
  if (hello.wake != Wake::futex) {
    writer.member("wake", wake_names[static_cast<std::size_t>(hello.wake)]);
  }
  return writer.member("source_idle_ms", hello.source_idle_ms).member("types", hello.types).done();
}

std::string to_json(const Welcome& welcome) {
  return Writer()
      .member("session", welcome.session)
      .member("max_frame", welcome.max_frame)
      .member("window", welcome.window)
      .member("heartbeat_ms", welcome.heartbeat_ms)
      .member("types", welcome.types)
      .member("rules", welcome.rules)
      .done();
}

std::string to_json(const Refused& refused) {
  return Writer().member("code", refused.code).member("message", refused.message).done();
}

std::string to_json(const Subscribe& subscribe) {
  return Writer()
      .member("rules", subscribe.rules)
      .member("types", subscribe.types)
      .member("policy", subscribe.policy
                            ? std::optional(policy_names[static_cast<std::size_t>(*subscribe.policy)])
                            : std::nullopt)
      .member("queue_bytes", subscribe.queue_bytes)
      .member("with_events", subscribe.with_events)
      .done();
}

std::string to_json(const Subscribed& subscribed) {
  return Writer().member("types", subscribed.types).member("rules", subscribed.rules).done();
}

std::string to_json(const Bye& bye) {
  return Writer().member("code", bye.code).member("message", bye.message).done();
}

std::string to_json(const Ring& ring) {
  return Writer().member("in_bytes", ring.in_bytes).member("out_bytes", ring.out_bytes).done();
}

Parsed<Hello> parse_hello(std::string_view json) {
  return parse<Hello>("HELLO", json, [](Reader& reader, Hello& hello) {
    reader.member("client", hello.client)
        .optional_member("token", hello.token)
        .optional_member("transport", hello.transport, transport_names)
        .optional_member("ring_bytes", hello.ring_bytes)
        .optional_member("wake", hello.wake, wake_names)
        .optional_member("source_idle_ms", hello.source_idle_ms)
        .optional_member("types", hello.types);
  });
}

Parsed<Welcome> parse_welcome(std::string_view json) {
  return parse<Welcome>("WELCOME", json, [](Reader& reader, Welcome& welcome) {
    reader.member("session", welcome.session)
        .member("max_frame", welcome.max_frame)
        .member("window", welcome.window)
        .member("heartbeat_ms", welcome.heartbeat_ms)
        .member("types", welcome.types)
        .member("rules", welcome.rules);
  });
}

Parsed<Refused> parse_refused(std::string_view json) {
  return parse_end<Refused>("REFUSED", json);
}

Parsed<Subscribe> parse_subscribe(std::string_view json) {
  return parse<Subscribe>("SUBSCRIBE", json, [](Reader& reader, Subscribe& subscribe) {
    reader.optional_member("rules", subscribe.rules)
        .optional_member("types", subscribe.types)
        .optional_member("policy", subscribe.policy, policy_names)
        .optional_member("queue_bytes", subscribe.queue_bytes)
        .optional_member("with_events", subscribe.with_events);
  });
}

Parsed<Subscribed> parse_subscribed(std::string_view json) {
  return parse<Subscribed>("SUBSCRIBED", json, [](Reader& reader, Subscribed& subscribed) {
    reader.member("types", subscribed.types).member("rules", subscribed.rules);
  });
}

Parsed<Bye> parse_bye(std::string_view json) {
  return parse_end<Bye>("BYE", json);
}

Parsed<Ring> parse_ring(std::string_view json) {
  return parse<Ring>("RING", json, [](Reader& reader, Ring& ring) {
    reader.member("in_bytes", ring.in_bytes).member("out_bytes", ring.out_bytes);
  });
}

}  // namespace tocsin::connectors::wire
