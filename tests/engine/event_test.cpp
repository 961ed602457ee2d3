#include <string>

#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;
using model::Kind;
using model::Value;

namespace {

model::EventType every_kind() {
  model::EventType type;
  type.name = "E";
  type.fields = {{"i", {.kind = Kind::integer}},
                 {"f", {.kind = Kind::floating}},
                 {"s", {.kind = Kind::string, .nullable = true}},
                 {"at", {.kind = Kind::time}},
                 {"tags", {.kind = Kind::array, .element = Kind::string}},
                 {"codes", {.kind = Kind::array, .element = Kind::integer}}};
  type.timestamp = 3;
  type.layout();
  return type;
}

}  // namespace

TEST_CASE("an event gives back what was written") {
  const auto type = every_kind();
  model::EventBatch batch;
  model::EventWriter writer(batch);
  writer.begin(type);
  writer.set_int(0, -7);
  writer.set_float(1, 2.5);
  writer.set_string(2, "héllo");
  writer.set_int(3, 1234);
  writer.set_array(4, std::vector<Value>{text_value("a"), text_value(""), text_value("ccc")});
  writer.set_array(5, std::vector<Value>{int_value(1), int_value(2)});
  writer.commit(99, 5, 3);

  const auto event = batch[0];
  CHECK(event.size() % 8 == 0);
  CHECK(event.time_ns() == 1234);  // the field, not the argument
  CHECK(event.seq() == 5);
  CHECK(event.header().source == 3);
  CHECK(event.get(type.fields[0], 0).i == -7);
  CHECK(event.get(type.fields[1], 1).f == 2.5);
  CHECK(event.get(type.fields[2], 2).text() == "héllo");
  CHECK(event.get(type.fields[3], 3).i == 1234);
  const Value tags = event.get(type.fields[4], 4);
  REQUIRE(tags.size == 3);
  CHECK(model::element_of(tags, 0).text() == "a");
  CHECK(model::element_of(tags, 1).text() == "");
  CHECK(model::element_of(tags, 2).text() == "ccc");
  CHECK(model::element_of(event.get(type.fields[5], 5), 1).i == 2);
}

TEST_CASE("a field that was not set is null, and an aborted event leaves nothing") {
  const auto type = every_kind();
  model::EventBatch batch;
  model::EventWriter writer(batch);
  writer.begin(type);
  writer.set_string(2, "lost");
  writer.abort();
  CHECK(batch.empty());
  writer.begin(type);
  writer.commit(42, 1, 0);
  REQUIRE(batch.size() == 1);
  for (std::uint32_t i = 0; i < type.fields.size(); ++i)
    CHECK(batch[0].is_null(i));
  CHECK(batch[0].time_ns() == 42);
}

TEST_CASE("events survive a copy to another batch, and taking some out") {
  const auto type = every_kind();
  model::EventBatch batch;
  for (int i = 0; i < 1000; ++i) {
    add_event(batch, type, i, {int_value(i), Value::null(), text_value("text " + std::to_string(i))},
              static_cast<std::uint64_t>(i));
  }
  batch.erase_if([](const model::EventHeader& header) { return header.seq % 3 != 0; });
  REQUIRE(batch.size() == 334);
  model::EventBatch copy;
  for (std::size_t i = 0; i < batch.size(); ++i)
    copy.append(batch[i]);
  for (std::size_t i = 0; i < copy.size(); ++i) {
    CHECK(copy[i].get(type.fields[2], 2).text() == "text " + std::to_string(3 * i));
  }
}

TEST_CASE("more than 64 fields have more than one word of null bits") {
  model::EventType type;
  for (int i = 0; i < 130; ++i)
    type.fields.push_back({"f" + std::to_string(i), {.kind = Kind::integer}});
  type.layout();
  model::EventBatch batch;
  model::EventWriter writer(batch);
  writer.begin(type);
  writer.set_int(63, 1);
  writer.set_int(64, 2);
  writer.set_int(129, 3);
  writer.commit(0, 0, 0);
  for (std::uint32_t i = 0; i < 130; ++i)
    CHECK(batch[0].is_null(i) == (i != 63 && i != 64 && i != 129));
  CHECK(batch[0].get(type.fields[129], 129).i == 3);
}
