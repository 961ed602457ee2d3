#include "bench/measure/writers.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <sstream>
#include <string>

using namespace tocsin::measure;

TEST_CASE("an .hgrm file rises to all that was counted, in µs") {
  Histogram latency;
  for (std::uint64_t ns = 1; ns <= 100'000; ++ns)
    latency.record(ns);
  std::istringstream text(to_hgrm(latency));
  std::string line;
  std::getline(text, line);
  CHECK(line.find("Value") != std::string::npos);
  CHECK(line.find("1/(1-Percentile)") != std::string::npos);
  double last_value = -1, last_share = -1, value = 0, share = 0;
  std::uint64_t count = 0, last_count = 0;
  std::size_t lines = 0;
  while (std::getline(text, line) && !line.starts_with("#")) {
    if (line.empty()) continue;
    std::istringstream(line) >> value >> share >> count;
    CHECK(value > last_value);
    CHECK(share > last_share);
    CHECK(count > last_count);
    CHECK(share == doctest::Approx(static_cast<double>(count) / 1e5));
    CHECK(value == doctest::Approx(share * 100).epsilon(0.01));
    last_value = value;
    last_share = share;
    last_count = count;
    ++lines;
  }
  CHECK(last_count == 100'000);
  CHECK(last_share == 1);
  CHECK(lines > 40);
  CHECK(lines < 200);
  CHECK(line.find("#[Mean") == 0);
}

TEST_CASE("a picture has a curve for each name, and what is 0 is left out") {
  const std::string svg = to_svg("a < b", {"p50", "p99"}, {{1000, {100, 0}}, {10'000, {200, 0}}});
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("a &lt; b") != std::string::npos);
  CHECK(svg.find(">p50<") != std::string::npos);
  CHECK(svg.find(">p99<") == std::string::npos);
  const auto dots = [&] {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = svg.find("<circle", at)) != std::string::npos; ++at)
      ++count;
    return count;
  };
  CHECK(dots() == 2);
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(to_svg("nothing", {"p50"}, {{1000, {0}}}).find("nan") == std::string::npos);
}
