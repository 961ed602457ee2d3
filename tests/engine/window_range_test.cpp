// The numbers that satisfy a comparison of a threshold.
#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <vector>

#include "engine/match/window_program.hpp"

using namespace tocsin;

namespace {

template <class Number>
void check_ranges(const std::vector<Number>& numbers) {
  using plan::Op;
  const auto holds = [](Op op, Number value, Number bound) {
    return op == Op::lt   ? value < bound
           : op == Op::le ? value <= bound
           : op == Op::gt ? value > bound
                          : value >= bound;
  };
  for (const Op op : {Op::lt, Op::le, Op::gt, Op::ge}) {
    for (const Number bound : numbers) {
      for (const Number value : numbers) {
        INFO("operator " << static_cast<int>(op) << " of " << value << " and " << bound);
        CHECK(match::range_of(op, bound).holds(value) == holds(op, value, bound));
      }
    }
  }
}

}  // namespace

TEST_CASE("a range holds what its comparison does, at the ends of numbers as well") {
  check_ranges<std::int64_t>({INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX});
  using Limits = std::numeric_limits<double>;
  check_ranges<double>({-Limits::infinity(), -Limits::max(), -1.0, -Limits::denorm_min(), -0.0, 0.0,
                        Limits::denorm_min(), 1.0, std::nextafter(1.0, 2.0), Limits::max(),
                        Limits::infinity(), Limits::quiet_NaN()});
}
