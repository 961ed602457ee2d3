// Tables from files: whole or not at all, with the places of what is wrong; and when a file is to be read
// again.
#include "connectors/table_rows.hpp"

#include <cstdio>
#include <doctest/doctest.h>
#include <fstream>
#include <string>

#include "tests/connectors/support.hpp"

namespace tocsin::connectors {

namespace {

/// Payment is a table's row here, though it has a timestamp: { card, amount, country?, at }.
constexpr model::EventTypeId row = 0;

model::Catalog row_catalog() {
  auto catalog = test::catalog();
  catalog.types[row].row = true;
  return catalog;
}

TableRows read(std::string_view text, const std::string& path, std::size_t max_rows = 100) {
  return read_table(memory_input(text), path, row_catalog(), row, max_rows);
}

using Lines = std::vector<std::string>;

void write(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

}  // namespace

TEST_CASE("rows of CSV and NDJSON, each with its line") {
  const auto csv = read("amount,extra,at,card\n1.5,x,1,A\n\n2,\"y\nz\",2,B\n3,w,3,A\n", "t.csv");
  REQUIRE(csv.complete());
  REQUIRE(csv.rows.size() == 3);
  CHECK(csv.rows[0].seq() == 2);
  CHECK(csv.rows[1].seq() == 4);
  CHECK(csv.rows[2].seq() == 6);
  CHECK(csv.rows[0].type() == row);
  CHECK(test::to_text(csv.rows[1], row_catalog()) ==
        R"(Payment{"card":"B","amount":2,"country":null,"at":"1970-01-01T00:00:00.002Z"})");

  const auto json = read(
      "{\"card\":\"A\",\"amount\":1,\"at\":5,\"more\":[1]}\n\n{\"type\":\"x\",\"card\":\"B\",\"amount\":2,"
      "\"at\":6}",
      "dir/t.ndjson.zst");
  REQUIRE(json.complete());
  REQUIRE(json.rows.size() == 2);
  CHECK(json.rows[1].seq() == 3);
  CHECK(read("", "t.ndjson").complete());
}

TEST_CASE("one bad row and the table is not complete") {
  const auto bad = read("card,amount,at\nA,1,1\nB,x,2\nC,3\n", "t.csv");
  CHECK(!bad.complete());
  CHECK(bad.problems == Lines{"t.csv:3: field 'amount' of Payment: expected float, got 'x'",
                              "t.csv:4: expected 3 values, got 2"});
  CHECK(read("card,amount\n", "t.csv").problems ==
        Lines{"t.csv: there is no column 'at', which Payment must have"});
  CHECK(read("", "t.csv").problems == Lines{"t.csv: the header line is missing"});
  CHECK(read("{\"card\":\"A\"}\n", "t.jsonl").problems ==
        Lines{"t.jsonl:1: field 'amount' of Payment is missing"});
  CHECK(read("x", "t.xml").problems ==
        Lines{"t.xml: the name does not tell the format; say whether it is ndjson or csv"});
  std::string many = "card,amount,at\n";
  for (int i = 0; i < 25; ++i)
    many += "A,?,1\n";
  CHECK(read(many, "t.csv").problem_count == 25);
  CHECK(read(many, "t.csv").problems.size() == TableRows::problems_told);
  CHECK(read_table("/nowhere/t.csv", row_catalog(), row, 100).problems ==
        Lines{"cannot open /nowhere/t.csv: No such file or directory"});
}

TEST_CASE("more rows than the limit are refused") {
  const std::string three = "card,amount,at\nA,1,1\nB,2,2\nC,3,3\n";
  CHECK(read(three, "t.csv", 3).complete());
  CHECK(read(three, "t.csv", 2).problems == Lines{"t.csv: there are more than 2 rows"});
}

TEST_CASE("rows are no input") {
  const auto catalog = row_catalog();
  auto source = open_source(memory_input("{\"type\":\"Payment\",\"card\":\"A\",\"amount\":1,\"at\":1}\n"),
                            {.path = "in"}, catalog);
  model::EventBatch batch;
  source->read(batch, 10);
  CHECK(batch.empty());
  CHECK(source->bad_records() == 1);
}

TEST_CASE("a file is to be read when it has changed and lies still again") {
  const test::TemporaryFile file(".csv");
  write(file.path(), "a\n1\n");
  FileWatch watch(file.path());
  CHECK(watch.is_as_read());
  CHECK(!watch.has_changed());
  CHECK(!watch.has_changed());

  write(file.path(), "a\n1\n22\n");
  CHECK(!watch.has_changed());  // it may be half written
  write(file.path(), "a\n1\n22\n333\n");
  CHECK(!watch.has_changed());
  CHECK(watch.has_changed());
  CHECK(watch.is_as_read());
  CHECK(!watch.has_changed());  // told once

  write(file.path(), "a\n1\n");
  CHECK(!watch.is_as_read());
  CHECK(!watch.has_changed());
  CHECK(watch.has_changed());
}

TEST_CASE("a file that is replaced or taken away has changed, one that is back as it was has not") {
  const test::TemporaryFile file(".csv"), other(".csv");
  write(file.path(), "a\n1\n");
  FileWatch watch(file.path());
  const std::string moved = file.path() + ".moved";
  REQUIRE(std::rename(file.path().c_str(), moved.c_str()) == 0);
  CHECK(!watch.has_changed());
  CHECK(watch.has_changed());
  write(other.path(), "a\n1\n");  // as large as before
  REQUIRE(std::rename(other.path().c_str(), file.path().c_str()) == 0);
  CHECK(!watch.has_changed());
  CHECK(watch.has_changed());
  CHECK(!watch.has_changed());
  REQUIRE(std::remove(moved.c_str()) == 0);
}

}  // namespace tocsin::connectors
