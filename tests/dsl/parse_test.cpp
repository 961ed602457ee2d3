// Text → dump. Whole files in golden/ (TOCSIN_UPDATE_GOLDEN=1 writes the dumps anew, to be read before they
// are committed), and tables for expressions, types and patterns.
#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/dsl/parse_support.hpp"

namespace tocsin::dsl {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

struct Case {
  const char* text;
  const char* dump;
};

/// The dump of an expression, as the value of a parameter.
std::string dump_expression(const std::string& text) {
  const std::string head = "param p: int = ";
  const ParsedText result(head + text);
  CHECK(result.errors() == "");
  std::string dump = ast::dump(result.parsed.file);
  REQUIRE(dump.size() > head.size());
  return dump.substr(head.size(), dump.size() - head.size() - 1);
}

/// The dump of a pattern without its head, on one line.
std::string dump_pattern(const std::string& text) {
  const ParsedText result("rule r { match " + text + " }");
  CHECK(result.errors() == "");
  std::istringstream lines(ast::dump(result.parsed.file));
  std::string out, line;
  while (std::getline(lines, line)) {
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent < 4) continue;
    out += std::string(indent / 2 - 2, '.') + line.substr(indent) + ";";
  }
  return out;
}

}  // namespace

TEST_CASE("golden dumps of whole files") {
  const bool update = std::getenv("TOCSIN_UPDATE_GOLDEN") != nullptr;
  int files = 0;
  for (const auto& entry : fs::directory_iterator(TOCSIN_SOURCE_DIR "/tests/dsl/golden")) {
    if (entry.path().extension() != ".tocsin") continue;
    CAPTURE(entry.path().filename().string());
    const ParsedText result(read(entry.path()));
    CHECK(result.errors() == "");
    fs::path golden = entry.path();
    golden.replace_extension(".dump");
    const std::string dump = ast::dump(result.parsed.file);
    if (update) std::ofstream(golden, std::ios::binary) << dump;
    CHECK(dump == read(golden));
    ++files;
  }
  CHECK(files >= 3);
}

TEST_CASE("expressions: precedence and grouping") {
  const std::vector<Case> cases = {
      {"a or b and not c == d + e * -f.g", "(or a (and b (not (== c (+ d (* e (neg (. f g))))))))"},
      {"a and b or c", "(or (and a b) c)"},
      {"(a or b) and c", "(and (or a b) c)"},
      {"a or b or c", "(or (or a b) c)"},
      {"not not a", "(not (not a))"},
      {"not a and b", "(and (not a) b)"},
      {"not (a and b)", "(not (and a b))"},
      {"a - b - c", "(- (- a b) c)"},
      {"a - (b - c)", "(- a (- b c))"},
      {"a / b * c % d", "(% (* (/ a b) c) d)"},
      {"a + b < c - d", "(< (+ a b) (- c d))"},
      {"(a < b) == (c < d)", "(== (< a b) (< c d))"},
      {"a -b", "(- a b)"},
      {"a - -b", "(- a (neg b))"},
      {"- - a", "(neg (neg a))"},
      {"-5", "-5"},
      {"- 5", "-5"},
      {"-(5)", "(neg 5)"},
      {"- -5", "(neg -5)"},
      {"a -5", "(- a 5)"},
      {"-5 * 3", "(* -5 3)"},
      {"-a.b", "(neg (. a b))"},
      {"first(p).at", "(. (call first p) at)"},
      {"p[0].amount", "(. (index p 0) amount)"},
      {"p[i + 1][j]", "(index (index p (+ i 1)) j)"},
      {"(a)", "a"},
      {"((a + b)) * c", "(* (+ a b) c)"},
  };
  for (const Case& each : cases) {
    CAPTURE(std::string(each.text));
    CHECK(dump_expression(each.text) == each.dump);
  }
}

TEST_CASE("expressions: comparisons") {
  const std::vector<Case> cases = {
      {"a == b", "(== a b)"},
      {"a ==~ b", "(==~ a b)"},
      {"a !=~ b", "(!=~ a b)"},
      {"a != b and a <= b and a >= b", "(and (and (!= a b) (<= a b)) (>= a b))"},
      {"tags has \"x\"", "(has tags \"x\")"},
      {"a in (1, 2, 3)", "(in a 1 2 3)"},
      {"a in~ (\"x\",)", "(in~ a \"x\")"},
      {"a not in (1)", "(not-in a 1)"},
      {"a not in~ (1)", "(not-in~ a 1)"},
      {"not a in (1)", "(not (in a 1))"},
      {"a like \"x*\"", "(like a \"x*\")"},
      {"a like (\"x*\", \"y?\")", "(like a \"x*\" \"y?\")"},
      {"a like~ b + c", "(like~ a (+ b c))"},
      {"a not like \"x\"", "(not-like a \"x\")"},
      {"a matches \"^x\" or b matches~ (\"y\")", "(or (matches a \"^x\") (matches~ b \"y\"))"},
      {"a not matches~ \"x\"", "(not-matches~ a \"x\")"},
      {"a between 1 and 2 and b", "(and (between a 1 2) b)"},
      {"a not between b + 1 and -2", "(not-between a (+ b 1) -2)"},
      {"a is null", "(is-null a)"},
      {"a.b is not null", "(is-not-null (. a b))"},
      {"any(tags like \"adm*\")", "(call any (like tags \"adm*\"))"},
      {"if(a > 1, \"x\", \"y\")", "(call if (> a 1) \"x\" \"y\")"},
      {"now()", "(call now)"},
      {"sum(p.amount,)", "(call sum (. p amount))"},
  };
  for (const Case& each : cases) {
    CAPTURE(std::string(each.text));
    CHECK(dump_expression(each.text) == each.dump);
  }
}

TEST_CASE("expressions: names are not taken apart, keywords are contextual") {
  const std::vector<Case> cases = {
      {"orders or ders", "(or orders ders)"},
      {"android and nothing", "(and android nothing)"},
      {"inside in (island)", "(in inside island)"},
      {"not_x == notx", "(== not_x notx)"},
      {"nullable", "nullable"},
      {"truer", "truer"},
      {"rule + from + within + event", "(+ (+ (+ rule from) within) event)"},
      {"match.emit", "(. match emit)"},
      {"a\n  and\n  within\n  > 3", "(and a (> within 3))"},
      {"a // not b\n or c", "(or a c)"},
      {"_a1 + B_2", "(+ _a1 B_2)"},
  };
  for (const Case& each : cases) {
    CAPTURE(std::string(each.text));
    CHECK(dump_expression(each.text) == each.dump);
  }
}

TEST_CASE("patterns") {
  const std::vector<Case> cases = {
      {"A", "step A;"},
      {"a: A[x > 1]", "step a: A;.condition (> x 1);"},
      {"A -> b: B ~> C, D", "sequence;.step A;.relaxed step b: B;.any step C;.strict step D;"},
      {"A | B -> C", "sequence;.alternation;..step A;..step B;.relaxed step C;"},
      {"A | B | C", "alternation;.step A;.step B;.step C;"},
      {"(A -> B) | C", "alternation;.group sequence;..step A;..relaxed step B;.step C;"},
      {"(A | B), C", "sequence;.group alternation;..step A;..step B;.strict step C;"},
      {"A -> (B -> C)", "sequence;.step A;.relaxed group sequence;..step B;..relaxed step C;"},
      {"((A -> B) -> C) -> D",
       "sequence;.group sequence;..group sequence;...step A;...relaxed step B;..relaxed step C;.relaxed step "
       "D;"},
      {"(A | B) | C", "alternation;.group alternation;..step A;..step B;.step C;"},
      {"(A)", "step A;"},
      {"((A -> B))", "group sequence;.step A;.relaxed step B;"},
      {"A{3}", "step A {3..3};"},
      {"A{3..}", "step A {3..};"},
      {"A{3..5}", "step A {3..5};"},
      {"A{0..1_000 strict}", "step A {0..1000 strict};"},
      {"A{2.. any}", "step A {2.. any};"},
      {"A{2 relaxed}", "step A {2..2 relaxed};"},
      {"A+ -> B* -> C?", "sequence;.step A {1..};.relaxed step B {0..};.relaxed step C {0..1};"},
      {"A[x]{2..}, B", "sequence;.step A {2..};..condition x;.strict step B;"},
      {"from: within -> event: match", "sequence;.step from: within;.relaxed step event: match;"},
      {"any: A[any(x)]", "step any: A;.condition (call any x);"},
      {"any -> any[any(x)]", "sequence;.step any;.relaxed step any[…];..condition (call any x);"},
      {"any: any[x]", "step any: any[…];.condition x;"},
  };
  for (const Case& each : cases) {
    CAPTURE(std::string(each.text));
    CHECK(dump_pattern(each.text) == each.dump);
  }
}

TEST_CASE("patterns: loops, groups, any order, what must not come") {
  const std::vector<Case> cases = {
      {"A??", "step A {0..1} reluctant;"},
      {"A*+ -> B+ + -> C{2} ?",
       "sequence;.step A {0..} possessive;.relaxed step B {1..} possessive;.relaxed step C {2..2} "
       "reluctant;"},
      {"A{3.. gap 5s}", "step A {3.. gap 5s};"},
      {"A{2..5 any gap 2 * t}+", "step A {2..5 any gap (* 2 t)} possessive;"},
      {"A+ until [x > 1]", "step A {1..};.until (> x 1);"},
      {"A[y]{2..}? until [x]", "step A {2..} reluctant;.condition y;.until x;"},
      {"A & B | C & D -> E",
       "sequence;.alternation;..permutation;...step A;...step B;..permutation;...step C;...step D;.relaxed "
       "step E;"},
      {"A & B & C+", "permutation;.step A;.step B;.step C {1..};"},
      {"(A & B) & C", "permutation;.group permutation;..step A;..step B;.step C;"},
      {"(A -> B){2..3 strict}", "group sequence {2..3 strict};.step A;.relaxed step B;"},
      {"(A | B)* -> C", "sequence;.group alternation {0..};..step A;..step B;.relaxed step C;"},
      {"(A -> B within 5s)?", "group sequence {0..1} within 5s;.step A;.relaxed step B;"},
      {"(A)+", "group sequence {1..};.step A;"},
      {"((A))", "step A;"},
      {"(A{2} within t)", "group sequence within t;.step A {2..2};"},
      {"((A -> B)){2}", "group sequence {2..2};.step A;.relaxed step B;"},
      {"((A -> B)+)", "group sequence {1..};.step A;.relaxed step B;"},
      {"((A -> B)+ within 5s){2}",
       "group sequence {2..2} within 5s;.group sequence {1..};..step A;..relaxed step B;"},
      {"((A -> B within 1s) within 5s)",
       "group sequence within 5s;.group sequence within 1s;..step A;..relaxed step B;"},
      {"A ->[5s] B ~>[t] C , D", "sequence;.step A;.relaxed [5s] step B;.any [t] step C;.strict step D;"},
      {"A -> not B[x] -> C", "sequence;.step A;.relaxed not B;..condition x;.relaxed step C;"},
      {"A , not B -> not C -> D", "sequence;.step A;.strict not B;.relaxed not C;.relaxed step D;"},
      {"not B for 30s -> A", "sequence;.not B for 30s;.relaxed step A;"},
      {"A -> not any[x] for t", "sequence;.step A;.relaxed not any[…] for t;..condition x;"},
      {"(not A)", "group sequence;.not A;"},
      {"until -> for: gap{2} -> not within",
       "sequence;.step until;.relaxed step for: gap {2..2};.relaxed not within;"},
  };
  for (const Case& each : cases) {
    CAPTURE(std::string(each.text));
    CHECK(dump_pattern(each.text) == each.dump);
  }
}

TEST_CASE("a doc comment belongs to what follows it on lines of its own") {
  const ParsedText result(
      "\xEF\xBB\xBF/// One.\n///\n///  Two.  \r\n//// no doc\n// neither\nevent A { /// of no one\n"
      "  /// The x.\n  x: int /// of x, too late\n  y: int\n}\n"
      "/// Before.\n@a(1)\n/// After.\nrule r { /// none\n from A emit B { x } }\n");
  CHECK(result.errors() == "");
  const auto& event = std::get<ast::EventDecl>(result.parsed.file.declarations.at(0));
  CHECK(event.doc == "One.\n\n Two.");
  CHECK(event.fields.at(0).doc == "The x.");
  CHECK(event.fields.at(1).doc == "");
  CHECK(std::get<ast::RuleDecl>(result.parsed.file.declarations.at(1)).doc == "Before.\nAfter.");
}

TEST_CASE("an empty file and one of comments have no declarations") {
  for (const char* text : {"", "\n", "// only\n/// this", "\xEF\xBB\xBF", " \t\r\n"}) {
    CAPTURE(std::string(text));
    const ParsedText result(text);
    CHECK(result.errors() == "");
    CHECK(result.parsed.file.declarations.empty());
  }
}

TEST_CASE("spans and name spans cover what they name") {
  const ParsedText result("param p: int = f( a ).b[ 1 ] not in ( (c + d) * -2, 3 ) and x is not null");
  REQUIRE(result.errors() == "");
  const auto at = [&](Span span) { return result.text().substr(span.begin, span.end - span.begin); };
  const ast::Expr& whole = *std::get<ast::ParamDecl>(result.parsed.file.declarations.at(0)).value;
  CHECK(at(whole.span) == "f( a ).b[ 1 ] not in ( (c + d) * -2, 3 ) and x is not null");
  CHECK(at(whole.name_span) == "and");
  const ast::Expr& in = whole.args.at(0);
  CHECK(at(in.span) == "f( a ).b[ 1 ] not in ( (c + d) * -2, 3 )");
  CHECK(at(in.name_span) == "not in");
  const ast::Expr& index = in.args.at(0);
  CHECK(at(index.span) == "f( a ).b[ 1 ]");
  const ast::Expr& member = index.args.at(0);
  CHECK(at(member.span) == "f( a ).b");
  CHECK(at(member.name_span) == "b");
  const ast::Expr& call = member.args.at(0);
  CHECK(at(call.span) == "f( a )");
  CHECK(at(call.name_span) == "f");
  CHECK(at(call.args.at(0).span) == "a");
  const ast::Expr& product = in.args.at(1);
  CHECK(at(product.span) == "(c + d) * -2");
  CHECK(at(product.name_span) == "*");
  CHECK(at(product.args.at(0).span) == "(c + d)");
  CHECK(at(product.args.at(0).name_span) == "+");
  CHECK(at(product.args.at(1).span) == "-2");
  const ast::Expr& is_null = whole.args.at(1);
  CHECK(at(is_null.span) == "x is not null");
  CHECK(at(is_null.name_span) == "is not");
}

TEST_CASE("spans of declarations and their parts") {
  const ParsedText result(
      "import \"a\"\n@t(1)  event E { at: time(ms)[]? @timestamp }\n"
      "rule r { match x: A[y]{2..}  , ( B | C ) from A[z], B partition by A.k = B.l , m "
      "within 5 events emit T { a } }");
  REQUIRE(result.errors() == "");
  const auto at = [&](Span span) { return result.text().substr(span.begin, span.end - span.begin); };
  const auto& declarations = result.parsed.file.declarations;
  CHECK(at(std::get<ast::ImportDecl>(declarations.at(0)).span) == "import \"a\"");
  const auto& event = std::get<ast::EventDecl>(declarations.at(1));
  CHECK(at(event.span) == "event E { at: time(ms)[]? @timestamp }");
  CHECK(at(event.annotations.at(0).span) == "@t(1)");
  CHECK(at(event.fields.at(0).name.span) == "at");
  CHECK(at(event.fields.at(0).type.span) == "time(ms)[]?");
  CHECK(at(event.fields.at(0).annotations.at(0).span) == "@timestamp");
  const auto& rule = std::get<ast::RuleDecl>(declarations.at(2));
  CHECK(at(rule.span).substr(0, 8) == "rule r {");
  CHECK(rule.span.end == result.text().size());
  CHECK(at(rule.match->span) == "x: A[y]{2..}  , ( B | C )");
  CHECK(at(rule.match->children.at(0).span) == "x: A[y]{2..}");
  CHECK(at(rule.match->children.at(0).quantifier->span) == "{2..}");
  CHECK(at(rule.match->children.at(1).span) == "( B | C )");
  CHECK(at(rule.from.at(0).span) == "A[z]");
  CHECK(at(rule.partition.at(0).span) == "A.k = B.l");
  CHECK(at(rule.partition.at(1).span) == "m");
  CHECK(at(rule.within->span) == "5 events");
  CHECK(at(rule.emit->span) == "T { a }");
}

TEST_CASE("spans of loops, groups, edges and negations") {
  const ParsedText result(
      "rule r { match not A[x] for 5s ->[ 5s ] ( B  within 5s ){2 gap 3s} -> ( C+ ? until [ x ] ) , ( D & E )"
      " on timeout emit T { a } }");
  REQUIRE(result.errors() == "");
  const auto at = [&](Span span) { return result.text().substr(span.begin, span.end - span.begin); };
  const auto& rule = std::get<ast::RuleDecl>(result.parsed.file.declarations.at(0));
  const ast::Pattern& match = *rule.match;
  CHECK(at(match.children.at(0).span) == "not A[x] for 5s");
  CHECK(at(match.children.at(0).duration->span) == "5s");
  CHECK(at(match.edges.at(1).span) == "->[ 5s ]");
  CHECK(at(match.edges.at(2).span) == "->");
  CHECK(at(match.children.at(1).span) == "( B  within 5s ){2 gap 3s}");
  CHECK(at(match.children.at(1).quantifier->span) == "{2 gap 3s}");
  CHECK(at(match.children.at(1).children.at(0).span) == "B");
  CHECK(at(match.children.at(2).span) == "( C+ ? until [ x ] )");
  CHECK(at(match.children.at(2).quantifier->span) == "+ ?");
  CHECK(at(match.children.at(2).until->span) == "x");
  CHECK(at(match.children.at(3).span) == "( D & E )");
  CHECK(at(rule.timeout->span) == "T { a }");
}

}  // namespace tocsin::dsl
