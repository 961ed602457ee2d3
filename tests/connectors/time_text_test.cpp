// Times and durations, both ways.
#include "connectors/time_text.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <string>

#include "connectors/random.hpp"

namespace tocsin::connectors {

namespace {

std::string time_text(std::int64_t ns) {
  char text[time_text_size];
  return std::string(text, write_time(text, ns));
}

std::string duration_text(std::int64_t ns) {
  char text[duration_text_size];
  return std::string(text, write_duration(text, ns));
}

constexpr std::int64_t second = 1'000'000'000;

}  // namespace

TEST_CASE("RFC 3339 text is read to the nanosecond") {
  struct {
    const char* text;
    std::int64_t ns;
  } const cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01t00:00:00z", 0},
      {"1970-01-01 00:00:00Z", 0},
      {"1970-01-01T00:00:01.5Z", 1'500'000'000},
      {"1970-01-01T00:00:00.000000001Z", 1},
      {"1970-01-01T00:00:00.0000000019Z", 1},
      {"1969-12-31T23:59:59.999999999Z", -1},
      {"1970-01-01T01:00:00+01:00", 0},
      {"1970-01-01 00:00:02.5", 2'500'000'000},
      {"1969-12-31T18:30:00-05:30", 0},
      {"2016-12-10T06:55:46Z", 1'481'352'946 * second},
      {"2024-02-29T12:00:00Z", 1'709'208'000 * second},
      {"2016-12-31T23:59:60Z", 1'483'228'800 * second},
      {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
      {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
  };
  for (const auto& example : cases) {
    CAPTURE(example.text);
    CHECK(parse_time(example.text) == example.ns);
  }
}

TEST_CASE("what is no RFC 3339 time gives nothing") {
  for (const char* text : {"",
                           "now",
                           "2026-01-31",
                           "2026-01-31T12:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-01-31T24:00:00Z",
                           "2026-01-31T12:60:00Z",
                           "2026-01-31T12:00:60Z",
                           "2026-01-31T12:00:61Z",
                           "2026-01-31T12:00:00.Z",
                           "2026-01-31T12:00:00+1:00",
                           "2026-01-31T12:00:00+24:00",
                           "2026-01-31T12:00:00+01:60",
                           "2026-01-31T12:00:00Zx",
                           "2026-01-31T12:00:00Z ",
                           " 2026-01-31T12:00:00Z",
                           "26-01-31T12:00:00Z",
                           "2026-1-31T12:00:00Z",
                           "2026-01-31X12:00:00Z",
                           "2262-04-11T23:47:16.854775808Z",
                           "1677-09-21T00:12:43.145224191Z",
                           "9999-12-31T23:59:59Z",
                           "0000-01-01T00:00:00Z"}) {
    CAPTURE(text);
    CHECK(!parse_time(text));
  }
}

TEST_CASE("times are written in UTC with the fraction digits they need") {
  CHECK(time_text(0) == "1970-01-01T00:00:00Z");
  CHECK(time_text(1'500'000'000) == "1970-01-01T00:00:01.5Z");
  CHECK(time_text(-1) == "1969-12-31T23:59:59.999999999Z");
  CHECK(time_text(120'000) == "1970-01-01T00:00:00.00012Z");
  CHECK(time_text(INT64_MAX) == "2262-04-11T23:47:16.854775807Z");
  CHECK(time_text(INT64_MIN) == "1677-09-21T00:12:43.145224192Z");
}

TEST_CASE("durations are read as rule files write them") {
  struct {
    const char* text;
    std::int64_t ns;
  } const cases[] = {
      {"0s", 0},
      {"1h30m", 5'400 * second},
      {"500us", 500'000},
      {"10ms", 10'000'000},
      {"7d", 7 * 86'400 * second},
      {"1d2h3m4s5ms6us7ns", 93'784'005'006'007},
      {"90m", 5'400 * second},
      {"-2s", -2 * second},
      {"9223372036854775807ns", INT64_MAX},
      {"-9223372036854775808ns", INT64_MIN},
  };
  for (const auto& example : cases) {
    CAPTURE(example.text);
    CHECK(parse_duration(example.text) == example.ns);
  }
  for (const char* text :
       {"", "-", "5", "s", "1x", "1.5s", "1s1s", "1m1h", "1h ", " 1h", "--1s", "1h-1m",
        "9223372036854775808ns", "-9223372036854775809ns", "106752d", "99999999999999999999s"}) {
    CAPTURE(text);
    CHECK(!parse_duration(text));
  }
}

TEST_CASE("durations are written with the largest units first") {
  CHECK(duration_text(0) == "0s");
  CHECK(duration_text(5'400 * second) == "1h30m");
  CHECK(duration_text(-250'000'000) == "-250ms");
  CHECK(duration_text(93'784'005'006'007) == "1d2h3m4s5ms6us7ns");
  CHECK(duration_text(INT64_MIN) == "-106751d23h47m16s854ms775us808ns");
}

TEST_CASE("what was written reads back the same") {
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    const auto ns = static_cast<std::int64_t>(random.next()) >> random.below(64);
    REQUIRE(parse_time(time_text(ns)) == ns);
    REQUIRE(parse_duration(duration_text(ns)) == ns);
  }
}

}  // namespace tocsin::connectors
