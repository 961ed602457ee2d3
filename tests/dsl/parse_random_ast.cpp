// See parse_random_ast.hpp.
#include "tests/dsl/parse_random_ast.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::dsl {
namespace {

using ast::Expr;
using Kind = Expr::Kind;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  ast::File file() {
    ast::File out;
    for (std::size_t n = below(5); n > 0; --n) {
      switch (below(7)) {
        case 0: out.declarations.push_back(ast::ImportDecl{text(), {}}); break;
        case 1: out.declarations.push_back(param()); break;
        case 2: out.declarations.push_back(event()); break;
        case 3: out.declarations.push_back(table()); break;
        case 4: out.declarations.push_back(test()); break;
        default: out.declarations.push_back(rule());
      }
    }
    return out;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }

  template <std::size_t n>
  std::string pick(const char* const (&words)[n]) {
    return words[below(n)];
  }

  std::string word() {
    return pick({"a",       "b",      "amount", "card",     "rule",      "from",    "within",
                 "event",   "at",     "match",  "param",    "emit",      "where",   "report",
                 "after",   "by",     "events", "first",    "last",      "prev",    "ors",
                 "android", "isle",   "_x1",    "nullable", "on",        "gap",     "strict",
                 "window",  "import", "table",  "test",     "partition", "e",       "d5",
                 "ms",      "until",  "for",    "to",       "next",      "timeout", "longest"});
  }
  ast::Name name() { return {word(), {}}; }

  /// Valid UTF-8 with everything that needs an escape.
  std::string text() {
    std::string out;
    for (std::size_t n = below(6); n > 0; --n) {
      out += pick({"a", "\"", "\\", "\n", "\t", "\r", "\x01", "\x7F", "é", "€", "😀", " ", "//", "///", "'",
                   "\\u0041"});
      if (chance(20)) out += '\0';
    }
    return out;
  }

  /// As the parser reads it: no space at the ends of lines, and not empty but for blank lines.
  std::string doc() {
    std::string out;
    for (std::size_t n = below(4); n > 0; --n) {
      out += pick({"One.", " indented é", "", "/ slash", "\ttab", "\"quoted\" \\n"});
      if (n > 1) out += '\n';
    }
    return out;
  }

  std::int64_t integer() {
    switch (below(6)) {
      case 0: return std::numeric_limits<std::int64_t>::min();
      case 1: return std::numeric_limits<std::int64_t>::max();
      case 2: return static_cast<std::int64_t>(random_()) >> below(64);
      default: return static_cast<std::int64_t>(below(21)) - 10;
    }
  }

  double floating() {
    const std::uint64_t bits = random_();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    if (chance(2) || !std::isfinite(number)) return static_cast<double>(below(9)) / 2 - 2;
    return number;
  }

  Expr leaf() {
    Expr out;
    switch (below(9)) {
      case 0:
        out.kind = Kind::floating;
        out.floating = floating();
        break;
      case 1:
        out.kind = Kind::text;
        out.text = text();
        break;
      case 2:
        out.kind = Kind::boolean;
        out.integer = static_cast<std::int64_t>(below(2));
        break;
      case 3: out.kind = Kind::null; break;
      case 4:
      case 5:
      case 6:
        out.kind = pick_kind({Kind::integer, Kind::duration, Kind::time});
        out.integer = integer();
        break;
      default: out.kind = Kind::name; out.text = word();
    }
    return out;
  }

  Kind pick_kind(std::initializer_list<Kind> kinds) { return kinds.begin()[below(kinds.size())]; }

  Expr expression(std::size_t depth = 4) {
    if (depth == 0 || chance(4)) return leaf();
    Expr out;
    const auto add = [&](std::size_t n) {
      while (n-- > 0)
        out.args.push_back(expression(depth - 1));
    };
    out.kind = pick_kind({Kind::member, Kind::index, Kind::call, Kind::unary, Kind::unary, Kind::binary,
                          Kind::binary, Kind::binary, Kind::in, Kind::in_table, Kind::like, Kind::between,
                          Kind::is_null, Kind::tuple});
    switch (out.kind) {
      case Kind::member:
        out.text = word();
        add(1);
        break;
      case Kind::call:
        out.text = chance(3) ? "any" : word();
        add(below(4));
        break;
      case Kind::unary:
        out.text = pick({"-", "not"});
        add(1);
        break;
      case Kind::in:
        out.text = pick({"in", "in~"});
        out.negated = chance(2);
        add(2 + below(3));
        break;
      case Kind::like:
        out.text = pick({"like", "like~", "matches", "matches~"});
        out.negated = chance(2);
        add(2 + below(2));
        break;
      case Kind::between:
        out.negated = chance(2);
        add(3);
        break;
      case Kind::is_null:
        out.integer = static_cast<std::int64_t>(below(2));
        add(1);
        break;
      case Kind::index: add(2 + below(2)); break;
      case Kind::tuple: add(2 + below(2)); break;
      case Kind::in_table:
        out.text = word();
        out.negated = chance(2);
        add(1 + below(3));
        if (out.args.size() == 1 && out.args[0].kind == Kind::tuple) out.args = out.args[0].args;
        break;
      default:
        out.text = pick({"+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "and", "or",
                         "has", "==~", "!=~"});
        add(2);
    }
    return out;
  }

  template <typename T, typename Make>
  std::optional<T> maybe(Make make) {
    if (chance(2)) return std::nullopt;
    return make();
  }

  ast::TypeName type() {
    ast::TypeName out;
    out.name = pick({"int", "float", "bool", "string", "time", "duration", "enum"});
    if (out.name == "enum") {
      for (std::size_t n = 1 + below(3); n > 0; --n)
        out.labels.push_back(name());
    }
    if (out.name == "time" && chance(2)) out.unit = ast::Name{pick({"ns", "us", "ms", "s"}), {}};
    out.array = chance(4);
    out.nullable = chance(3);
    return out;
  }

  std::vector<ast::Annotation> annotations() {
    std::vector<ast::Annotation> out;
    for (std::size_t n = below(3); n > 0; --n) {
      ast::Annotation& one = out.emplace_back();
      one.name = name();
      for (std::size_t values = below(3); values > 0; --values) {
        Expr value = leaf();
        if (value.kind != Kind::name) one.values.push_back(std::move(value));
      }
    }
    return out;
  }

  ast::ParamDecl param() {
    return {doc(), name(), type(), maybe<Expr>([&] { return expression(); }), {}};
  }

  ast::EventDecl event() {
    ast::EventDecl out{doc(), annotations(), name(), {}, {}};
    out.fields = fields();
    return out;
  }

  std::vector<ast::FieldDecl> fields() {
    std::vector<ast::FieldDecl> out;
    for (std::size_t n = below(4); n > 0; --n)
      out.push_back({name(), type(), annotations(), doc()});
    return out;
  }

  ast::TableDecl table() {
    ast::TableDecl out{doc(), name(), maybe<std::string>([&] { return text(); }), {}, {}, {}, {}};
    if (out.path) {
      out.columns = fields();
      return out;
    }
    out.type = name();
    for (std::size_t n = 1 + below(3); n > 0; --n)
      out.keys.push_back(name());
    return out;
  }

  ast::Contiguity contiguity() {
    constexpr ast::Contiguity all[] = {ast::Contiguity::strict, ast::Contiguity::relaxed,
                                       ast::Contiguity::any};
    return all[below(3)];
  }

  ast::Quantifier quantifier() {
    ast::Quantifier out;
    out.min = below(3);
    out.max = maybe<std::uint64_t>([&] { return std::max<std::uint64_t>(1, out.min + below(3)); });
    out.mode = maybe<ast::Contiguity>([&] { return contiguity(); });
    if (chance(4)) out.gap = expression(1);
    return out;
  }

  ast::Quantifier step_quantifier() {
    constexpr ast::Loop all[] = {ast::Loop::greedy, ast::Loop::reluctant, ast::Loop::possessive};
    ast::Quantifier out = quantifier();
    out.loop = all[below(3)];
    return out;
  }

  /// The type and condition of a step or negation.
  void event_of(ast::Pattern& out) {
    out.any = chance(6);
    out.type = out.any ? ast::Name{"any", {}} : name();
    if (out.any || chance(2)) out.condition = expression(2);
  }

  ast::Pattern step() {
    ast::Pattern out;
    out.name = maybe<ast::Name>([&] { return name(); });
    event_of(out);
    out.quantifier = maybe<ast::Quantifier>([&] { return step_quantifier(); });
    if (chance(5)) out.until = expression(2);
    return out;
  }

  ast::Pattern negation() {
    ast::Pattern out;
    out.kind = ast::Pattern::Kind::negation;
    event_of(out);
    out.duration = maybe<Expr>([&] { return expression(1); });
    return out;
  }

  ast::Edge edge() {
    ast::Edge out;
    out.contiguity = contiguity();
    if (out.contiguity != ast::Contiguity::strict && chance(3)) out.bound = expression(1);
    return out;
  }

  /// A list within a list needs brackets, unless it binds tighter: `&`, then `|`, then edges. `within` is the
  /// list around it. A group of one step says something, or has no brackets.
  ast::Pattern pattern(std::size_t depth, std::optional<ast::Pattern::Kind> within) {
    if (depth == 0 || chance(3)) return chance(6) ? negation() : step();
    constexpr ast::Pattern::Kind kinds[] = {ast::Pattern::Kind::sequence, ast::Pattern::Kind::alternation,
                                            ast::Pattern::Kind::permutation};
    ast::Pattern out;
    out.kind = kinds[below(3)];
    const bool free = !within || out.kind > *within;
    out.grouped = !free || chance(4);
    if (out.grouped) {
      out.quantifier = maybe<ast::Quantifier>([&] { return quantifier(); });
      if (chance(3)) out.duration = expression(1);
    }
    const bool lone =
        out.kind == ast::Pattern::Kind::sequence && (out.quantifier || out.duration) && chance(4);
    if (lone) {
      out.children.push_back(chance(6) ? negation() : step());
      out.edges.emplace_back();
      return out;
    }
    for (std::size_t n = 2 + below(3); n > 0; --n) {
      out.children.push_back(pattern(depth - 1, out.kind));
      if (out.kind == ast::Pattern::Kind::sequence) out.edges.push_back(edge());
    }
    return out;
  }

  ast::Skip skip() {
    ast::Skip out;
    out.to = static_cast<ast::Skip::To>(below(5));
    if (out.to == ast::Skip::To::first || out.to == ast::Skip::To::last) out.step = name();
    return out;
  }

  ast::Emit emit() {
    ast::Emit out{name(), {}, {}};
    for (std::size_t n = below(5); n > 0; --n) {
      out.fields.push_back({name(), maybe<Expr>([&] { return expression(); })});
    }
    return out;
  }

  ast::RuleDecl rule() {
    ast::RuleDecl out;
    out.doc = doc();
    out.annotations = annotations();
    out.name = name();
    for (std::size_t n = below(3); n > 0; --n) {
      out.from.push_back({name(), maybe<Expr>([&] { return expression(); }), {}});
    }
    out.match = maybe<ast::Pattern>([&] { return pattern(3, std::nullopt); });
    for (std::size_t n = below(3); n > 0; --n) {
      ast::PartitionKey& key = out.partition.emplace_back();
      for (std::size_t parts = 1 + below(3); parts > 0; --parts) {
        key.mappings.push_back({maybe<ast::Name>([&] { return name(); }), name()});
      }
    }
    out.where = maybe<Expr>([&] { return expression(5); });
    if (chance(2)) {
      out.within = chance(2) ? ast::Within{expression(2), {}, {}} : ast::Within{{}, below(1000), {}};
    }
    out.report = maybe<ast::Report>([&] { return static_cast<ast::Report>(below(6)); });
    out.skip = maybe<ast::Skip>([&] { return skip(); });
    out.emit = maybe<ast::Emit>([&] { return emit(); });
    if (chance(3)) out.timeout = emit();
    return out;
  }

  /// A time of a test: a duration or a time, not negative.
  Expr moment() {
    Expr out;
    out.kind = pick_kind({Kind::duration, Kind::time});
    out.integer = static_cast<std::int64_t>(random_() >> (1 + below(63)));
    return out;
  }

  std::vector<ast::TestField> test_fields() {
    std::vector<ast::TestField> out;
    for (std::size_t n = below(4); n > 0; --n) {
      ast::TestField& field = out.emplace_back();
      field.name = name();
      field.array = chance(4);
      for (std::size_t values = field.array ? below(4) : 1; values > 0; --values)
        field.values.push_back(expression(2));
    }
    return out;
  }

  ast::TestStatement statement() {
    using Statement = ast::TestStatement::Kind;
    ast::TestStatement out;
    out.kind = static_cast<Statement>(below(6));
    if (out.kind == Statement::start || out.kind == Statement::event) out.time = moment();
    if (out.kind != Statement::start && out.kind != Statement::advance) out.name = name();
    if (out.kind == Statement::param) out.value = expression(2);
    if (out.kind == Statement::advance) out.period = expression(2);
    if (out.kind == Statement::event || out.kind == Statement::expect) out.fields = test_fields();
    if (out.kind == Statement::event && chance(3)) {
      out.until = moment();
      out.period = expression(2);
    }
    if (out.kind == Statement::expect) {
      out.count = maybe<std::uint64_t>([&] { return below(4); });
      out.exactly = chance(3);
      out.time = maybe<Expr>([&] { return moment(); });
    }
    for (std::size_t n = out.kind == Statement::table ? below(3) : 0; n > 0; --n)
      out.rows.push_back(test_fields());
    return out;
  }

  ast::TestDecl test() {
    ast::TestDecl out{doc(), {text(), {}}, {}, {}};
    for (std::size_t n = below(5); n > 0; --n)
      out.statements.push_back(statement());
    return out;
  }

  std::mt19937_64 random_;
};

}  // namespace

ast::File random_file(std::uint64_t seed) {
  return Generator(seed).file();
}

}  // namespace tocsin::dsl
