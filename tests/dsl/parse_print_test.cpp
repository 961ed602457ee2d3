// parse(print(ast)) says what the AST says: over the golden files, the examples and random ASTs. And the span
// of every expression, cut out and parsed alone, is that expression.
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/dsl/parse_random_ast.hpp"
#include "tests/dsl/parse_support.hpp"

namespace tocsin::dsl {
namespace {

namespace fs = std::filesystem;

void check_round_trip(const ast::File& file) {
  const std::string text = ast::print(file);
  CAPTURE(text);
  const ParsedText again(text);
  CHECK(again.errors() == "");
  CHECK(ast::dump(again.parsed.file) == ast::dump(file));
  CHECK(ast::print(again.parsed.file) == text);
}

std::string dump_value(const ast::Expr& expr) {
  ast::ParamDecl param;
  param.value = expr;
  return ast::dump({{param}});
}

/// Each expression's place holds its text, and its operator's or name's place that text.
void check_spans(const std::string& text, const ast::Expr& expr) {
  const auto at = [&](Span span) { return text.substr(span.begin, span.end - span.begin); };
  const std::string own = at(expr.span);
  CAPTURE(own);
  const ParsedText alone("param p: int = " + own);
  REQUIRE(alone.errors() == "");
  CHECK(dump_value(*std::get<ast::ParamDecl>(alone.parsed.file.declarations.at(0)).value) ==
        dump_value(expr));
  if (expr.kind == ast::Expr::Kind::binary || expr.kind == ast::Expr::Kind::unary ||
      expr.kind == ast::Expr::Kind::member || expr.kind == ast::Expr::Kind::call) {
    CHECK(at(expr.name_span) == expr.text);
  }
  for (const ast::Expr& arg : expr.args) {
    CHECK(arg.span.begin >= expr.span.begin);
    CHECK(arg.span.end <= expr.span.end);
    check_spans(text, arg);
  }
}

std::vector<fs::path> rule_files() {
  std::vector<fs::path> files;
  for (const char* folder : {"/tests/dsl/golden", "/examples"}) {
    const fs::path path = std::string(TOCSIN_SOURCE_DIR) + folder;
    if (!fs::exists(path)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.path().extension() == ".tocsin") files.push_back(entry.path());
    }
  }
  return files;
}

}  // namespace

TEST_CASE("round trip of rule files") {
  const auto files = rule_files();
  CHECK(files.size() >= 4);
  for (const fs::path& path : files) {
    CAPTURE(path.string());
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    const ParsedText result(text.str());
    CHECK(result.errors() == "");
    check_round_trip(result.parsed.file);
  }
}

TEST_CASE("round trip of random ASTs") {
  const std::uint64_t first_seed = 1;
  for (std::uint64_t seed = first_seed; seed < first_seed + 3000; ++seed) {
    CAPTURE(seed);
    check_round_trip(random_file(seed));
  }
}

TEST_CASE("spans of random expressions") {
  const std::uint64_t first_seed = 1'000'000;
  for (std::uint64_t seed = first_seed; seed < first_seed + 300; ++seed) {
    CAPTURE(seed);
    const ParsedText result(ast::print(random_file(seed)));
    for (const ast::Declaration& declaration : result.parsed.file.declarations) {
      if (const auto* param = std::get_if<ast::ParamDecl>(&declaration); param && param->value) {
        check_spans(result.text(), *param->value);
      }
      if (const auto* rule = std::get_if<ast::RuleDecl>(&declaration); rule && rule->where) {
        check_spans(result.text(), *rule->where);
      }
    }
  }
}

TEST_CASE("canonical text") {
  const auto printed = [](const char* text) {
    const ParsedText result(text);
    CHECK(result.errors() == "");
    return ast::print(result.parsed.file);
  };
  CHECK(printed("import \"a\" import \"b\" param p: int param q: duration=90m\n/// Doc.\n"
                "event E{x:int,longer:time(ms)@timestamp /// trailing\n}event F{}") ==
        "import \"a\"\nimport \"b\"\n\nparam p: int\nparam q: duration = 1h30m\n\n/// Doc.\n"
        "event E {\n  x:      int\n  longer: time(ms) @timestamp\n}\n\nevent F {}\n");
  // Clauses in their order, and only the brackets that are needed.
  CHECK(
      printed(
          "@a @b(1)\nrule r { emit T { x, y: ((a)+(b))*(c*d) } report all within 10m "
          "where (a and (b and c)) or not ((x==1)) partition by k, A.x=B.y match (a: A), B|C ~> (D->E) }") ==
      "@a @b(1)\nrule r {\n  match a: A, B | C ~> (D -> E)\n  partition by k, A.x = B.y\n"
      "  where a and (b and c) or not x == 1\n  within 10m\n  report all\n"
      "  emit T { x, y: (a + b) * (c * d) }\n}\n");
  // Long lines are broken.
  CHECK(printed(
            "rule r { match a: Aaaaaaaaaaaaaaaaaaaaaaaaa[x > 1] -> b: Bbbbbbbbbbbbbbbbbbbbbbbbb , "
            "c: Cccccccccccccccccccccccccccc | D emit T { aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
            "b: ccccccccccccccccccccccccccccccccccccccccccccccccccccccc } }") ==
        "rule r {\n  match a: Aaaaaaaaaaaaaaaaaaaaaaaaa[x > 1]\n    -> b: Bbbbbbbbbbbbbbbbbbbbbbbbb\n"
        "    , c: Cccccccccccccccccccccccccccc | D\n  emit T {\n"
        "    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,\n"
        "    b: ccccccccccccccccccccccccccccccccccccccccccccccccccccccc,\n  }\n}\n");
}

}  // namespace tocsin::dsl
