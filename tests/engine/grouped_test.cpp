// All matches of one event by the grouped matcher, more of them than the oracle could write down.
#include <algorithm>

#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

// `count` events of the first step, as many of the second, one that completes.
std::vector<std::string> matches_of(const std::string& rule, std::int64_t count) {
  const auto plan = plan_of("event E { x: int, at: time @timestamp }\nrule r { match " + rule + " }");
  Recorder sink;
  runtime::Engine engine(plan, {}, sink);
  const std::uint16_t source = engine.add_source();
  model::EventBatch batch;
  for (std::int64_t i = 0; i <= 2 * count; ++i)
    add_event(batch, plan.catalog.types[0], i, {int_value(1 + i / count)});
  engine.push(source, batch);
  engine.finish();
  return sink.matches;
}

const std::string all_pairs = "a: E[x == 1] ~> b: E[x == 2] ~> c: E[x == 3] within 1h report all";
// Of a chain: `count` events that wait, and one that completes.
const std::string chain = "a: E[x != 2] -> b: E[x == 2] within 1h report ";

std::vector<std::string> expected(std::int64_t count) {
  std::vector<std::string> matches;
  for (std::int64_t a = 1; a <= count; ++a) {
    for (std::int64_t b = count + 1; b <= 2 * count; ++b) {
      matches.push_back("0@" + std::to_string(2 * count) + "[" + std::to_string(a) + " " + std::to_string(b) +
                        " " + std::to_string(2 * count + 1) + "]");
    }
  }
  return matches;
}

}  // namespace

TEST_CASE("many matches of one event come in order of preference") {
  CHECK(matches_of(all_pairs, 100) == expected(100));
}

TEST_CASE("very many matches of one event are found, each once, in any order") {
  auto found = matches_of(all_pairs, 300);
  auto wanted = expected(300);
  std::sort(found.begin(), found.end());
  std::sort(wanted.begin(), wanted.end());
  CHECK(found == wanted);
}

TEST_CASE("matches of a chain come in order, and very many each once") {
  for (const std::int64_t count : {1, 2, 3, 4, 5, 1000, 100'000}) {
    CAPTURE(count);
    std::vector<std::string> wanted;
    const std::string last = std::to_string(count + 1);
    for (std::int64_t a = 1; a <= count; ++a)
      wanted.push_back("0@" + std::to_string(count) + "[" + std::to_string(a) + " " + last + "]");
    auto found = matches_of(chain + "all", count);
    found.resize(std::min(found.size(), wanted.size() + 1));
    if (count > 1000) {
      std::sort(found.begin(), found.end());
      std::sort(wanted.begin(), wanted.end());
    }
    CHECK(found == wanted);
    CHECK(matches_of(chain + "first", count).front() == "0@" + std::to_string(count) + "[1 " + last + "]");
  }
}
