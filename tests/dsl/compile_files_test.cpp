// Files: imports, what --set gives, and what can't be read.
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

#include "tests/dsl/compile_support.hpp"

using namespace tocsin::dsl;
using tocsin::dsl::test::summary;

namespace {

using Files = std::map<std::string, std::string>;

struct Disk {
  Files files;
  std::vector<std::string> reads;

  Compiled compile(const std::vector<std::string>& paths,
                   std::vector<std::pair<std::string, std::string>> params = {}) {
    return compile_files(paths, {.params = std::move(params), .read_file = [this](const std::string& path) {
                                   reads.push_back(path);
                                   const auto found = files.find(path);
                                   return found == files.end() ? std::optional<std::string>() : found->second;
                                 }});
  }
};

std::vector<std::string> type_names(const Compiled& compiled) {
  std::vector<std::string> names;
  if (!compiled.plan) return names;
  for (const auto& type : compiled.plan->catalog.types)
    names.push_back(type.name);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("imports are relative to the importing file and stand where they are written") {
  Disk disk{{{"rules/main.tocsin", "event A { x: int }\nimport \"lib/b.tocsin\"\nevent C { x: int }\n"},
             {"rules/lib/b.tocsin", "import \"../d.tocsin\"\nevent B { x: int }\n"},
             {"rules/d.tocsin", "event D { x: int }\nrule d { from C emit E { x } }\n"}},
            {}};
  const auto compiled = disk.compile({"rules/main.tocsin"});
  CHECK(summary(compiled) == "");
  CHECK(type_names(compiled) == Names{"A", "D", "B", "C", "E"});
}

TEST_CASE("each file is read once, and files may import each other") {
  Disk disk{{{"a", "import \"b\"\nimport \"./b\"\nimport \"x/../b\"\nevent A { x: int }\n"},
             {"b", "import \"a\"\nimport \"b\"\nevent B { x: int }\n"}},
            {}};
  const auto compiled = disk.compile({"a", "b", "./a"});
  CHECK(summary(compiled) == "");
  CHECK(type_names(compiled) == Names{"B", "A"});
  CHECK(disk.reads == Names{"a", "b"});
}

TEST_CASE("a missing import is one error, and silences what it may have declared") {
  Disk disk{{{"dir/a", "import \"nope\"\nrule r { from X[y > z and 1] emit R { y } }\n"}}, {}};
  CHECK(summary(disk.compile({"dir/a"})) ==
        "1:1 cannot read 'dir/nope'\n2:27 a condition is true or false; this is an int\n");
}

TEST_CASE("a missing file is an error with its name") {
  Disk disk;
  const auto compiled = disk.compile({"nope.tocsin"});
  CHECK(!compiled.plan);
  CHECK(render(compiled.diagnostics, compiled.sources)
            .starts_with("nope.tocsin:1:1: error: cannot read 'nope.tocsin'\n"));
}

TEST_CASE("mistakes of all files show, each in its place") {
  Disk disk{{{"a", "import \"b\"\nevent A { x: flot }\n"}, {"b", "event A { x: int }\nevent B { x: }\n"}},
            {}};
  CHECK(summary(disk.compile({"a"})) ==
        "2:7 event 'A' is declared twice | first declared at b:1:7\n"
        "b:2:14 expected a field type, found '}'\n");
}

TEST_CASE("a chain of imports may be long") {
  Disk disk;
  constexpr int length = 20'000;
  for (int i = 0; i < length; ++i)
    disk.files[fmt::format("f{}", i)] = fmt::format("import \"f{}\"\n", i + 1);
  disk.files[fmt::format("f{}", length)] = "event Last { x: int }\n";
  CHECK(type_names(disk.compile({"f0"})) == Names{"Last"});
}

TEST_CASE("from disk") {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("tocsin_compile_{}", getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "a.tocsin") << "import \"b.tocsin\"\nimport \"empty.tocsin\"\n";
  std::ofstream(folder / "b.tocsin") << "event B { x: int }\n";
  std::ofstream(folder / "empty.tocsin");
  std::ofstream(folder / "c.tocsin") << "import \".\"\n";
  const auto good = compile_files({(folder / "a.tocsin").string(), (folder / "b.tocsin").string()});
  const auto bad = compile_files({(folder / "c.tocsin").string()});
  std::filesystem::remove_all(folder);
  CHECK(type_names(good) == Names{"B"});
  REQUIRE(bad.diagnostics.size() == 1);  // a folder is no rule file
  CHECK(bad.diagnostics[0].message.starts_with("cannot read"));
}

TEST_CASE("params of --set") {
  const std::string text =
      "param limit: float = 2\nparam side: enum(buy, sell) = buy\nparam name: string = \"a\"\n"
      "param must: duration\nparam flag: bool = true\n"
      "event P { a: float, s: string, e: enum(buy, sell), d: duration }\n"
      "rule r { from P[a > limit and s == name and e == side and d > must and flag] emit R { a } }\n";
  const auto said = [&](std::vector<std::pair<std::string, std::string>> params) {
    params.emplace(params.begin(), "must", "5s");
    return summary(compile_text("rules.tocsin", text, {.params = std::move(params), .read_file = {}}));
  };
  CHECK(said({}) == "");
  CHECK(said({{"limit", "1.5"}, {"limit", "-3"}, {"side", "\"sell\""}, {"must", "1h30m"}}) == "");
  CHECK(said({{"name", "it's {not} \"rule\" text"}, {"flag", "false"}}) == "");
  CHECK(said({{"lmit", "3"}}) == "--set:1:1 no param is named 'lmit' | did you mean 'limit'?\n");
  CHECK(said({{"limit", "abc"}}) == "--set:1:7 unknown name 'abc': only params are known here\n");
  CHECK(said({{"limit", "\"3\""}}) == "--set:1:7 param 'limit' is a float; this is a string\n");
  CHECK(said({{"limit", " "}}) == "--set:1:1 this gives param 'limit' no value\n");
  CHECK(said({{"limit", "3\nrule x { from P emit X { a } }"}}) ==
        "--set:1:7 '3\nrule x { from P emit X { a } }' is not a float\n");
  CHECK(said({{"side", "byu"}}) ==
        "--set:1:6 unknown label 'byu' of enum(buy, sell) | did you mean 'buy'?\n");
  CHECK(said({{"must", "5"}}) ==
        "--set:1:6 param 'must' is a duration; this is an int | a duration has a unit, as in 500ms, 30s or "
        "10m\n");
  CHECK(summary(compile_text("rules.tocsin", text)) ==
        "4:7 param 'must' has no value | give it a default, or a value with --set must=…\n");
}

TEST_CASE("params: what is declared badly, and what nothing reads") {
  const auto said = [](const std::string& text) { return summary(compile_text("f", text)); };
  CHECK(said("param a: int = 1\nparam a: int = 2\n") ==
        "1:7 warning: param 'a' is never used\n2:7 param 'a' is declared twice | first declared at f:1:7\n");
  CHECK(said("param a: int = b\nparam b: int = 1\n") ==
        "1:7 warning: param 'a' is never used\n1:16 unknown name 'b': only params are known here\n"
        "2:7 warning: param 'b' is never used\n");
  CHECK(said("param a: int? = 1\nparam b: int[] = 1\nparam c: int = 1 / 0\n").find("a param is never null") !=
        std::string::npos);

  Disk disk{{{"a", "import \"b\"\nparam mine: int = 1\n"}, {"b", "param its: int = 1\n"}}, {}};
  CHECK(summary(disk.compile({"a"})) == "2:7 warning: param 'mine' is never used\n");
}
