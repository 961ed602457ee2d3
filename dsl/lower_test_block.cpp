// Tests of the text → plain data (test_block.hpp), typed against the same catalog as the rules. A test that
// sets params has rules of its own: they are resolved and lowered once more, with those values.
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "dsl/literal.hpp"
#include "dsl/lower.hpp"
#include "dsl/types.hpp"
#include "engine/base/saturate.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using model::Kind;
using model::Type;
using Statement = ast::TestStatement;

namespace {

class TestLowerer {
 public:
  TestLowerer(Symbols& symbols, const Declarations& declarations, const ast::TestDecl& decl)
      : symbols_(symbols), declarations_(declarations), decl_(decl) {}

  TestBlock lower() {
    test_.name = decl_.name.text;
    test_.span = decl_.name.span;
    test_.imported = declarations_.imported_files.count(decl_.span.file) > 0;
    lower_start();
    for (const Statement& statement : decl_.statements) {
      switch (statement.kind) {
        case Statement::Kind::event: lower_event(statement); break;
        case Statement::Kind::advance: lower_advance(statement); break;
        case Statement::Kind::expect: lower_expectation(statement); break;
        case Statement::Kind::table: lower_table(statement); break;
        case Statement::Kind::start:
        case Statement::Kind::param: break;
      }
    }
    test_.absolute = any_absolute_ && !any_offset_;
    if (test_.expectations.empty() && sound_) {
      symbols_.warn(decl_.name.span, "this test expects nothing, so it cannot fail");
    }
    return std::move(test_);
  }

 private:
  void error(Span span, std::string message, std::string hint = {}) {
    sound_ = false;
    symbols_.error(span, std::move(message), std::move(hint));
  }

  // Times.

  void lower_start() {
    const ast::Expr* start = nullptr;
    bool any_time = false;
    for (const Statement& statement : decl_.statements) {
      if (statement.kind != Statement::Kind::start) {
        any_time = any_time || statement.time || statement.period;
      } else if (start != nullptr) {
        error(statement.span, "a second 'start': a test starts once");
      } else if (start = &*statement.time; start->kind != ast::Expr::Kind::time) {
        error(start->span, "a test starts at a time; this is a duration",
              "as in start @2026-01-31T12:00:00Z");
      } else if (any_time) {
        error(statement.span, "'start' stands before all times that it is the start of");
      } else {
        test_.start_ns = start->integer;
      }
    }
  }

  std::int64_t time_of(const ast::Expr& literal) {
    if (literal.kind == ast::Expr::Kind::time) {
      any_absolute_ = true;
      return literal.integer;
    }
    any_offset_ = true;
    return later(test_.start_ns, literal.integer);
  }

  // As the test writes times.
  std::string time_text(std::int64_t ns) const {
    return any_offset_ && ns >= test_.start_ns ? write_duration(ns - test_.start_ns) : write_time(ns);
  }

  void lower_event(const Statement& statement) {
    TestInput input;
    input.span = statement.span;
    input.first_ns = input.last_ns = time_of(*statement.time);
    if (statement.until) lower_repeats(statement, input);
    if (input.first_ns < earliest_ns_) {
      error(statement.time->span,
            fmt::format("this is before {}, to which the test has come already", time_text(earliest_ns_)),
            "the events of a test stand in order of time");
    }
    earliest_ns_ = std::max(earliest_ns_, input.first_ns);
    last_ns_ = std::max(last_ns_, input.last_ns);
    const auto type = symbols_.require_type(statement.name);
    if (!type) {
      sound_ = false;
      return;
    }
    if (symbols_.catalog[*type].derived) {
      error(statement.name.span,
            fmt::format("{} is what rules emit; a test gives them what comes in", statement.name.text));
      return;
    }
    input.type = type;
    input.fields = lower_fields(*type, statement.fields);
    const auto missing = never_null(*type, statement.fields);
    if (!missing.empty()) {
      error(statement.name.span,
            fmt::format("this {} lacks {}, never null", statement.name.text, join(missing)),
            fmt::format("add {}: …, or declare it with '?'", missing.front()));
    }
    test_.inputs.push_back(std::move(input));
  }

  void lower_repeats(const Statement& statement, TestInput& input) {
    input.last_ns = time_of(*statement.until);
    const auto period = lower_duration(symbols_, *statement.period, "'every'", "1s or 500ms");
    if (!period) {
      sound_ = false;
    } else if (*period == 0) {
      error(statement.period->span, "'every' wants a duration above 0");
    } else if (input.last_ns < input.first_ns) {
      error(statement.until->span, "this ends before it begins");
    } else {
      input.period_ns = *period;
      const auto span_ns =
          static_cast<std::uint64_t>(input.last_ns) - static_cast<std::uint64_t>(input.first_ns);
      events_ += span_ns / static_cast<std::uint64_t>(*period);
      if (events_ < max_test_events) return;
      error(statement.span, fmt::format("a test has at most {} events", max_test_events));
    }
    input.last_ns = input.first_ns;
  }

  void lower_advance(const Statement& statement) {
    const auto period = lower_duration(symbols_, *statement.period, "'advance'", "30s or 5m");
    if (!period) {
      sound_ = false;
      return;
    }
    TestInput input;
    input.span = statement.span;
    if (test_.inputs.empty()) last_ns_ = std::max(last_ns_, test_.start_ns);
    earliest_ns_ = last_ns_ = input.first_ns = input.last_ns = later(last_ns_, *period);
    test_.inputs.push_back(std::move(input));
  }

  // Fields and their values.

  static std::string join(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i)
      out += (i == 0 ? "'" : i + 1 == names.size() ? " and '" : ", '") + names[i] + "'";
    return out;
  }

  /// The fields that are never null and not given; none where one is misspelt, and may be such a field.
  std::vector<std::string> never_null(EventTypeId id, const std::vector<ast::TestField>& given) const {
    std::vector<std::string> missing;
    const model::EventType& type = symbols_.catalog[id];
    const auto misspelt = [&](const ast::TestField& field) { return !type.find(field.name.text); };
    if (symbols_.infos[id].open || std::any_of(given.begin(), given.end(), misspelt)) return missing;
    for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
      const auto is_it = [&](const ast::TestField& field) { return field.name.text == type.fields[i].name; };
      if (type.fields[i].type.nullable || type.timestamp == i ||
          std::any_of(given.begin(), given.end(), is_it))
        continue;
      missing.push_back(type.fields[i].name);
    }
    return missing;
  }

  std::vector<TestField> lower_fields(EventTypeId id, const std::vector<ast::TestField>& written) {
    std::vector<TestField> out;
    std::set<std::string_view> seen;
    for (const ast::TestField& field : written) {
      if (!seen.insert(field.name.text).second) {
        error(field.name.span, fmt::format("field '{}' is given twice", field.name.text));
        continue;
      }
      const auto index = symbols_.require_field(id, field.name);
      if (!index) {
        sound_ = false;
      } else if (symbols_.catalog[id].timestamp == index) {
        error(field.name.span,
              fmt::format("'{}' is the time of the event, which stands before it", field.name.text),
              "leave it out");
      } else if (auto value = lower_field(id, *index, field)) {
        out.push_back(std::move(*value));
      }
    }
    return out;
  }

  std::optional<TestField> lower_field(EventTypeId id, std::uint32_t index, const ast::TestField& written) {
    const Type type = symbols_.catalog[id].fields[index].type;
    const std::string what = fmt::format("'{}' of {}", written.name.text, symbols_.catalog[id].name);
    TestField out{.field = index, .array = written.array, .value = {}, .elements = {}};
    if (written.array && type.kind != Kind::array) {
      error(written.span, fmt::format("{} is {}, not an array", what, symbols_.describe(type)),
            "leave out the brackets");
      return std::nullopt;
    }
    const Type single = written.array ? Type{.kind = type.element} : type;
    for (const ast::Expr& expr : written.values) {
      auto value = value_of(expr, single, written.array ? "an element of " + what : what);
      if (!value) return std::nullopt;
      (written.array ? out.elements.emplace_back() : out.value) = std::move(*value);
    }
    return out;
  }

  std::optional<plan::Constant> value_of(const ast::Expr& expr, const Type& type, const std::string& what) {
    const Scope scope;
    auto value = ExprLowerer(symbols_, scope).lower(expr, &type);
    if (!value) {
      sound_ = false;
      return std::nullopt;
    }
    const Type given = value->type;
    if (type.kind == Kind::time && given.kind == Kind::duration && is_constant(*value)) {
      return plan::Constant{
          .kind = Kind::time, .i = later(test_.start_ns, value->constant.i), .f = 0, .s = {}};
    }
    const auto converted = convert(std::move(*value), type);
    if (converted && is_constant(*converted) && (type.nullable || converted->constant.kind != Kind::null)) {
      return converted->constant;
    }
    if (given.kind == Kind::null || converted) {
      error(expr.span, what + (given.kind == Kind::null ? " is never null" : " wants a plain value"));
    } else {
      const bool element = type.kind == Kind::array && type.element == given.kind;
      error(expr.span,
            fmt::format("{} is {}; this is {}", what, symbols_.describe(type), symbols_.describe(given)),
            element ? "an array stands in brackets: [ … ]" : value_hint(expr, type.kind, given.kind));
    }
    return std::nullopt;
  }

  static std::string value_hint(const ast::Expr& expr, Kind wanted, Kind given) {
    if (wanted == Kind::string && expr.kind == ast::Expr::Kind::integer)
      return fmt::format("text is written in quotes: \"{}\"", expr.integer);
    if (is_number(wanted) && given == Kind::string) return "a number is written without quotes";
    return unit_hint(expr, wanted, given);
  }

  // Tables.

  void lower_table(const Statement& statement) {
    const std::string& name = statement.name.text;
    std::vector<std::string> names;
    const auto is_it = [&](const TableInfo& info) {
      names.push_back(info.decl->name.text);
      return info.decl->name.text == name;
    };
    const auto info = std::find_if(symbols_.tables.begin(), symbols_.tables.end(), is_it);
    if (info == symbols_.tables.end()) {
      sound_ = false;
      if (symbols_.is_suspect(name)) return;
      error(statement.name.span, fmt::format("unknown table '{}'", name), symbols_.suggest(name, names));
      return;
    }
    if (info->keeps_events) {
      error(statement.name.span, fmt::format("table '{}' keeps events, so events fill it", name));
      return;
    }
    TestTable table{static_cast<std::uint32_t>(info - symbols_.tables.begin()), {}};
    const bool again = std::any_of(test_.tables.begin(), test_.tables.end(),
                                   [&](const TestTable& other) { return other.table == table.table; });
    if (again) error(statement.name.span, fmt::format("a second table '{}' in this test", name));
    if (!info->known) return;
    const EventTypeId type = info->table.type;
    for (const auto& row : statement.rows) {
      table.rows.push_back(lower_fields(type, row));
      if (const auto missing = never_null(type, row); !missing.empty()) {
        error(statement.name.span, fmt::format("a row of '{}' lacks {}, never null", name, join(missing)));
      }
    }
    test_.tables.push_back(std::move(table));
  }

  // Expectations.

  void lower_expectation(const Statement& statement) {
    Expectation expected;
    expected.span = statement.span;
    expected.count = statement.count;
    if (statement.time) expected.at_ns = time_of(*statement.time);
    const bool is_known = find_alert(statement, expected);
    if (is_known && expected.type) {
      expected.fields = lower_fields(*expected.type, statement.fields);
      if (statement.exactly) complete(statement, expected);
    } else if (is_known && !statement.fields.empty()) {
      error(statement.fields.front().name.span,
            fmt::format("rule '{}' emits nothing, so its matches have no fields", statement.name.text));
    }
    test_.expectations.push_back(std::move(expected));
  }

  // False where the name is neither a type that rules emit nor a rule that emits nothing; that is reported.
  bool find_alert(const Statement& statement, Expectation& expected) {
    const ast::Name& name = statement.name;
    if (const auto type = symbols_.find_type(name.text)) {
      expected.type = type;
      if (symbols_.catalog[*type].derived) return true;
      error(name.span, fmt::format("{} is an event that comes in; no rule emits it", name.text));
      return false;
    }
    std::vector<std::string> names;
    for (std::uint32_t id = 0; id < declarations_.rules.size(); ++id) {
      const ast::RuleDecl& rule = *declarations_.rules[id];
      const ast::Emit* emit = rule.emit ? &*rule.emit : rule.timeout ? &*rule.timeout : nullptr;
      names.push_back(emit == nullptr ? rule.name.text : emit->type.text);
      if (rule.name.text != name.text) continue;
      expected.rule = id;
      if (emit == nullptr) return true;
      error(name.span, fmt::format("rule '{}' emits {}: expect that", name.text, emit->type.text),
            fmt::format("write expect {}", emit->type.text));
      return false;
    }
    sound_ = false;
    if (!symbols_.is_suspect(name.text)) {
      error(name.span, fmt::format("no rule emits '{}'", name.text), symbols_.suggest(name.text, names));
    }
    return false;
  }

  // `exactly`: what is not given must be null.
  void complete(const Statement& statement, Expectation& expected) {
    if (const auto missing = never_null(*expected.type, statement.fields); !missing.empty()) {
      error(statement.name.span,
            fmt::format("'exactly' compares all fields, and {} of {} is never null", join(missing),
                        statement.name.text),
            fmt::format("add {}: …, or leave out 'exactly'", missing.front()));
      return;
    }
    for (std::uint32_t i = 0; i < symbols_.catalog[*expected.type].fields.size(); ++i) {
      const auto is_it = [&](const TestField& field) { return field.field == i; };
      if (std::any_of(expected.fields.begin(), expected.fields.end(), is_it)) continue;
      expected.fields.push_back({.field = i, .array = false, .value = {}, .elements = {}});
    }
  }

  Symbols& symbols_;
  const Declarations& declarations_;
  const ast::TestDecl& decl_;
  TestBlock test_;
  bool sound_ = true;
  bool any_offset_ = false;
  bool any_absolute_ = false;
  std::int64_t earliest_ns_ = INT64_MIN;  // of the events to come
  std::int64_t last_ns_ = INT64_MIN;      // of all events so far, and of time alone
  std::uint64_t events_ = 0;              // made by repeats
};

// The params that a test sets, by name; those that there are not are reported.
ParamValues params_of(Symbols& symbols, const ast::TestDecl& decl) {
  ParamValues values;
  std::vector<std::string> names;
  for (const auto& [name, unused] : symbols.params)
    names.push_back(name);
  for (const Statement& statement : decl.statements) {
    if (statement.kind != Statement::Kind::param) continue;
    const std::string& name = statement.name.text;
    if (symbols.params.count(name) == 0) {
      if (symbols.is_suspect(name)) continue;
      symbols.error(statement.name.span, fmt::format("no param is named '{}'", name),
                    symbols.suggest(name, names));
    } else if (!values.emplace(name, &*statement.value).second) {
      symbols.error(statement.name.span, fmt::format("param '{}' is set twice", name));
    }
  }
  return values;
}

// A test with rules of its own. That there are no errors without its params is known.
TestBlock lower_with_params(Symbols& base, const Declarations& declarations, const ast::TestDecl& decl,
                            const Settings& settings, const ParamValues& values) {
  Diagnostics found;
  Symbols symbols(base.sources, found);
  resolve(symbols, declarations, settings, values);
  plan::Plan plan = lower(symbols, declarations);
  TestBlock test = TestLowerer(symbols, declarations, decl).lower();
  test.plan = std::move(plan);
  const auto inside = [&](const Span& span) {
    return span.file == decl.span.file && span.begin >= decl.span.begin && span.end <= decl.span.end;
  };
  for (Diagnostic& each : found) {
    if (inside(each.span)) {
      base.diagnostics.push_back(std::move(each));
    } else if (each.severity == Severity::error) {
      each.message += fmt::format(", with the params of test {}", write_text(decl.name.text));
      base.diagnostics.push_back(std::move(each));
    }
  }
  for (auto& [name, param] : base.params)
    param.used = param.used || symbols.params.at(name).used;
  return test;
}

}  // namespace

std::vector<TestBlock> lower_tests(Symbols& symbols, const Declarations& declarations,
                                   const Settings& settings) {
  std::vector<TestBlock> tests;
  std::map<std::pair<std::uint32_t, std::string_view>, Span> seen;
  for (const ast::TestDecl* decl : declarations.tests) {
    const auto [first, is_new] =
        seen.emplace(std::pair(decl->span.file, std::string_view(decl->name.text)), decl->name.span);
    if (!is_new) {
      symbols.error(decl->name.span, fmt::format("test {} is written twice", write_text(decl->name.text)),
                    fmt::format("first at {}", symbols.place(first->second)));
    }
    const ParamValues values = params_of(symbols, *decl);
    tests.push_back(values.empty() || has_errors(symbols.diagnostics)
                        ? TestLowerer(symbols, declarations, *decl).lower()
                        : lower_with_params(symbols, declarations, *decl, settings, values));
  }
  return tests;
}

}  // namespace tocsin::dsl
