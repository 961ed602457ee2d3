// The CSV decoder: quoting, types, headers, and what is said of records that do not fit.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "tests/connectors/support.hpp"

namespace tocsin::connectors {

using test::read_all;
using test::read_csv;
using Texts = std::vector<std::string>;

TEST_CASE("columns go by the header's names, in any order, unknown ones aside") {
  const Texts expected = {
      R"(Payment{"card":"A","amount":1.5,"country":null,"at":"1970-01-01T00:00:12.345Z"})"};
  CHECK(read_csv("card,amount,at\nA,1.5,12345\n").events == expected);
  CHECK(read_csv("at,x,amount, card ,country\r\n12345,?,1.5,A,\r\n").events == expected);
  CHECK(read_csv("\xEF\xBB\xBF\"card\",\"amount\",\"at\"\n\"A\",\"1.5\",\"12345\"").events == expected);
  CHECK(read_csv("\ncard,amount,at\n\nA, 1.5 ,\t12345\n\n").events == expected);
  CHECK(read_all("A,1.5,12345\n",
                 {.spec = {.path = "in.csv", .event = "Payment", .columns = {"card", "amount", "at"}}})
            .events == expected);
  CHECK(read_all("card;amount;at\nA;1.5;12345\n",
                 {.spec = {.path = "in.csv", .event = "Payment", .separator = ';'}})
            .events == expected);
  CHECK(read_all("card\tamount\tat\nA\t1.5\t12345\n", {.spec = {.path = "in.tsv", .event = "Payment"}})
            .events == expected);
}

TEST_CASE("quoting is that of RFC 4180") {
  struct {
    const char* value;
    const char* card;
  } const cases[] = {
      {R"("a,b")", R"("a,b")"},
      {R"("say ""hi""")", R"("say \"hi\"")"},
      {R"("""")", R"("\"")"},
      {"\"two\nlines\"", R"("two\nlines")"},
      {R"("")", R"("")"},
      {"", R"("")"},
      {R"(5" disk)", R"("5\" disk")"},
      {" a ", R"(" a ")"},
      {"é", R"("é")"},
  };
  for (const auto& example : cases) {
    CAPTURE(example.value);
    const auto result = read_csv(fmt::format("amount,card,at\n1,{},2\n1,last,2\n", example.value));
    REQUIRE(result.events.size() == 2);
    CHECK(result.events[0] ==
          fmt::format(R"(Payment{{"card":{},"amount":1,"country":null,"at":"1970-01-01T00:00:00.002Z"}})",
                      example.card));
  }
  SUBCASE("several values with doubled quotes in one record") {
    const auto result = read_csv("card,country,amount,at\n\"a\"\"a\",\"b\"\"b\",1,2\n");
    REQUIRE(result.events.size() == 1);
    CHECK(result.events[0].starts_with(R"(Payment{"card":"a\"a","amount":1,"country":"b\"b")"));
  }
  SUBCASE("an empty value that may be null is null, a quoted one is text") {
    const auto result = read_csv("card,country,amount,at\nA,,1,2\nA,\"\",1,2\n");
    REQUIRE(result.events.size() == 2);
    CHECK(result.events[0].find(R"("country":null)") != std::string::npos);
    CHECK(result.events[1].find(R"("country":"")") != std::string::npos);
  }
}

TEST_CASE("every type of field, from text") {
  struct {
    const char* field;
    const char* text;
    const char* value;  // or the sentence's end
  } const cases[] = {
      {"bn", "true", "true"},
      {"bn", "False", "false"},
      {"in", "-5", "-5"},
      {"in", "1.0", "1"},
      {"in", "1e3", "1000"},
      {"fn", "142.90755947629364", "142.90755947629364"},
      {"fn", " -1 ", "-1"},
      {"tn", "3", R"("1970-01-01T00:00:03Z")"},
      {"tn", "2016-12-10 06:55:46Z", R"("2016-12-10T06:55:46Z")"},
      {"dn", "1h30m", R"("1h30m")"},
      {"dn", "1500", R"("1us500ns")"},
      {"en", "sell", R"("sell")"},
      {"en", "", "null"},
      {"in", "", "null"},
      {"bn", "1", "expected bool, got '1'"},
      {"in", "1.5", "expected int, got '1.5'"},
      {"in", "9223372036854775808", "expected int, got '9223372036854775808'"},
      {"in", "\"\"", "expected int, got ''"},
      {"fn", "abc", "expected float, got 'abc'"},
      {"fn", "nan", "expected float, got 'nan'"},
      {"fn", "inf", "expected float, got 'inf'"},
      {"fn", "1,5", "expected 8 values, got 9"},
      {"tn", "2016-12-10", "expected time, got '2016-12-10'"},
      {"tn", "9223372037", "expected time, got '9223372037'"},
      {"dn", "1.5h", "expected duration, got '1.5h'"},
      {"en", "hold", "expected enum(buy, sell), got 'hold'"},
      {"f", "", "expected float, got nothing"},
  };
  for (const auto& example : cases) {
    CAPTURE(example.field);
    CAPTURE(example.text);
    const bool nullable = std::string_view(example.field).ends_with('n');
    const auto result =
        nullable
            ? read_csv(fmt::format("b,i,f,s,t,d,e,{}\ntrue,1,2,x,3,1s,buy,{}\n", example.field, example.text),
                       "All")
            : read_csv(
                  fmt::format("b,i,s,t,d,e,dn,{}\ntrue,1,x,3,1s,buy,1s,{}\n", example.field, example.text),
                  "All");
    if (result.events.empty()) {
      REQUIRE(result.bad.size() == 1);
      CHECK(result.bad[0].ends_with(example.value));
    } else {
      CHECK(result.events[0].find(fmt::format("\"{}\":{}", example.field, example.value)) !=
            std::string::npos);
    }
  }
}

TEST_CASE("records that do not fit are bad, with their line") {
  const auto result = read_csv(
      "card,amount,at\nA,1,2\nA,1\nA,1,2,3\nA,\"1\"x,2\nB,\"\n\",1\nC,one,2\n\xFF,1,2\nD,1,2\nE,\"1,2\n");
  CHECK(result.events.size() == 2);
  CHECK(result.bad == Texts{"in.csv:3: expected 3 values, got 2", "in.csv:4: expected 3 values, got 4",
                            "in.csv:5: text stands behind the closing quote of value 2",
                            "in.csv:6: field 'amount' of Payment: expected float, got '?'",
                            "in.csv:8: field 'amount' of Payment: expected float, got 'one'",
                            "in.csv:9: it is not UTF-8", "in.csv:11: the quote of value 2 is not closed"});
}

TEST_CASE("a column may name the type") {
  const auto result =
      read_csv("type,card,amount,at,x\nPayment,A,1,2,\nBare,,,,7\nFoo,,,,\nAll,,,,\nAlert,,,,1\n", "");
  CHECK(result.events ==
        Texts{R"(Payment{"card":"A","amount":1,"country":null,"at":"1970-01-01T00:00:00.002Z"})",
              R"(Bare{"x":7}@777)"});
  CHECK(result.bad ==
        Texts{"in.csv:4: unknown event type 'Foo'", "in.csv:5: there is no column 'b', which All must have",
              "in.csv:6: event type 'Alert' is emitted by rules and can't be read from an input"});
}

TEST_CASE("what can't be read at all is said when it is opened") {
  CHECK(read_csv("card,at\n").open_error == "in.csv: there is no column 'amount', which Payment must have");
  CHECK(read_csv("card,card\n").open_error == "in.csv: column 'card' stands there twice");
  CHECK(read_csv("card\n", "Foo").open_error == "in.csv: unknown event type 'Foo'");
  CHECK(read_csv("card\n", "").open_error ==
        "in.csv: there is no column 'type', and no event type is given for all records");
  CHECK(read_csv("b,i,f,s,t,d,e,is\n", "All").open_error ==
        "in.csv: field 'is' of All is an array, which CSV can't hold");
  CHECK(read_csv("\"card\n").open_error == "in.csv: in the header the quote of value 1 is not closed");
  CHECK(read_csv("").events.empty());
  CHECK(read_csv("").status == model::ReadStatus::end);
}

}  // namespace tocsin::connectors
