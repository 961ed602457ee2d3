#include "bench/measure/assertion.hpp"

#include <doctest/doctest.h>
#include <stdexcept>
#include <string>

using namespace tocsin::measure;

namespace {

template <class Parse>
std::string error_of(Parse parse) {
  try {
    parse();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("durations and rates") {
  CHECK(parse_duration("500ns") == 500);
  CHECK(parse_duration("1.5ms") == 1'500'000);
  CHECK(parse_duration("2s") == 2'000'000'000);
  CHECK(parse_rate("50_000") == 50'000);
  CHECK(parse_rate("250k") == 250'000);
  CHECK(parse_rate("1.5M") == 1'500'000);
  for (const char* text : {"", "5", "us", "-5us", "5 lightyears", "1.2.3s", "nan", "1e99s", "9999999m"})
    CHECK_MESSAGE(!error_of([&] { parse_duration(text); }).empty(), text);
  for (const char* text : {"", "0", "0.5", "-1k", "1G", "k", "2000M", "fast"})
    CHECK_MESSAGE(!error_of([&] { parse_rate(text); }).empty(), text);
}

TEST_CASE("an assertion is read") {
  const Assertion p99 = parse_assertion("p99<20us");
  CHECK(p99.percent == 99);
  CHECK(p99.limit_ns == 20'000);
  CHECK(!p99.or_equal);
  CHECK(parse_assertion("p99.99 <= 1ms").percent == 99.99);
  CHECK(parse_assertion("p99.99 <= 1ms").or_equal);
  CHECK(parse_assertion("max<1s").percent == 100);
}

TEST_CASE("a wrong assertion is told what is wrong with it") {
  const auto error = [](const char* text) { return error_of([&] { parse_assertion(text); }); };
  CHECK(error("p99").find("there is no '<'") != std::string::npos);
  CHECK(error("p99>20us").find("there is no '<'") != std::string::npos);
  CHECK(error("mean<20us").find("'mean' is no percentile") != std::string::npos);
  CHECK(error("p<20us").find("'p' is no percentile") != std::string::npos);
  CHECK(error("p0<20us").find("above 0") != std::string::npos);
  CHECK(error("p101<20us").find("at most 100") != std::string::npos);
  CHECK(error("p99<20").find("'20' is no duration") != std::string::npos);
  CHECK(error("p99<").find("'' is no duration") != std::string::npos);
}

TEST_CASE("an assertion holds of a histogram, and never of an empty one") {
  Histogram latency;
  CHECK(!parse_assertion("p50<1s").holds(latency));
  for (std::uint64_t ns = 1; ns <= 100; ++ns)
    latency.record(ns);
  CHECK(parse_assertion("p99<=99ns").holds(latency));
  CHECK(!parse_assertion("p99<99ns").holds(latency));
  CHECK(parse_assertion("p99<100ns").holds(latency));
  CHECK(!parse_assertion("max<100ns").holds(latency));
}
