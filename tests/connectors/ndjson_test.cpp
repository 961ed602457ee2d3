// The NDJSON decoder: what a line gives, and what is said of lines that do not fit.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "connectors/ndjson_decoder.hpp"
#include "tests/connectors/support.hpp"

namespace tocsin::connectors {

using test::read_all;
using test::read_ndjson;

namespace {

/// The event of one line, or `bad: …`.
std::string decode(std::string_view line) {
  const auto result = read_ndjson(line);
  if (!result.bad.empty()) return "bad: " + result.bad[0].substr(std::string_view("in.ndjson:1: ").size());
  return result.events.empty() ? "nothing" : result.events[0];
}

/// A line of type All, with all that must be there and `rest`, which may say something else.
std::string all(std::string_view rest) {
  return fmt::format(R"({{"type":"All","b":true,"i":1,"f":2.5,"s":"x","t":3,"d":"1s","e":"buy"{}{}}})",
                     rest.empty() ? "" : ",", rest);
}

/// The value of `field` in a line of type All in which it stands as `json`.
std::string value_of(std::string_view field, std::string_view json) {
  const std::string event = decode(all(fmt::format("\"{}\":{}", field, json)));
  const std::string key = fmt::format("\"{}\":", field);
  const auto at = event.find(key);
  if (event.starts_with("bad") || at == std::string::npos) return event;
  const auto begin = at + key.size();
  auto end = event.find(",\"", begin);
  if (event[begin] == '[') end = event.find(']', begin) + 1;
  return event.substr(begin, std::min(end, event.find('}', begin)) - begin);
}

}  // namespace

TEST_CASE("fields go by name, in any order, unknown ones aside") {
  const std::string expected =
      R"(Payment{"card":"A","amount":1.5,"country":null,"at":"1970-01-01T00:00:12.345Z"})";
  CHECK(decode(R"({"type":"Payment","card":"A","amount":1.5,"at":12345})") == expected);
  CHECK(decode(R"({"at":12345,"amount":1.5,"card":"A","type":"Payment"})") == expected);
  CHECK(decode(R"({"card":"A","type":"Payment","amount":1.5,"at":12345})") == expected);
  CHECK(
      decode(
          R"({"type":"Payment","x":[1,{"card":"B"}],"card":"A","y":null,"amount":1.5,"at":12345,"z":{}})") ==
      expected);
  CHECK(decode(R"( { "type" : "Payment" , "card" : "A" , "amount" : 1.5 , "at" : 12345 } )") == expected);
  CHECK(decode(R"({"\u0074ype":"\u0050ayment","c\u0061rd":"A","amount":1.5,"at":12345})") == expected);
  CHECK(decode(R"({"cardx":"B","car":"C","type":"Payment","card":"A","amount":1.5,"at":12345})") == expected);
}

TEST_CASE("changing field orders and types from line to line") {
  const std::string a = R"({"type":"Payment","card":"A","amount":1,"at":1})";
  const std::string b = R"({"type":"Bare","x":5})";
  const std::string c = R"({"amount":1,"country":"DE","at":1,"type":"Payment","card":"A"})";
  const std::string d = R"({"type":"Payment","at":1,"skip":"me","amount":1,"card":"A"})";
  const std::vector<std::string> lines = {a, b, c, d};
  for (int first = 0; first < 4; ++first) {
    for (int second = 0; second < 4; ++second) {
      const auto result = read_ndjson(lines[first] + "\n" + lines[second] + "\n" + lines[first]);
      REQUIRE(result.events.size() == 3);
      CHECK(result.events[0] == decode(lines[first]));
      CHECK(result.events[1] == decode(lines[second]));
      CHECK(result.events[2] == decode(lines[first]));
    }
  }
}

TEST_CASE("of repeated keys the last counts, the type's too") {
  CHECK(decode(R"({"type":"Bare","x":1,"x":2})") == R"(Bare{"x":2}@777)");
  CHECK(decode(R"({"type":"Payment","x":1,"type":"Bare"})") == R"(Bare{"x":1}@777)");
  CHECK(decode(R"({"type":"Bare","x":1,"type":"Bare"})") == R"(Bare{"x":1}@777)");
  CHECK(decode(R"({"type":"Nope","x":1,"type":"Bare"})") == "bad: unknown event type 'Nope'");
  CHECK(value_of("in", R"(1,"in":null)") == "null");
  CHECK(decode(all(R"("in":1,"in":null,"in":2,"sn":"a","sn":null)")).find(R"("in":2,"fn":null,"sn":null)") !=
        std::string::npos);
  CHECK(decode(R"({"type":"Bare","x":1,"x":null})") == "bad: field 'x' of Bare: expected int, got null");
}

TEST_CASE("every type of field, from what JSON has for it") {
  struct {
    const char* field;
    const char* json;
    const char* value;
  } const cases[] = {
      {"bn", "true", "true"},
      {"bn", "false", "false"},
      {"in", "-9223372036854775808", "-9223372036854775808"},
      {"in", "9223372036854775807", "9223372036854775807"},
      {"in", "1.0", "1"},
      {"in", "-2e3", "-2000"},
      {"fn", "1", "1"},
      {"fn", "-0.0", "-0"},
      {"fn", "142.90755947629364", "142.90755947629364"},
      {"fn", "1e308", "1e+308"},
      {"fn", "12345678901234567890", "1.2345678901234567e+19"},
      {"sn", R"("")", R"("")"},
      {"sn", R"("a\"\\\/\n\u00e9\ud83d\ude00b")", R"("a\"\\/\né😀b")"},
      {"sn", R"("exactly-eight-and-more\t.")", R"("exactly-eight-and-more\t.")"},
      {"tn", "3", R"("1970-01-01T00:00:03Z")"},
      {"tn", "-3.0", R"("1969-12-31T23:59:57Z")"},
      {"tn", R"("2016-12-10T06:55:46.25Z")", R"("2016-12-10T06:55:46.25Z")"},
      {"tn", R"("2016-12-10T06:55:46\u002B01:00")", R"("2016-12-10T05:55:46Z")"},
      {"dn", R"("1h30m")", R"("1h30m")"},
      {"dn", "1500", R"("1us500ns")"},
      {"en", R"("sell")", R"("sell")"},
      {"en", "null", "null"},
      {"sn", "null", "null"},
      {"is", "[]", "[]"},
      {"is", "[1, -2,3.0]", "[1,-2,3]"},
      {"is", "null", "null"},
      {"ss", R"(["a","","b\nc"])", R"(["a","","b\nc"])"},
      {"ts", R"([1,"1970-01-01T00:00:02Z"])", R"(["1970-01-01T00:00:01Z","1970-01-01T00:00:02Z"])"},
  };
  for (const auto& example : cases) {
    CAPTURE(example.json);
    CHECK(value_of(example.field, example.json) == example.value);
  }
}

TEST_CASE("a value that does not fit is a bad record, and the sentence says why") {
  struct {
    const char* field;
    const char* json;
    const char* sentence;
  } const cases[] = {
      {"f", R"("1.5")", "field 'f' of All: expected float, got string"},
      {"f", "null", "field 'f' of All: expected float, got null"},
      {"f", "true", "field 'f' of All: expected float, got bool"},
      {"f", "[1]", "field 'f' of All: expected float, got array"},
      {"f", "{}", "field 'f' of All: expected float, got object"},
      {"f", "1e999", "field 'f' of All: expected float, got 1e999"},
      {"f", "01", "field 'f' of All: expected float, got 01"},
      {"fn", R"("x")", "field 'fn' of All: expected float, got string"},
      {"i", "1.5", "field 'i' of All: expected int, got 1.5"},
      {"i", "9223372036854775808", "field 'i' of All: expected int, got 9223372036854775808"},
      {"i", "9007199254740993.0", "field 'i' of All: expected int, got 9007199254740993.0"},
      {"b", "1", "field 'b' of All: expected bool, got number"},
      {"b", "truth", "field 'b' of All: expected bool, got 'truth'"},
      {"s", "5", "field 's' of All: expected string, got number"},
      {"s", R"("\x")", "field 's' of All: expected string, got a string with a wrong escape"},
      {"s", R"("\ud800")", "field 's' of All: expected string, got a string with a wrong escape"},
      {"t", R"("yesterday")", "field 't' of All: expected time, got 'yesterday'"},
      {"t", "9223372037", "field 't' of All: expected time, got 9223372037"},
      {"t", "1.5", "field 't' of All: expected time, got 1.5"},
      {"d", R"("soon")", "field 'd' of All: expected duration, got 'soon'"},
      {"e", R"("hold")", "field 'e' of All: expected enum(buy, sell), got 'hold'"},
      {"e", "0", "field 'e' of All: expected enum(buy, sell), got number"},
      {"is", "1", "field 'is' of All: expected int[], got number"},
      {"is", "[1,null]", "field 'is' of All: expected int[], got an array with null"},
      {"is", R"([1,"a"])", "field 'is' of All: expected int[], got an array with string"},
      {"ss", R"([["a"]])", "field 'ss' of All: expected string[], got an array with array"},
  };
  for (const auto& example : cases) {
    CAPTURE(example.json);
    CHECK(value_of(example.field, example.json) == std::string("bad: ") + example.sentence);
  }
  CHECK(decode(R"({"type":"Payment","amount":1,"at":1})") == "bad: field 'card' of Payment is missing");
  CHECK(decode(R"({"type":"Payment","card":"A","amount":1})") == "bad: field 'at' of Payment is missing");
}

TEST_CASE("what is no JSON object is a bad record") {
  struct {
    std::string line;
    std::string sentence;
  } const cases[] = {
      {"[1]", "malformed JSON: it is no object"},
      {"1", "malformed JSON: it is no object"},
      {"hello", "malformed JSON: it is no object"},
      {R"({"type":"Bare","x":1)", "malformed JSON: it does not end with a closing brace"},
      {R"({"type":"Bare","x":1} x)", "malformed JSON: it does not end with a closing brace"},
      {R"({"type":"Bare","x":1} {"type":"Bare","x":1})", "malformed JSON: there is text behind the object"},
      {R"({"type":"Bare","x":1}})", "malformed JSON: there is text behind the object"},
      {R"({"type":"Bare","x":1,"s":"a})", "malformed JSON: a string is not closed"},
      {"{\"type\":\"Bare\",\"x\":1,\"s\":\"a\tb\"}", "malformed JSON: a string holds a control character"},
      {"{\"type\":\"Bare\",\"x\":1,\"s\":\"\xFF\"}", "malformed JSON: it is not UTF-8"},
      {R"({"type":"Bare","x":1,"\q":1})", "malformed JSON: a string has a wrong escape"},
      {R"({"\q":1,"type":"Bare","x":1})", "malformed JSON: a string has a wrong escape"},
      {R"({"type":"Bare" "x":1})",
       "malformed JSON: a comma, colon, quote or bracket is missing or misplaced"},
      {R"({"type":"Bare","x":1,"y":[1})",
       "malformed JSON: a comma, colon, quote or bracket is missing or misplaced"},
      {R"({"type":"Bare",x:1})", "malformed JSON: a comma, colon, quote or bracket is missing or misplaced"},
      {R"({"x":1})", "no field 'type' says which event it is"},
      {"{}", "no field 'type' says which event it is"},
      {R"({"type":5,"x":1})", "field 'type': expected the event's type, got number"},
      {R"({"x":1,"type":null})", "field 'type': expected the event's type, got null"},
      {R"({"type":"Foo"})", "unknown event type 'Foo'"},
      {R"({"x":1,"type":"Foo"})", "unknown event type 'Foo'"},
      {R"({"type":"Alert","x":1})", "event type 'Alert' is emitted by rules and can't be read from an input"},
  };
  for (const auto& example : cases) {
    CAPTURE(example.line);
    CHECK(decode(example.line) == "bad: " + example.sentence);
  }
}

TEST_CASE("nesting is bounded, in brackets that nobody reads too") {
  const auto nested = [](std::size_t depth, char open, char close) {
    return R"({"type":"Bare","x":1,"y":)" + std::string(depth, open) + std::string(depth, close) + "}";
  };
  CHECK(decode(nested(max_json_depth - 1, '[', ']')) == R"(Bare{"x":1}@777)");
  const std::string sentence = fmt::format("bad: malformed JSON: nested more than {} deep", max_json_depth);
  CHECK(decode(nested(max_json_depth, '[', ']')) == sentence);
  CHECK(decode(nested(100'000, '[', ']')) == sentence);
  CHECK(decode(std::string(100'000, '[')).starts_with("bad: malformed JSON"));
  CHECK(decode(std::string(100'000, '{')).starts_with("bad: malformed JSON"));
}

TEST_CASE("blank lines are nothing; bad ones are reported with their line") {
  const auto result =
      read_ndjson("\n  \n{\"type\":\"Bare\",\"x\":1}\r\nnope\n\r\n{\"type\":\"Bare\",\"x\":2}");
  CHECK(result.events == std::vector<std::string>{R"(Bare{"x":1}@777)", R"(Bare{"x":2}@777)"});
  CHECK(result.bad == std::vector<std::string>{"in.ndjson:4: malformed JSON: it is no object"});
  CHECK(result.status == model::ReadStatus::end);
}

TEST_CASE("the type may be fixed, and its field may have another name") {
  const std::string line = R"({"type":"Foo","kind":"Bare","x":1})";
  CHECK(read_all(line, {.spec = {.path = "-", .event = "Bare"}}).events ==
        std::vector<std::string>{R"(Bare{"x":1}@777)"});
  CHECK(read_all(line, {.spec = {.path = "-", .type_field = "kind"}}).events ==
        std::vector<std::string>{R"(Bare{"x":1}@777)"});
  CHECK(read_all(line, {.spec = {.path = "-", .event = "Foo"}}).open_error ==
        "stdin: unknown event type 'Foo'");
  CHECK(read_all(line, {.spec = {.path = "-", .event = "Alert"}}).open_error ==
        "stdin: event type 'Alert' is emitted by rules and can't be read from an input");
  SUBCASE("a declared field may have the type field's name") {
    const std::string expected = R"(Typed{"type":"Typed","x":1}@777)";
    CHECK(decode(R"({"type":"Typed","x":1})") == expected);
    CHECK(decode(R"({"x":1,"type":"Typed"})") == expected);
    CHECK(read_all(R"({"x":1,"type":"any"})", {.spec = {.path = "-", .event = "Typed"}}).events ==
          std::vector<std::string>{R"(Typed{"type":"any","x":1}@777)"});
  }
  CHECK(decode(R"({"type":"Empty"})") == "Empty{}@777");
}

}  // namespace tocsin::connectors
