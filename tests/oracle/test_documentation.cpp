// Every example of docs/language.md: a ```tocsin block is a complete rule file and must compile; an ```events
// block after it is its input, ```csv and ```ndjson blocks with a path are the files of its tables; a
// ```matches block after that is all that must come of it, in order.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sstream>

#include "tests/oracle/script.hpp"

using namespace tocsin::oracle;

namespace {

struct Block {
  std::string language;
  std::size_t line = 0;  // of its opening fence
  std::vector<std::string> lines;
};

std::vector<Block> blocks_of(const std::string& markdown) {
  std::vector<Block> blocks;
  std::istringstream in(markdown);
  bool inside = false;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.rfind("```", 0) == 0) {
      inside = !inside;
      if (inside) blocks.push_back({line.substr(3), number, {}});
    } else if (inside) {
      blocks.back().lines.push_back(line);
    }
  }
  return blocks;
}

struct Example {
  std::size_t line = 0;
  Script script;
  bool compares = false;  // has a matches block
};

/// An example ends where the next `tocsin` or `events` block begins; several inputs may share their rules.
std::vector<Example> examples_of(const std::vector<Block>& blocks) {
  std::vector<Example> examples;
  for (const Block& block : blocks) {
    if (block.language == "tocsin") {
      examples.push_back({block.line, {}, false});
      for (const std::string& line : block.lines)
        examples.back().script.rules += line + "\n";
    } else if (block.language == "events") {
      REQUIRE(!examples.empty());
      if (!examples.back().script.events.empty()) {
        examples.push_back({block.line, {}, false});
        examples.back().script.rules = examples[examples.size() - 2].script.rules;
        examples.back().script.tables = examples[examples.size() - 2].script.tables;
      }
      examples.back().script.events = block.lines;
    } else if (block.language.starts_with("csv ") || block.language.starts_with("ndjson ")) {
      REQUIRE(!examples.empty());
      std::string& content =
          examples.back().script.tables[block.language.substr(block.language.find(' ') + 1)];
      for (const std::string& line : block.lines)
        content += line + "\n";
    } else if (block.language == "matches") {
      REQUIRE(!examples.empty());
      examples.back().script.matches = block.lines;
      examples.back().compares = true;
    }
  }
  return examples;
}

}  // namespace

TEST_CASE("the examples of docs/language.md") {
  const auto examples = examples_of(blocks_of(read_text(TOCSIN_SOURCE_DIR "/docs/language.md")));
  CHECK(examples.size() >= 5);
  const auto setups = all_setups();
  std::size_t compared = 0;
  for (const Example& example : examples) {
    std::string wrong;
    try {
      if (example.compares) {
        wrong = check(example.script, setups);
        ++compared;
      } else {
        compile(example.script.rules);
      }
    } catch (const std::exception& error) {
      wrong = error.what();
    }
    INFO(fmt::format("docs/language.md:{}\n{}", example.line, wrong));
    CHECK(wrong.empty());
  }
  CHECK(compared >= 1);
}

TEST_CASE("blocks of a page become examples") {
  const auto examples =
      examples_of(blocks_of("```tocsin\nr\n```\ntext\n```events\n1\n```\n```matches\n```\n```events\n2\n```"
                            "\n```\nx\n```\n```tocsin\n```\n"));
  REQUIRE(examples.size() == 3);
  CHECK(examples[0].script.events == std::vector<std::string>{"1"});
  CHECK(examples[0].compares);
  CHECK(examples[1].script.rules == "r\n");
  CHECK(examples[1].script.events == std::vector<std::string>{"2"});
  CHECK(!examples[1].compares);
  CHECK(examples[2].line == 16);
}
