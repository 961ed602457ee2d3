// Payloads that are JSON: their text, round trips, refusals; and the comparison of schemas.
#include "connectors/wire/handshake.hpp"

#include <algorithm>
#include <doctest/doctest.h>

#include "tests/wire/support.hpp"

namespace tocsin::connectors::wire {

namespace {

using test::Random;
using Sentences = std::vector<std::string>;

/// What is written reads back as what was written.
template <class T, class Parse>
void round_trip(const T& value, Parse parse, const std::string& json) {
  CHECK(to_json(value) == json);
  const auto parsed = parse(json);
  CHECK(parsed.error == "");
  REQUIRE(parsed);
  CHECK(to_json(*parsed) == json);
}

Hello hello() {
  Hello hello;
  hello.client = "pos \"7\"\n";
  hello.types = {{"Payment", {{"card", "string"}, {"amount", "float"}, {"at", "time"}}}};
  return hello;
}

Sentences compare_fields(std::vector<FieldDeclaration> fields) {
  return compare({{"Payment", std::move(fields)}}, test::catalog());
}

}  // namespace

TEST_CASE("payloads are written as the protocol says, and read back") {
  round_trip(
      hello(), parse_hello,
      R"({"client":"pos \"7\"\u000a","types":[{"name":"Payment","fields":[)"
      R"({"name":"card","type":"string"},{"name":"amount","type":"float"},{"name":"at","type":"time"}]}]})");
  Hello full = hello();
  full.token = "s3cret";
  full.transport = Transport::ring;
  full.ring_bytes = 1 << 20;
  full.wake = Wake::socket;
  full.source_idle_ms = 500;
  full.types.clear();
  round_trip(full, parse_hello,
             R"({"client":"pos \"7\"\u000a","token":"s3cret","transport":"ring","ring_bytes":1048576,)"
             R"("wake":"socket","source_idle_ms":500,"types":[]})");
  Welcome welcome;
  welcome.session = 12;
  welcome.max_frame = 4 << 20;
  welcome.window = 65'536;
  welcome.heartbeat_ms = 20'000;
  welcome.types = {layout_of(*test::catalog().find("Payment"), test::catalog())};
  welcome.rules = {"a", "b"};
  round_trip(
      welcome, parse_welcome,
      R"({"session":12,"max_frame":4194304,"window":65536,"heartbeat_ms":20000,"types":[{"name":"Payment",)"
      R"("id":0,"fixed_size":56,"timestamp":3,"fields":[{"name":"card","type":"string","slot":32},)"
      R"({"name":"amount","type":"float","slot":40},{"name":"country","type":"string?","slot":48},)"
      R"({"name":"at","type":"time","slot":8}]}],"rules":["a","b"]})");
  round_trip(Refused{"schema", "no"}, parse_refused, R"({"code":"schema","message":"no"})");
  round_trip(Bye{"done", ""}, parse_bye, R"({"code":"done","message":""})");
  round_trip(Ring{1, 2}, parse_ring, R"({"in_bytes":1,"out_bytes":2})");
  round_trip(Subscribe{}, parse_subscribe, R"({"with_events":false})");
  Subscribe subscribe;
  subscribe.rules = Sentences{"r"};
  subscribe.types = Sentences{};
  subscribe.policy = Policy::disconnect;
  subscribe.queue_bytes = 5;
  subscribe.with_events = true;
  round_trip(subscribe, parse_subscribe,
             R"({"rules":["r"],"types":[],"policy":"disconnect","queue_bytes":5,"with_events":true})");
  Subscribed subscribed;
  subscribed.rules = {{3, "r", "Alert", std::nullopt, {{"a", "Payment"}, {"", "All"}}},
                      {4, "s", std::nullopt, "Late", {}}};
  round_trip(subscribed, parse_subscribed,
             R"({"types":[],"rules":[{"id":3,"name":"r","emits":"Alert","on_timeout":null,"steps":[)"
             R"({"name":"a","type":"Payment"},{"name":"","type":"All"}]},)"
             R"({"id":4,"name":"s","emits":null,"on_timeout":"Late","steps":[]}]})");
}

TEST_CASE("members that may be absent may be, and unknown ones are passed over") {
  const auto least = parse_hello(R"({"new":{"a":[1]},"client":"c","token":null})");
  REQUIRE(least);
  CHECK(least->client == "c");
  CHECK(!least->token);
  CHECK(least->types.empty());
  const auto all = parse_subscribe("{}");
  REQUIRE(all);
  CHECK(!all->rules);
  CHECK(!all->policy);
  const auto refused = parse_refused(R"({"code":"x"})");
  REQUIRE(refused);
  CHECK(refused->message.empty());
}

TEST_CASE("what can't be read says what and where") {
  const auto error = [](std::string_view json) {
    const auto parsed = parse_hello(json);
    CHECK(parsed.value.has_value() == parsed.error.empty());
    return parsed.error;
  };
  CHECK(error("") == "HELLO: malformed JSON: it is empty");
  CHECK(error("\xFF") == "HELLO: malformed JSON: it is not UTF-8");
  CHECK(error(R"({"client":)").starts_with("HELLO: malformed JSON: "));
  CHECK(error(R"({"client":"x"} x)").starts_with("HELLO: malformed JSON: "));
  CHECK(error("[]") == "HELLO: it is no JSON object");
  CHECK(error("{}") == "HELLO: 'client' is missing");
  CHECK(error(R"({"client":7})") == "HELLO: 'client' must be a string");
  CHECK(error(R"({"client":"c","transport":"tube"})") ==
        "HELLO: 'transport' is 'tube', where it must be one of socket, ring");
  CHECK(error(R"({"client":"c","ring_bytes":-1})") ==
        "HELLO: 'ring_bytes' must be an integer from 0 to 18446744073709551615");
  CHECK(error(R"({"client":"c","source_idle_ms":1.5})") ==
        "HELLO: 'source_idle_ms' must be an integer from 0 to 9223372036854775807");
  CHECK(error(R"({"client":"c","types":{}})") == "HELLO: 'types' must be a list");
  CHECK(error(R"({"client":"c","types":[1]})") == "HELLO: 'types[0]' must be an object");
  CHECK(error(R"({"client":"c","types":[{"name":"A","fields":[]},{"fields":[]}]})") ==
        "HELLO: types[1]: 'name' is missing");
  CHECK(error(R"({"client":"c","types":[{"name":"A","fields":[{"name":"x"}]}]})") ==
        "HELLO: types[0]: fields[0]: 'type' is missing");
  CHECK(error(R"({"client":"c","x":)" + std::string(100, '[') + std::string(100, ']') + "}") ==
        "HELLO: malformed JSON: it is nested more than 16 deep");
  CHECK(parse_welcome(R"({"session":1,"max_frame":1,"window":4294967296})").error ==
        "WELCOME: 'window' must be an integer from 0 to 4294967295");
  CHECK(parse_subscribe(R"({"with_events":1})").error == "SUBSCRIBE: 'with_events' must be true or false");
}

TEST_CASE("any mutation of a payload is read or refused with a sentence") {
  const std::string json = to_json(hello());
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = json.substr(0, random.below(4) == 0 ? random.below(json.size()) : json.size());
    for (std::uint64_t changes = random.below(4); changes > 0 && !text.empty(); --changes)
      text[random.below(text.size())] = static_cast<char>(random.next());
    const auto parsed = parse_hello(text);
    CHECK(parsed.value.has_value() == parsed.error.empty());
  }
}

TEST_CASE("types are read as they are written") {
  const model::Catalog catalog = test::catalog();
  for (const auto& type : catalog.types) {
    for (const auto& field : type.fields) {
      model::Catalog own;
      const auto parsed = parse_type(model::to_string(field.type, catalog), own);
      REQUIRE(parsed);
      CHECK(model::to_string(*parsed, own) == model::to_string(field.type, catalog));
    }
  }
  model::Catalog own;
  CHECK(parse_type(" enum( a,b )? ", own).has_value());
  CHECK(own.enumerations.at(0).labels == Sentences{"a", "b"});
  for (const char* wrong : {"", "?", "[]", "strin", "int ?x", "int??", "int[][]", "enum()", "enum(a,)",
                            "enum(a", "enum(a)[]", "null", "time(ms)"}) {
    CAPTURE(wrong);
    CHECK(!parse_type(wrong, own));
  }
}

TEST_CASE("a type is made of its layout, and must have its places there") {
  for (const auto& type : test::catalog().types) {
    model::Catalog own;
    const auto made = type_of(layout_of(type, test::catalog()), own);
    REQUIRE_MESSAGE(made, made.error);
    CHECK(to_json(Subscribed{{layout_of(*made, own)}, {}}) ==
          to_json(Subscribed{{layout_of(type, test::catalog())}, {}}));
  }
  const TypeLayout good = layout_of(*test::catalog().find("Payment"), test::catalog());
  const auto error = [&](auto change) {
    TypeLayout layout = good;
    change(layout);
    model::Catalog own;
    return type_of(layout, own).error;
  };
  CHECK(error([](auto& layout) { layout.fields[0].type = "strong"; }) == "a field of type strong");
  CHECK(error([](auto& layout) { layout.timestamp = 4; }) == "a wrong timestamp");
  CHECK(error([](auto& layout) { layout.fields[1].slot += 8; }) == "another layout of Payment");
  CHECK(error([](auto& layout) { layout.fixed_size += 8; }) == "another layout of Payment");
}

TEST_CASE("declared types are compared with the catalog, and every mismatch is said") {
  const FieldDeclaration card{"card", "string"}, amount{"amount", "float"}, country{"country", "string?"},
      at{"at", "time"};
  CHECK(compare({}, test::catalog()).empty());
  CHECK(compare_fields({card, amount, country, at}).empty());
  CHECK(compare_fields({at, amount, card}).empty());  // in any order, country is nullable
  CHECK(compare_fields({card, amount, {"country", "string"}, at}).empty());  // never null here
  CHECK(compare_fields({{"card", "string?"}, amount, at}) ==
        Sentences{"field 'card' of Payment is string, and was declared as string?"});
  CHECK(compare_fields({{"crd", "string"}, {"amount", "int"}, {"at", "tim"}, country, country}) ==
        Sentences{"Payment has no field 'crd'; did you mean 'card'?",
                  "field 'amount' of Payment is float, and was declared as int",
                  "field 'at' of Payment: 'tim' is no type", "field 'country' of Payment is declared twice",
                  "field 'card' of Payment is not declared, and can't be null"});
  CHECK(compare({{"Paymant", {}}, {"Alert", {}}, {"List", {}}, {"Empty", {}}, {"Empty", {}}, {"\n", {}}},
                test::catalog()) == Sentences{"unknown event type 'Paymant'; did you mean 'Payment'?",
                                              "event type 'Alert' is emitted by rules and can't be sent",
                                              "'List' is a table, and no event type",
                                              "event type 'Empty' is declared twice",
                                              "unknown event type '?'"});
  std::vector<FieldDeclaration> all;
  for (const auto& field : layout_of(*test::catalog().find("All"), test::catalog()).fields)
    all.push_back({field.name, field.type});
  CHECK(compare({{"All", all}}, test::catalog()).empty());
  all[6].type = "enum(sell, buy)";
  all[17].type = "float[]?";
  CHECK(compare({{"All", all}}, test::catalog()) ==
        Sentences{"field 'e' of All is enum(buy, sell), and was declared as enum(sell, buy)",
                  "field 'ss' of All is string[]?, and was declared as float[]?"});
}

TEST_CASE("a stranger's mistakes cost no more than anybody would read") {
  std::vector<TypeDeclaration> types(50'000, {"Paymnt", {}});
  const auto sentences = compare(types, test::catalog());
  CHECK(sentences.size() == 100);
  CHECK(std::count(sentences.begin(), sentences.end(),
                   "unknown event type 'Paymnt'; did you mean 'Payment'?") == 10);
}

}  // namespace tocsin::connectors::wire
