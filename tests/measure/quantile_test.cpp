#include "bench/measure/quantile.hpp"

#include <doctest/doctest.h>

using namespace tocsin::measure;

TEST_CASE("quantiles of a few figures, in any order") {
  CHECK(quantile({7}, 0) == 7);
  CHECK(quantile({7}, 1) == 7);
  CHECK(quantile({5, 1, 4, 2, 3}, 0) == 1);
  CHECK(quantile({5, 1, 4, 2, 3}, 1) == 5);
  CHECK(quantile({10, 0, 9, 1, 8, 2, 7, 3, 6, 4, 5}, 0.1) == 1);
  CHECK(quantile({10, 0, 9, 1, 8, 2, 7, 3, 6, 4, 5}, 0.9) == 9);
  CHECK(median({5, 1, 4, 2, 3}) == 3);
  CHECK(median({4, 1, 3, 2}) == 2);  // of two in the middle the lesser
}
