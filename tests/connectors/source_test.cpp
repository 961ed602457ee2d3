// Sources as a whole: files, pipes and memory; batches, bad records, dead letters, broken input.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "connectors/random.hpp"
#include "tests/connectors/support.hpp"

namespace tocsin::connectors {

using test::read_all;
using test::TemporaryFile;
using Texts = std::vector<std::string>;

namespace {

std::string bare(int x) {
  return fmt::format(R"({{"type":"Bare","x":{}}})", x) + "\n";
}

/// Opens a path with the usual types and reads it to its end.
test::Result read_path(SourceSpec spec) {
  const auto types = test::catalog();
  test::Result result;
  auto source = open_source(spec, types, {.clock = [] { return std::int64_t{777}; }});
  if (!source) {
    result.open_error = source.error;
    return result;
  }
  CHECK(source->name() == spec.path);
  test::drain(*source, types, 100, result);
  return result;
}

}  // namespace

TEST_CASE("the extension tells the format, .zst aside") {
  const std::string json = bare(1);
  const std::string csv = "x\n1\n";
  for (const auto& example : std::vector<std::pair<std::string, std::string>>{
           {".ndjson", json}, {".jsonl", json}, {".json", json}, {"", json}, {".csv", csv}, {".tsv", csv}}) {
    CAPTURE(example.first);
    const TemporaryFile plain(example.first, example.second);
    CHECK(read_path({.path = plain.path(), .event = "Bare"}).events == Texts{R"(Bare{"x":1}@777)"});
    const TemporaryFile packed(example.first + ".zst", test::compressed(example.second));
    CHECK(read_path({.path = packed.path(), .event = "Bare"}).events == Texts{R"(Bare{"x":1}@777)"});
    const TemporaryFile disguised(example.first, test::compressed(example.second));
    CHECK(read_path({.path = disguised.path(), .event = "Bare"}).events == Texts{R"(Bare{"x":1}@777)"});
  }
  const TemporaryFile log(".log", csv);
  CHECK(read_path({.path = log.path()}).open_error ==
        log.path() + ": the name does not tell the format; say whether it is ndjson or csv");
  CHECK(read_path({.path = log.path(), .format = Format::csv, .event = "Bare"}).events.size() == 1);
}

TEST_CASE("what can't be opened is said") {
  CHECK(read_path({.path = "/nowhere/x.csv"}).open_error ==
        "cannot open /nowhere/x.csv: No such file or directory");
  CHECK(read_path({.path = "/tmp"}).open_error == "cannot read /tmp: it is a directory");
}

TEST_CASE("a read gives at most what was asked for, and the next goes on behind it") {
  std::string text;
  Texts expected;
  for (int i = 0; i < 100; ++i) {
    text += bare(i);
    expected.push_back(fmt::format("Bare{{\"x\":{}}}@777", i));
  }
  for (const std::size_t max_events : {1, 2, 7, 99, 100, 1000}) {
    const auto result = read_all(text, {.spec = {.path = "in"}, .max_events = max_events});
    CHECK(result.events == expected);
    CHECK(result.status == model::ReadStatus::end);
  }
}

TEST_CASE("a pipe's events are given as they come, before more is waited for") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const auto types = test::catalog();
  auto source = open_source(descriptor_input(ends[0], "pipe"), {.path = "pipe"}, types);
  REQUIRE(source);
  model::EventBatch batch;
  const auto send = [&](std::string_view text) {
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  };
  send(bare(1) + bare(2) + "{\"type\":");
  CHECK(source->read(batch, 100) == model::ReadStatus::more);
  CHECK(batch.size() == 2);
  send("\"Bare\",");
  CHECK(source->read(batch, 100) == model::ReadStatus::more);
  CHECK(batch.size() == 2);
  send("\"x\":3}\n" + bare(4));
  CHECK(source->read(batch, 1) == model::ReadStatus::more);
  CHECK(batch.size() == 3);
  CHECK(source->read(batch, 100) == model::ReadStatus::more);  // from the buffer: the pipe is empty
  CHECK(batch.size() == 4);
  CHECK(batch[3].load_int(types[batch[3].type()].fields[0].slot) == 4);
  ::close(ends[1]);
  CHECK(source->read(batch, 100) == model::ReadStatus::end);
  CHECK(source->read(batch, 100) == model::ReadStatus::end);
  CHECK(batch.size() == 4);
  CHECK(source->bytes_total() == 0);
  ::close(ends[0]);
}

TEST_CASE("a signal gives the reader control back; then it goes on") {
  class Interrupted final : public ByteInput {
   public:
    explicit Interrupted(std::string_view text) : text_(memory_input(text)) {}
    InputRead read(char* to, std::size_t capacity) override {
      interrupt_ = !interrupt_;
      return interrupt_ ? InputRead{InputStatus::nothing} : text_->read(to, capacity);
    }
    std::uint64_t bytes_read() const override { return text_->bytes_read(); }
    std::uint64_t bytes_total() const override { return text_->bytes_total(); }

   private:
    std::unique_ptr<ByteInput> text_;
    bool interrupt_ = false;
  };
  const auto types = test::catalog();
  const std::string text = bare(1);
  auto source = open_source(decompressed(std::make_unique<Interrupted>(text), "in"), {.path = "in"}, types);
  REQUIRE(source);
  model::EventBatch batch;
  CHECK(source->read(batch, 10) == model::ReadStatus::more);
  CHECK(batch.empty());
  test::Result rest;
  test::drain(*source, types, 10, rest);
  CHECK(rest.events.size() == 1);
  CHECK(open_source(std::make_unique<Interrupted>("x\n1\n"), {.path = "in.csv", .event = "Bare"}, types)
            .error == "in.csv: interrupted before the header line came");
}

TEST_CASE("broken zstd fails the source and keeps what came before") {
  Random random(3);
  std::string text;
  for (int i = 0; i < 50'000; ++i)
    text += bare(static_cast<int>(random.below(1'000'000'000)));
  const std::string packed = test::compressed(text);

  const auto cut = read_all(packed.substr(0, packed.size() / 2), {.spec = {.path = "in.zst"}});
  CHECK(cut.status == model::ReadStatus::failed);
  CHECK(cut.error == "cannot read in.zst: its zstd data is cut off");
  CHECK(cut.events.size() > 1'000);
  CHECK(cut.events.size() < 50'000);
  CHECK(cut.bad.empty());

  std::string corrupt = packed;
  for (std::size_t i = corrupt.size() / 2; i < corrupt.size() / 2 + 64; ++i)
    corrupt[i] = '\x55';
  const auto broken = read_all(corrupt, {.spec = {.path = "in.zst"}, .piece = 1'000});
  CHECK(broken.status == model::ReadStatus::failed);
  CHECK(broken.error.starts_with("cannot read in.zst: corrupt zstd data ("));
}

TEST_CASE("bad lines go verbatim to the dead letters, and are counted by kind") {
  const std::string longest = "{\"type\":\"Bare\",\"x\":1,\"y\":\"" + std::string(5'000, 'y') + "\"}\r\n";
  const std::string text =
      bare(1) + "nope\r\n" + longest + "{\"type\":\"Foo\"}\n{\"type\":\"Foo\"}\n\xFF\xFE\n" + bare(2);
  const TemporaryFile file(".dead", "earlier\n");
  const auto types = test::catalog();
  {
    auto dead = Output::open(file.path(), Output::Mode::append);
    REQUIRE(dead);
    SourceContext context;
    context.dead_letters = dead.value.get();
    context.lines.max_record_bytes = 1'000;
    context.lines.chunk_bytes = 300;
    auto source = open_source(memory_input(text, 100), {.path = "in"}, types, context);
    REQUIRE(source);
    test::Result result;
    test::drain(*source, types, 10, result);
    CHECK(result.events.size() == 2);
    CHECK(source->bad_records() == 5);
    CHECK(source->bad().of(BadKind::malformed) == 2);
    CHECK(source->bad().of(BadKind::overlong) == 1);
    CHECK(source->bad().of(BadKind::unknown_type) == 2);
    CHECK(source->bad().unknown_types().at("Foo") == 2);
    CHECK(source->bytes_read() == text.size());
    CHECK(source->bytes_total() == text.size());
  }
  CHECK(file.content() ==
        "earlier\nnope\r\n" + longest + "{\"type\":\"Foo\"}\n{\"type\":\"Foo\"}\n\xFF\xFE\n");
}

TEST_CASE("unknown type names are counted up to a limit") {
  BadRecords bad("in", {}, nullptr);
  for (int i = 0; i < 1'000; ++i)
    bad.count_type(fmt::format("T{}", i));
  bad.count_type("T0");
  CHECK(bad.unknown_types().size() == BadRecords::max_type_names);
  CHECK(bad.unknown_types().at("T0") == 2);
}

TEST_CASE("events without a time of their own get the clock's") {
  const auto types = test::catalog();
  std::int64_t now = 100;
  SourceContext context;
  context.clock = [&] { return now++; };
  const std::string text = bare(1) + R"({"type":"Payment","card":"A","amount":1,"at":5})" + "\n" + bare(2);
  auto source = open_source(memory_input(text), {.path = "in"}, types, context);
  REQUIRE(source);
  model::EventBatch batch;
  source->read(batch, 10);
  REQUIRE(batch.size() == 3);
  CHECK(batch[0].time_ns() == 100);
  CHECK(batch[1].time_ns() == 5'000'000);
  CHECK(batch[2].time_ns() == 101);
}

TEST_CASE("the events do not depend on chunks, pieces and batch sizes") {
  std::string json;
  std::string csv = "card,amount,at\n";
  for (int i = 0; i < 50; ++i) {
    json +=
        fmt::format(R"({{"type":"Payment","card":"card {}","amount":{},"at":{}}})", i * i, i / 7.0, i) + "\n";
    csv += fmt::format("\"card\n{}\",{},{}\n", i * i, i / 7.0, i);
    if (i % 9 == 0) json += "broken\n";
    if (i % 9 == 0) csv += "broken\n";
  }
  for (const auto& [path, text] : {std::pair{"in.ndjson", &json}, std::pair{"in.csv", &csv}}) {
    const SourceSpec spec{.path = path, .event = "Payment"};
    const auto expected = read_all(*text, {.spec = spec});
    REQUIRE(expected.events.size() == 50);
    REQUIRE(expected.bad.size() == 6);
    for (const std::size_t chunk : {1, 2, 3, 7, 64, 1000}) {
      for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, SIZE_MAX}) {
        for (const std::size_t max_events : {1, 13}) {
          CHECK(read_all(*text, {.spec = spec,
                                 .lines = {.chunk_bytes = chunk},
                                 .piece = piece,
                                 .max_events = max_events}) == expected);
        }
      }
    }
    auto packed = read_all(test::compressed(*text), {.spec = spec, .lines = {.chunk_bytes = 17}, .piece = 3});
    CHECK(packed == expected);
  }
}

TEST_CASE("random bytes never crash; every line is an event, bad or blank") {
  Random random(5);
  const std::vector<std::string> seeds = {
      R"({"type":"Payment","card":"A","amount":1.5,"country":null,"at":12345})",
      R"({"type":"All","b":true,"i":1,"f":2.5,"s":"x\n","t":3,"d":"1s","e":"buy",)"
      R"("is":[1,2],"ss":["a"],"ts":null})",
      "A,1.5,DE,12345",
      R"("a ""b"" c",1.5,"DE",2016-12-10T06:55:46Z)",
  };
  const std::string salt = "{}[]\":,\\\n\r0e.-tfn\x80\xFF u";
  for (int round = 0; round < 3'000; ++round) {
    std::string text;
    for (auto lines = 1 + random.below(4); lines > 0; --lines) {
      std::string line = seeds[random.below(seeds.size())];
      for (auto edits = random.below(5); edits > 0; --edits) {
        const auto at = random.below(line.size());
        switch (random.below(4)) {
          case 0: line.erase(at, 1 + random.below(6)); break;
          case 1: line.insert(at, 1, salt[random.below(salt.size())]); break;
          case 2: line[at] = static_cast<char>(random.next()); break;
          default: line.insert(at, line.substr(random.below(line.size()), random.below(20))); break;
        }
        if (line.empty()) line = " ";
      }
      text += line + "\n";
    }
    const LineOptions lines{.max_record_bytes = 20 + random.below(200), .chunk_bytes = 1 + random.below(100)};
    CAPTURE(text);
    for (const auto& spec :
         {SourceSpec{.path = "in"}, SourceSpec{.path = "in", .event = "All"},
          SourceSpec{.path = "in.csv", .event = "Payment", .columns = {"card", "amount", "country", "at"}}}) {
      const auto result = read_all(text, {.spec = spec, .lines = lines});
      REQUIRE(result.open_error.empty());
      REQUIRE(result.status == model::ReadStatus::end);
      REQUIRE(result == read_all(text, {.spec = spec,
                                        .lines = {.max_record_bytes = lines.max_record_bytes},
                                        .max_events = 1}));
    }
  }
}

}  // namespace tocsin::connectors
