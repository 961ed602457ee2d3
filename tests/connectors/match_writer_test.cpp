// Matches as JSON lines: the order of keys, every type of value, and what is written read back.
#include "connectors/match_writer.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <limits>
#include <string>
#include <unistd.h>
#include <vector>

#include "tests/connectors/support.hpp"

namespace tocsin::connectors {

using model::Kind;
using model::Value;
using test::TemporaryFile;

namespace {

/// Events read from JSON lines and numbered from 1, for matches to point to.
model::EventBatch events_of(std::string_view json, const model::Catalog& catalog) {
  auto source =
      open_source(memory_input(json), {.path = "in"}, catalog, {.clock = [] { return std::int64_t{9}; }});
  model::EventBatch batch;
  while (source->read(batch, 100) == model::ReadStatus::more)
    continue;
  REQUIRE(source->bad_records() == 0);
  for (std::size_t i = 0; i < batch.size(); ++i)
    batch.header(i).seq = i + 1;
  return batch;
}

std::string written(const model::Catalog& catalog, const std::vector<RuleOutput>& rules,
                    const std::vector<model::MatchView>& matches, MatchWriterOptions options = {}) {
  const TemporaryFile file(".ndjson");
  auto output = Output::open(file.path(), Output::Mode::create);
  REQUIRE(output);
  MatchWriter writer(catalog, rules, *output, options);
  for (const auto& match : matches)
    writer.on_match(match);
  CHECK(writer.matches() == matches.size());
  CHECK(output->flush());
  return file.content();
}

const std::string payments = R"({"type":"Payment","card":"A","amount":1.5,"country":"DE","at":1000})"
                             "\n"
                             R"({"type":"Bare","x":7})"
                             "\n"
                             R"({"type":"Payment","card":"quote \" and é","amount":1e20,"at":1500})"
                             "\n";

}  // namespace

TEST_CASE("a match has rule, type, at, fields, labels and seqs, in this order") {
  const auto catalog = test::catalog();
  const auto events = events_of(payments, catalog);
  const model::MatchedEvent matched[] = {{0, events[0]}, {1, events[2]}};
  model::MatchView match{
      .rule = 1, .at_ns = 1'500'000'000, .trigger_seq = 3, .events = matched, .emitted = events[2]};
  const std::vector<RuleOutput> rules = {
      {.name = "other"},
      {.name = "pair",
       .labels = {{"severity", {Value::string("high")}},
                  {"tags", {Value::string("fraud"), Value::integer(2)}},
                  {"urgent", {}},
                  {"severity", {Value::floating(0.5)}}},
       .steps = {{"first", 0}, {"", 0}},
       .emitted = 0},
  };
  const std::string head =
      R"({"rule":"pair","type":"Payment","at":"1970-01-01T00:00:01.5Z",)"
      R"("fields":{"card":"quote \" and é","amount":1e+20,"country":null,"at":"1970-01-01T00:00:01.5Z"},)"
      R"("labels":{"severity":["high",0.5],"tags":["fraud",2],"urgent":true},"seqs":[1,3])";
  CHECK(written(catalog, rules, {match}) == head + "}\n");
  CHECK(written(catalog, rules, {match, match}) == head + "}\n" + head + "}\n");
  CHECK(written(catalog, rules, {match}, {.with_events = true}) ==
        head + R"(,"events":{"first":[{"type":"Payment","card":"A","amount":1.5,)"
               R"("country":"DE","at":"1970-01-01T00:00:01Z"}],)"
               R"("Payment":[{"type":"Payment","card":"quote \" and é","amount":1e+20,)"
               R"("country":null,"at":"1970-01-01T00:00:01.5Z"}]}})"
               "\n");
}

TEST_CASE("without emit the type is null; a filter's event goes by its type") {
  const auto catalog = test::catalog();
  const auto events = events_of(payments, catalog);
  const model::MatchedEvent matched[] = {{0, events[1]}};
  const model::MatchView match{.rule = 0, .at_ns = 0, .trigger_seq = 2, .events = matched, .emitted = {}};
  CHECK(written(catalog, {{.name = "f"}}, {match}, {.with_events = true}) ==
        R"({"rule":"f","type":null,"at":"1970-01-01T00:00:00Z","fields":{},"labels":{},"seqs":[2],)"
        R"("events":{"Bare":[{"type":"Bare","x":7}]}})"
        "\n");
}

TEST_CASE("steps of one name share a list; steps without events are left out") {
  const auto catalog = test::catalog();
  const auto events = events_of(payments, catalog);
  const model::MatchedEvent matched[] = {{0, events[1]}, {3, events[0]}, {1, events[1]}};
  const model::MatchView match{.rule = 0, .at_ns = 0, .trigger_seq = 2, .events = matched, .emitted = {}};
  const std::vector<RuleOutput> rules = {{.name = "r", .steps = {{"", 2}, {"", 2}, {"c", 0}, {"d", 0}}}};
  const std::string line = written(catalog, rules, {match}, {.with_events = true});
  CHECK(line.substr(line.find("\"seqs\"")) ==
        R"("seqs":[2,1,2],"events":{"Bare":[{"type":"Bare","x":7},{"type":"Bare","x":7}],)"
        R"("d":[{"type":"Payment","card":"A","amount":1.5,"country":"DE","at":"1970-01-01T00:00:01Z"}]}})"
        "\n");
}

TEST_CASE("numbers that JSON lacks are null, control characters are escaped") {
  const auto catalog = test::catalog();
  model::EventBatch batch;
  model::EventWriter writer(batch);
  writer.begin(catalog.types[0]);
  writer.set_string(0, std::string_view("\0\x1f\b\t\n\r\\\"/", 9));
  writer.set_float(1, std::numeric_limits<double>::infinity());
  writer.set_int(3, 1);
  writer.commit(0, 1, 0);
  const model::MatchView match{.rule = 0, .at_ns = 1, .trigger_seq = 1, .events = {}, .emitted = batch[0]};
  CHECK(written(catalog, {{.name = "r\n", .emitted = 0}}, {match}) ==
        R"({"rule":"r\n","type":"Payment","at":"1970-01-01T00:00:00.000000001Z",)"
        R"("fields":{"card":"\u0000\u001f\u0008\t\n\r\\\"/","amount":null,"country":null,)"
        R"("at":"1970-01-01T00:00:00.000000001Z"},"labels":{},"seqs":[]})"
        "\n");
}

TEST_CASE("what the writer writes the reader reads back the same") {
  const auto catalog = test::catalog();
  const std::string line =
      R"({"type":"All","b":true,"i":-5,"f":0.1,"s":"\u0001\"\\é😀","t":"2016-12-10T06:55:46.123456789Z",)"
      R"("d":"-1h30m",)"
      R"("e":"sell","bn":false,"in":9223372036854775807,"fn":1e-300,"sn":"","tn":-1,"dn":"1ns","en":"buy",)"
      R"("is":[1,-2,9223372036854775807],"ss":["","a\nb"],"ts":["1969-12-31T23:59:59.5Z",7]})";
  const auto first = events_of(line, catalog);
  const model::MatchedEvent matched[] = {{0, first[0]}};
  const model::MatchView match{.rule = 0, .at_ns = 0, .trigger_seq = 1, .events = matched, .emitted = {}};
  std::string text = written(catalog, {{.name = "r"}}, {match}, {.with_events = true});
  const auto begin = text.find(R"({"type":"All")");
  text = text.substr(begin, text.rfind("]}}") - begin);
  const auto second = events_of(text, catalog);
  REQUIRE(second.size() == 1);
  CHECK(test::to_text(second[0], catalog) == test::to_text(first[0], catalog));
  CHECK(text.find(R"("tn":"1969-12-31T23:59:59Z")") != std::string::npos);
}

TEST_CASE("matches are written in large pieces, or each at once where that is asked for") {
  const auto catalog = test::catalog();
  const TemporaryFile file(".ndjson");
  auto output = Output::open(file.path(), Output::Mode::create);
  REQUIRE(output);
  const model::MatchView match{};
  MatchWriter buffered(catalog, {{.name = "r"}}, *output);
  buffered.on_match(match);
  CHECK(file.content().empty());
  MatchWriter immediate(catalog, {{.name = "r"}}, *output, {.flush_each = true});
  immediate.on_match(match);
  const std::size_t line = file.content().size() / 2;
  for (std::size_t i = 0; i < Output::flush_at / line + 1; ++i)
    buffered.on_match(match);
  CHECK(file.content().size() >= Output::flush_at);
  output.value.reset();
  CHECK(file.content().size() == line * (Output::flush_at / line + 3));
}

TEST_CASE("a write error is remembered and stops nothing") {
  const auto catalog = test::catalog();
  SUBCASE("a full disk") {
    auto output = Output::open("/dev/full", Output::Mode::create);
    REQUIRE(output);
    MatchWriter writer(catalog, {{.name = "r"}}, *output, {.flush_each = true});
    for (int i = 0; i < 3; ++i)
      writer.on_match({});
    CHECK(output->failed());
    CHECK(output->error() == "cannot write /dev/full: No space left on device");
    CHECK(!output->pipe_closed());
    CHECK(output->buffer().size() == 0);
  }
  SUBCASE("a closed pipe") {
    auto* const previous = std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
    {
      Output output(ends[1], "stdout");
      MatchWriter writer(catalog, {{.name = "r"}}, output, {.flush_each = true});
      writer.on_match({});
      CHECK(output.pipe_closed());
      CHECK(output.error() == "cannot write stdout: Broken pipe");
    }
    ::close(ends[1]);
    std::signal(SIGPIPE, previous);
  }
  CHECK(Output::open("/nowhere/x", Output::Mode::create).error ==
        "cannot write /nowhere/x: No such file or directory");
}

}  // namespace tocsin::connectors
