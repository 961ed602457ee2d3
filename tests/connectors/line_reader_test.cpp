// Framing: line ends of all kinds, limits, quoted line ends; the same whatever the pieces.
#include "connectors/line_reader.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "connectors/random.hpp"
#include "tests/connectors/support.hpp"

namespace tocsin::connectors {

namespace {

/// Each record as `line:text`; overlong ones as `line!` and all that passed by, by their raw bytes.
std::vector<std::string> frame(std::string_view text, LineOptions options = {},
                               std::size_t piece = SIZE_MAX) {
  LineReader lines(memory_input(text, piece), options);
  std::vector<std::string> result;
  Record record;
  while (true) {
    switch (lines.next(record)) {
      case LineReader::Next::record: result.push_back(fmt::format("{}:{}", record.line, record.text)); break;
      case LineReader::Next::overlong:
        if (record.first) result.push_back(fmt::format("{}!", record.line));
        result.back() += record.raw;
        if (record.last) result.back() += '.';
        break;
      case LineReader::Next::need_input: lines.fill(); break;
      default: return result;
    }
  }
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("lines end with \\n or \\r\\n, the last one may end with the input") {
  CHECK(frame("") == Lines{});
  CHECK(frame("a") == Lines{"1:a"});
  CHECK(frame("a\n") == Lines{"1:a"});
  CHECK(frame("a\nb") == Lines{"1:a", "2:b"});
  CHECK(frame("a\r\n\r\nb\r\n") == Lines{"1:a", "2:", "3:b"});
  CHECK(frame("a\rb\n") == Lines{"1:a\rb"});
  CHECK(frame("\n\n") == Lines{"1:", "2:"});
  CHECK(frame("a\r") == Lines{"1:a"});
}

TEST_CASE("a byte order mark is skipped at the beginning only") {
  CHECK(frame("\xEF\xBB\xBF"
              "a\n\xEF\xBB\xBF"
              "b\n") == Lines{"1:a",
                              "2:\xEF\xBB\xBF"
                              "b"});
  CHECK(frame("\xEF\xBB\xBF") == Lines{});
  CHECK(frame("\xEF\xBB", {}, 1) == Lines{"1:\xEF\xBB"});
}

TEST_CASE("a line beyond the limit passes by in pieces") {
  const LineOptions tiny{.max_record_bytes = 4, .chunk_bytes = 3};
  CHECK(frame("abcd\nabcde\nab\n", tiny) == Lines{"1:abcd", "2!abcde.", "3:ab"});
  CHECK(frame("abcd\r\nabcde\r\nab\n", tiny) == Lines{"1:abcd", "2!abcde\r.", "3:ab"});
  CHECK(frame("abcdefghijklmnopqrstuvwxyz", tiny) == Lines{"1!abcdefghijklmnopqrstuvwxyz."});
  CHECK(frame("abcdefghijklmnopqrstuvwxyz\n1\n", tiny) == Lines{"1!abcdefghijklmnopqrstuvwxyz.", "2:1"});
}

TEST_CASE("CSV records may hold quoted line ends") {
  const LineOptions csv{.csv_separator = ','};
  CHECK(frame("a,\"b\nc\",d\ne\n", csv) == Lines{"1:a,\"b\nc\",d", "3:e"});
  CHECK(frame("\"a\"\"\n\"\"b\"\nc\n", csv) == Lines{"1:\"a\"\"\n\"\"b\"", "3:c"});
  CHECK(frame("\"a\r\nb\"\r\nc", csv) == Lines{"1:\"a\r\nb\"", "3:c"});
  SUBCASE("a quote within an unquoted value is a quote") {
    CHECK(frame("5\" disk,x\ny\n", csv) == Lines{"1:5\" disk,x", "2:y"});
  }
  SUBCASE("an open quote ends with the input, or with the line that passes the limit") {
    CHECK(frame("a,\"b\nc\n", csv) == Lines{"1:a,\"b\nc\n"});
    const LineOptions tiny{.max_record_bytes = 6, .chunk_bytes = 3, .csv_separator = ','};
    CHECK(frame("\"a\nb\nc\nd\ne\nf\n", tiny) == Lines{"1!\"a\nb\nc\nd.", "5:e", "6:f"});
  }
}

TEST_CASE("the records do not depend on how the bytes came") {
  Random random(11);
  const char alphabet[] = "ab,\"\"\n\n\r";
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (auto size = random.below(60); size > 0; --size)
      text += alphabet[random.below(sizeof alphabet - 1)];
    CAPTURE(text);
    for (const bool csv : {false, true}) {
      LineOptions options{.max_record_bytes = 1 + random.below(12)};
      if (csv) options.csv_separator = ',';
      const auto expected = frame(text, options);
      options.chunk_bytes = 1 + random.below(9);
      REQUIRE(frame(text, options) == expected);
      REQUIRE(frame(text, options, 1 + random.below(5)) == expected);
    }
  }
}

TEST_CASE("zstd is told by its first bytes; frames may follow each other") {
  const std::string text = "a\nbb\nccc\n";
  const auto read = [](const std::string& bytes, std::size_t piece, bool required = false) {
    auto input = decompressed(memory_input(bytes, piece), "in", required);
    std::string result;
    char part[5];
    while (true) {
      const auto got = input->read(part, sizeof part);
      if (got.status == InputStatus::failed) return result + "<" + input->error() + ">";
      if (got.status == InputStatus::end) return result;
      result.append(part, got.bytes);
    }
  };
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
    const std::string frames = test::compressed(text) + test::compressed("d\n");
    CHECK(read(frames, piece) == text + "d\n");
    CHECK(read(text, piece) == text);
    CHECK(read("", piece) == "");
    CHECK(read("\x28\xB5", piece) == "\x28\xB5");
    CHECK(read("(plain", piece) == "(plain");
    CHECK(read(text, piece, true) == "<cannot read in: it does not begin as zstd data does>");
    CHECK(read(frames.substr(0, frames.size() - 1), piece)
              .ends_with("<cannot read in: its zstd data is cut off>"));
    CHECK(read(test::compressed(text) + "garbage", piece).starts_with(text + "<cannot read in: "));
  }
}

}  // namespace tocsin::connectors
