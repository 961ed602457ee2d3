// Words of users, in sentences to them.
#include "engine/base/words.hpp"

#include <doctest/doctest.h>

using namespace tocsin;

TEST_CASE("nearest finds what was likely meant") {
  const std::vector<std::string> fields = {"amount", "merchant", "card", "at"};
  CHECK(nearest("ammount", fields) == "amount");            // one too many
  CHECK(nearest("amont", fields) == "amount");              // one too few
  CHECK(nearest("amuont", fields) == "amount");             // two swapped
  CHECK(nearest("amout", {"about", "amount"}) == "about");  // the first of equals
  CHECK(nearest("cart", fields) == "card");
  CHECK(nearest("price", fields).empty());
  CHECK(nearest("Card", fields) == "card");
  CHECK(nearest("x", {"y"}).empty());  // nothing in common
  CHECK(nearest("x", {"x1"}) == "x1");
  CHECK(nearest("", fields).empty());
  CHECK(nearest(std::string(100'000, 'a'), fields).empty());
}

TEST_CASE("input stands in sentences in quotes, shortened and without control characters") {
  CHECK(in_quotes("card") == "'card'");
  CHECK(in_quotes("a\nb\x7F") == "'a?b?'");
  CHECK(in_quotes(std::string(61, 'x')) == "'" + std::string(60, 'x') + "…'");
  CHECK(in_quotes(std::string(59, 'x') + "é") == "'" + std::string(59, 'x') + "…'");  // never within a letter
}
