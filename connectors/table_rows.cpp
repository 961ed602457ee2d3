#include "connectors/table_rows.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <sys/stat.h>
#include <utility>

#include "connectors/open_source.hpp"

namespace tocsin::connectors {

namespace {

/// Beyond it the places of rows in a batch have no number.
constexpr std::size_t max_bytes = std::numeric_limits<std::uint32_t>::max() - (std::size_t{16} << 20);

/// The decoders read events of the types in a catalog; in this one the rows are one.
model::Catalog catalog_of_rows(const model::Catalog& catalog, model::EventTypeId row) {
  model::Catalog out;
  out.enumerations = catalog.enumerations;
  out.types.push_back(catalog[row]);
  out.types.back().row = false;
  return out;
}

bool is_csv(std::string_view path) {
  if (path.ends_with(".zst")) path.remove_suffix(4);
  return path.ends_with(".csv") || path.ends_with(".tsv");
}

void add_problem(TableRows& table, std::string sentence) {
  if (++table.problem_count <= TableRows::problems_told) table.problems.push_back(std::move(sentence));
}

void read_rows(RecordSource& source, std::size_t max_rows, TableRows& table) {
  for (model::ReadStatus status = model::ReadStatus::more; status == model::ReadStatus::more;) {
    const std::size_t before = table.rows.size();
    status = source.read(table.rows, 1);
    if (table.rows.size() > before) table.rows.header(before).seq = source.line();
    if (status == model::ReadStatus::failed) add_problem(table, source.error());
    if (table.rows.size() > max_rows || table.rows.bytes() > max_bytes) {
      add_problem(table, table.rows.bytes() > max_bytes
                             ? fmt::format("{}: a table holds at most 4 GiB", source.name())
                             : fmt::format("{}: there are more than {} rows", source.name(), max_rows));
      return;
    }
  }
}

}  // namespace

TableRows read_table(std::unique_ptr<ByteInput> input, const std::string& path, const model::Catalog& catalog,
                     model::EventTypeId row, std::size_t max_rows) {
  TableRows table;
  const model::Catalog rows = catalog_of_rows(catalog, row);
  SourceContext context;
  context.clock = [] { return std::int64_t{0}; };
  context.report = [&](const BadRecord& bad) {
    add_problem(table, fmt::format("{}:{}: {}", bad.source, bad.line, bad.message));
  };
  const auto source =
      open_source(std::move(input), {.path = path, .event = catalog[row].name}, rows, context);
  if (!source) {
    add_problem(table, source.error);
    return table;
  }
  read_rows(*source, max_rows, table);
  if (table.complete() && source->bytes_read() == 0 && is_csv(path))
    add_problem(table, fmt::format("{}: the header line is missing", path));
  return table;
}

TableRows read_table(const std::string& path, const model::Catalog& catalog, model::EventTypeId row,
                     std::size_t max_rows) {
  auto input = open_input(path);
  if (input) return read_table(std::move(input.value), path, catalog, row, max_rows);
  TableRows table;
  add_problem(table, std::move(input.error));
  return table;
}

FileWatch::FileWatch(std::string path) : path_(std::move(path)), read_(look()), seen_(read_) {}

FileWatch::State FileWatch::look() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return {};
  const auto ns = [](const timespec& time) {
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
  };
  return {info.st_dev, info.st_ino, info.st_size, ns(info.st_mtim), ns(info.st_ctim)};
}

bool FileWatch::has_changed() {
  const State now = look();
  const bool lies_still = now == std::exchange(seen_, now);
  if (!lies_still || now == read_) return false;
  read_ = now;
  return true;
}

}  // namespace tocsin::connectors
