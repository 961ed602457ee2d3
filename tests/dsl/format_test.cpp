// The layout of rule files: what it looks like, and what holds of it for every text: the same meaning, the
// same tokens, every comment once and beside the token that it stood beside, and nothing left to change. Over
// the rule texts of scripts, documents, examples and golden files, and over random ASTs with comments and
// white space at random places.
#include "dsl/format.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

#include "dsl/token.hpp"
#include "tests/dsl/parse_random_ast.hpp"
#include "tests/dsl/parse_support.hpp"

namespace tocsin::dsl {
namespace {

namespace fs = std::filesystem;

Formatted format_text(const std::string& text) {
  SourceMap sources;
  sources.files.push_back({"test.tocsin", text});
  return format(sources, 0);
}

std::string formatted(const std::string& text) {
  const Formatted result = format_text(text);
  REQUIRE(result.diagnostics.empty());
  return result.text;
}

/// What stands between two tokens.
struct Gap {
  std::string_view text;
  std::vector<std::string> comments;
};

struct Text {
  SourceMap sources;
  std::vector<Token> tokens;
  std::vector<Gap> gaps;  // before each token

  explicit Text(std::string text) {
    sources.files.push_back({"test.tocsin", std::move(text)});
    tokens = tokens_of(sources, 0);
    for (const Token& token : tokens) {
      Gap& gap = gaps.emplace_back();
      gap.text = std::string_view(all()).substr(token.span.begin - token.gap, token.gap);
      for (std::size_t at = 0; at < gap.text.size();
           at = std::min(gap.text.find('\n', at), gap.text.size()) + 1) {
        const std::string_view line = gap.text.substr(at, gap.text.find('\n', at) - at);
        const std::size_t begin = line.find("//");
        if (begin == std::string_view::npos) continue;
        gap.comments.emplace_back(line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin));
      }
    }
  }
  const std::string& all() const { return sources.files[0].text; }
};

bool closes(const Token& token) {
  return token.is(")") || token.is("]") || token.is("}");
}

/// Whether layout may move a comment over it, or drop it.
bool may_move(const Token& token) {
  for (const char* sign : {",", "->", "~>", "|", "&", "and", "or"}) {
    if (token.is(sign)) return true;
  }
  return false;
}

/// "comment @ token" for each comment: the token behind it, or before it where it ends that token's line.
std::vector<std::string> comment_places(const Text& text) {
  std::vector<std::string> places;
  for (std::size_t i = 0; i < text.tokens.size(); ++i) {
    const Gap& gap = text.gaps[i];
    const std::string_view first_line = gap.text.substr(0, gap.text.find('\n'));
    for (std::size_t k = 0; k < gap.comments.size(); ++k) {
      const bool trailing = i > 0 && k == 0 && first_line.find("//") != std::string_view::npos;
      std::size_t beside = trailing ? i - 1 : i;
      while (trailing && beside > 0 && may_move(text.tokens[beside]))
        --beside;
      places.push_back(gap.comments[k] + (trailing ? " < " : " > ") + std::string(text.tokens[beside].text));
    }
  }
  std::sort(places.begin(), places.end());
  return places;
}

/// All tokens but the commas, which are few enough in kind to be left to the comparison of ASTs.
std::vector<std::string> words(const Text& text) {
  std::vector<std::string> out;
  for (const Token& token : text.tokens) {
    if (!token.is(",")) out.emplace_back(token.text);
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// The tokens with whether a space stands before each; unknown where a line begins there in either text.
struct Spaced {
  std::string text;
  bool space = false;
  bool known = false;

  bool operator==(const Spaced& other) const {
    return text == other.text && (space == other.space || !known || !other.known);
  }
};

/// Without commas before closing brackets.
std::vector<Spaced> spaced(const Text& text) {
  std::vector<Spaced> out;
  for (std::size_t i = 0; i + 1 < text.tokens.size(); ++i) {
    const Token& token = text.tokens[i];
    if (token.is(",") && closes(text.tokens[i + 1])) continue;
    out.push_back({std::string(token.text), token.gap > 0, !token.line_start});
  }
  return out;
}

doctest::String toString(const std::vector<Spaced>& tokens) {
  std::string out;
  for (const Spaced& token : tokens)
    out += (token.known ? token.space ? " " : "" : "\n") + token.text;
  return out.c_str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

/// Everything that must hold of the layout of a text without syntax errors. Returns the layout.
std::string check_layout(const std::string& text) {
  CAPTURE(text);
  const ParsedText before(text);
  REQUIRE(before.errors() == "");
  const Formatted result = format_text(text);
  REQUIRE(result.diagnostics.empty());
  const std::string& after = result.text;
  CAPTURE(after);
  CHECK(formatted(after) == after);
  CHECK(ast::dump(ParsedText(after).parsed.file) == ast::dump(before.parsed.file));
  const Text old_text(text), new_text(after);
  CHECK(words(old_text) == words(new_text));
  CHECK(comment_places(old_text) == comment_places(new_text));
  CHECK((after.empty() || after.back() == '\n'));
  bool blank = true;
  for (const std::string& line : lines_of(after)) {
    CHECK_MESSAGE(!line.ends_with(' '), line);
    CHECK_MESSAGE(!(blank && line.empty()), "two empty lines, or one at the start");
    blank = line.empty();
  }
  CHECK((!blank || after.empty()));
  return after;
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return std::move(text).str();
}

/// The lines between one that is `begin` and the next that passes `end`, for each such place.
template <typename End>
void add_blocks(const std::string& text, const std::string& begin, End end, std::vector<std::string>& out) {
  bool inside = false;
  for (const std::string& line : lines_of(text)) {
    if (inside && end(line)) {
      inside = false;
    } else if (inside) {
      out.back() += line + "\n";
    } else if (line == begin) {
      inside = true;
      out.emplace_back();
    }
  }
}

std::vector<std::string> rule_texts() {
  std::vector<std::string> out;
  const fs::path root = TOCSIN_SOURCE_DIR;
  for (const char* folder : {"tests/dsl/golden", "examples", "tests/scripts", "docs"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const fs::path extension = entry.path().extension();
      if (extension == ".tocsin") out.push_back(read(entry.path()));
      if (extension == ".md") {
        add_blocks(
            read(entry.path()), "```tocsin", [](const std::string& line) { return line == "```"; }, out);
      }
      if (extension == ".test") {
        const auto ends = [](const std::string& line) {
          return line == "events:" || line == "matches:" || line == "errors:";
        };
        add_blocks(read(entry.path()), "rules:", ends, out);
      }
    }
  }
  return out;
}

/// Comments, line ends and spaces put between the tokens of a text; some of it may no longer parse.
class Mess {
 public:
  explicit Mess(std::uint64_t seed) : random_(seed) {}

  /// The clauses of each rule in another order.
  std::string shuffle(const std::string& text) {
    const ParsedText parsed(text);
    std::string out = text;
    for (const ast::Declaration& declaration : parsed.parsed.file.declarations) {
      const auto* rule = std::get_if<ast::RuleDecl>(&declaration);
      if (rule == nullptr || rule->clauses.empty()) continue;
      std::vector<std::string> clauses;
      const std::size_t begin = rule->clauses.front().begin;
      const std::size_t end = rule->span.end - 1;
      for (std::size_t i = 0; i < rule->clauses.size(); ++i) {
        const std::size_t next = i + 1 < rule->clauses.size() ? rule->clauses[i + 1].begin : end;
        clauses.push_back(text.substr(rule->clauses[i].begin, next - rule->clauses[i].begin));
      }
      std::shuffle(clauses.begin(), clauses.end(), random_);
      std::string joined;
      for (const std::string& clause : clauses)
        joined += clause;
      out.replace(begin, end - begin, joined);
    }
    return out;
  }

  /// Commas before closing brackets, and brackets around a word or literal.
  std::string extras(const std::string& text) {
    const Text in(text);
    std::string out;
    for (std::size_t i = 0; i < in.tokens.size(); ++i) {
      const Token& token = in.tokens[i];
      const bool brackets =
          token.kind != Token::Kind::symbol && token.kind != Token::Kind::end && below(40) == 0;
      out += in.gaps[i].text;
      if (closes(token) && below(20) == 0) out += ",";
      out += brackets ? "(" + std::string(token.text) + ")" : std::string(token.text);
    }
    return out;
  }

  /// About one gap in `one_in` is changed.
  std::string gaps(const std::string& text, std::size_t one_in) {
    const Text in(text);
    std::string out;
    for (std::size_t i = 0; i < in.tokens.size(); ++i) {
      const std::string_view old_gap = in.gaps[i].text;
      out += below(one_in) == 0 ? gap(old_gap) : std::string(old_gap);
      out += in.tokens[i].text;
    }
    return out;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  std::string comment() {
    constexpr const char* beginnings[] = {"// ", "//", "/// ", "//// ", "//\t\"é\" { ( ", "// }"};
    return beginnings[below(6)] + std::to_string(++comments_);
  }

  std::string gap(std::string_view old) {
    switch (below(8)) {
      case 0: return std::string(old) + "\n";
      case 1: return std::string(old) + "  \t ";
      case 2: return std::string(old) + "\n\n\n" + comment() + "\n";
      case 3: return " " + comment() + "\n" + std::string(old);
      case 4: return " " + comment() + "\n\n" + comment() + " \n" + comment() + "\n \n" + std::string(old);
      case 5: return old.find("//") == std::string_view::npos && !old.empty() ? " " : std::string(old);
      default: return std::string(old) + comment() + "\n";
    }
  }

  std::mt19937_64 random_;
  std::size_t comments_ = 0;
};

}  // namespace

TEST_CASE("layout of the rule texts of scripts, documents and examples") {
  std::size_t good = 0, bad = 0;
  for (const std::string& text : rule_texts()) {
    const ParsedText parsed(text);
    if (parsed.errors().empty()) {
      ++good;
      check_layout(text);
      Mess mess(good);
      for (int i = 0; i < 4; ++i) {
        const std::string messy = mess.gaps(mess.shuffle(text), 6);
        if (ParsedText(messy).errors().empty()) check_layout(messy);
      }
    } else {
      ++bad;
      const Formatted result = format_text(text);
      CHECK(result.text == "");
      CHECK(result.diagnostics.size() == parsed.parsed.diagnostics.size());
    }
  }
  CHECK(good > 200);
  CHECK(bad > 0);
}

TEST_CASE("layout of random ASTs has the spaces of ast::print") {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    const std::string text = ast::print(random_file(seed));
    CHECK(spaced(Text(check_layout(text))) == spaced(Text(text)));
  }
}

TEST_CASE("layout of random ASTs with comments and white space at random") {
  std::size_t done = 0;
  for (std::uint64_t seed = 1; seed <= 5000; ++seed) {
    CAPTURE(seed);
    Mess mess(seed);
    const std::string text = ast::print(random_file(seed));
    const std::string messy = mess.gaps(mess.shuffle(text), 2 + seed % 20);
    if (!ParsedText(messy).errors().empty()) continue;
    ++done;
    // Only space, comments and the order of clauses were changed.
    const std::string after = check_layout(messy);
    CHECK(spaced(Text(after)) == spaced(Text(formatted(text))));
  }
  CHECK(done > 1000);
}

TEST_CASE("layout keeps brackets that say nothing, and drops commas that do") {
  std::size_t done = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    Mess mess(seed);
    const std::string messy = mess.gaps(mess.extras(ast::print(random_file(seed))), 10);
    if (!ParsedText(messy).errors().empty()) continue;
    ++done;
    check_layout(messy);
  }
  CHECK(done > 200);
}

TEST_CASE("the example of the layout in docs/language.md is laid out so") {
  const std::string page = read(std::string(TOCSIN_SOURCE_DIR) + "/docs/language.md");
  const std::size_t section = page.find("\n## Layout\n");
  REQUIRE(section != std::string::npos);
  std::vector<std::string> blocks;
  add_blocks(
      page.substr(section), "```tocsin", [](const std::string& line) { return line == "```"; }, blocks);
  REQUIRE(!blocks.empty());
  CHECK(formatted(blocks[0]) == blocks[0]);
}

TEST_CASE("layout of declarations") {
  CHECK(check_layout("") == "");
  CHECK(check_layout(" \n\t\n") == "");
  CHECK(check_layout("\n// Only this.") == "// Only this.\n");
  CHECK(check_layout("\xEF\xBB\xBFparam p:int=10_000") == "param p: int = 10_000\n");
  CHECK(check_layout("import \"a\" import \"b\"\n\n\nparam p:duration=1h30m\nparam q:float=1.50 event F{}") ==
        "import \"a\"\nimport \"b\"\n\nparam p: duration = 1h30m\nparam q: float = 1.50\nevent F {}\n");
  // Fields on lines of their own are in columns, and without commas; those on one line stay there.
  CHECK(check_layout(
            "event E{x:int?,\n\n\n// at\nlonger:time( ms )@timestamp@key, // when\ny : enum(a,b,)[]@k}") ==
        "event E {\n  x:      int?\n\n  // at\n  longer: time(ms)      @timestamp @key  // when\n"
        "  y:      enum(a, b)[]  @k\n}\n");
  CHECK(check_layout("event E{x:int,y:time@timestamp,}\nevent F{y:int}") ==
        "event E { x: int, y: time @timestamp }\nevent F { y: int }\n");
  CHECK(check_layout("/// Doc.\n\n@a @b( 1,)\n@c\nrule r{match A}rule s{}") ==
        "/// Doc.\n\n@a @b(1)\n@c\nrule r {\n  match  A\n}\n\nrule s {}\n");
  // Lines end as the first one does.
  CHECK(check_layout("param p: int\r\n// c \r\n\r\nparam q:int") ==
        "param p: int\r\n// c\r\n\r\nparam q: int\r\n");
  CHECK(check_layout("param p: int\nparam q: int\r\n") == "param p: int\nparam q: int\n");
}

TEST_CASE("layout of rules") {
  // Clauses in order, each with its comments; brackets, numbers and texts as they are.
  CHECK(check_layout(
            "rule r { // about r\n\n  // what\n  emit T { x, y: ((a)+1_000)*-b, } // sent\n  within 90m\n\n"
            "\n  where not(a==\"\\u0041\")\n  match a:A{2..}->not B for 5s\n  // end\n}") ==
        "rule r {  // about r\n  match  a: A{2..} -> not B for 5s\n\n  where not (a == \"\\u0041\")\n  "
        "within 90m\n\n"
        "  // what\n  emit T { x, y: ((a) + 1_000) * -b }  // sent\n  // end\n}\n");
  // A pattern that the author broke at one edge is broken at all, with names and edges in columns.
  CHECK(check_layout("rule r { match first: A[x > 1] ->\n // long\n b:B // short\n, not C ~>[5s] d: D }") ==
        "rule r {\n  match  first: A[x > 1]\n      ->\n         // long\n         b:     B  // short\n"
        "      ,  not C\n      ~>[5s] d:     D\n}\n");
  CHECK(check_layout("rule r { match a: A[x > 1] -> // two\n (b: B | C){2}\n -> d: D }") ==
        "rule r {\n  match  a: A[x > 1]  // two\n      -> (b: B | C){2}\n      -> d: D\n}\n");
  // So is one that is too long; conditions are broken at what binds loosest.
  const std::string long_name(40, 'x');
  CHECK(check_layout("rule r { match a: A[" + long_name + " > 1] -> b: B[" + long_name + " > 2] }") ==
        "rule r {\n  match  a: A[" + long_name + " > 1]\n      -> b: B[" + long_name + " > 2]\n}\n");
  CHECK(check_layout("rule r { where " + long_name + " between 1 and 2 and " + long_name + " > 1 and b }") ==
        "rule r {\n  where " + long_name + " between 1 and 2\n    and " + long_name + " > 1\n    and b\n}\n");
  CHECK(check_layout("rule r { where a // first\n and b or\n c }") ==
        "rule r {\n  where a  // first\n    and b\n    or c\n}\n");
  CHECK(check_layout("rule r { match a: A[" + long_name + " > 1 and " + long_name + " < 2 and (a or b)] }") ==
        "rule r {\n  match  a: A[" + long_name + " > 1\n              and " + long_name +
            " < 2\n              and (a or b)]\n}\n");
  // Lists take as many items on a line as fit.
  CHECK(check_layout("rule r { where " + long_name + " in (1, " + long_name + ", 3, 4, 5, 6) }") ==
        "rule r {\n  where " + long_name + " in (1, " + long_name + ", 3,\n" + std::string(53, ' ') +
            "4, 5, 6)\n}\n");
  CHECK(check_layout("rule r { where ip in (\n\"a\" // one\n,\n\"b\", // two\n) }") ==
        "rule r {\n  where ip in (\"a\",  // one\n               \"b\"   // two\n               )\n}\n");
  CHECK(check_layout("rule r { where a in ( // one\n b or c,) }") ==
        "rule r {\n  where a in (  // one\n              b\n              or c)\n}\n");
  // An emit whose first field begins a line, or that does not fit on one.
  CHECK(check_layout("rule r { emit T {\n a, // one\n\n b: 2 // two\n } }") ==
        "rule r {\n  emit T {\n    a,  // one\n\n    b: 2,  // two\n  }\n}\n");
  CHECK(check_layout("rule r { on timeout emit T { a: " + long_name + ", b: " + long_name + ", c: 1 } }") ==
        "rule r {\n  on timeout emit T {\n    a: " + long_name + ",\n    b: " + long_name +
            ",\n    c: 1,\n  }\n}\n");
}

TEST_CASE("layout of tables") {
  CHECK(check_layout("table seen from A\n keyed by k , l\ntable t from \"b.csv\" { ip : string @key // who\n"
                     " , score:int\nlonger: float? } table one from \"c.csv\"{a:string @key,b:int}") ==
        "table seen from A keyed by k, l\n\n"
        "table t from \"b.csv\" {\n  ip:     string  @key  // who\n  score:  int\n  longer: float?\n}\n\n"
        "table one from \"c.csv\" { a: string @key, b: int }\n");
}

TEST_CASE("layout of rules with a window") {
  CHECK(
      check_layout("rule r { emit T { n: count() } // sent\nthrottle 10m when count()>5 and sum( x )>=1_000 "
                   "on rise for 5m keep 1m // why\n window sliding 100 events // how\n partition by k "
                   "from A[x>1],B }") ==
      "rule r {\n  from A[x > 1], B\n  partition by k\n"
      "  window sliding 100 events                                    // how\n"
      "  when count() > 5 and sum(x) >= 1_000 on rise for 5m keep 1m  // why\n"
      "  throttle 10m\n  emit T { n: count() }  // sent\n}\n");
  const std::string name(36, 'x');
  CHECK(check_layout("rule r { when count(" + name + ") > 5 and percentile(" + name +
                     ", 99.9) > 1 on close window session gap 90s from A }") ==
        "rule r {\n  from A\n  window session gap 90s\n  when count(" + name + ") > 5\n    and percentile(" +
            name + ", 99.9) > 1 on close\n}\n");
}

TEST_CASE("layout of tests") {
  CHECK(check_layout(
            "test \"one\" { start @2026-01-31T12:00:00Z\n param n=3 table t { {ip:\"a\",score:1} // row"
            "\n\n { ip: \"b\", score: 2 } }\n 0s..2s   every 1s Payment{card:\"A\",amount:1} // three\n"
            " 9s Payment { card: \"A\",\n amount: 500 }\n  advance 5m\n // end\n\n expect T{card:\"A\"} "
            "at 9s expect 3 T{} expect no T expect T exactly { a: [1,2] } }") ==
        "test \"one\" {\n  start @2026-01-31T12:00:00Z\n  param n = 3\n"
        "  table t {\n    { ip: \"a\", score: 1 }  // row\n\n    { ip: \"b\", score: 2 }\n  }\n"
        "  0s..2s every 1s  Payment { card: \"A\", amount: 1 }  // three\n"
        "  9s  Payment { card: \"A\", amount: 500 }\n  advance 5m\n  // end\n\n"
        "  expect T { card: \"A\" } at 9s\n  expect 3 T {}\n  expect no T\n"
        "  expect T exactly { a: [1, 2] }\n}\n");
}

TEST_CASE("a layout that would make a keyword of a name") {
  // `from` is a name here, as long as no line begins with it and a bracket behind it.
  check_layout("rule r { where f(1 // one\n, from(2)) }");
  check_layout("rule r { emit // type\n rule\n { x: 1 } }");
  check_layout("rule r { emit // type\n table\n {x:1}\n partition by a = // key\n from // key\n . emit\n }");
  check_layout("rule r { where a + // name\n from\n not in (1) }");
  check_layout("rule r { where // two\n on\n not in (on\n , \n from\n (1)) }");
  check_layout("rule r { where a in (" + std::string(90, 'x') + ", on not in (1)) }");
}

TEST_CASE("a file with errors has no layout") {
  const Formatted result = format_text("event E { x int }\nrule r { match A }\nparam : int");
  CHECK(result.text == "");
  CHECK(result.diagnostics.size() == 2);
}

}  // namespace tocsin::dsl
