#include "service/table_files.hpp"

#include <fmt/format.h>
#include <utility>

#include "service/signals_blocked.hpp"
#include "service/text.hpp"

namespace tocsin::service {

ReadTable read_table(const plan::Plan& plan, std::uint32_t number, std::size_t max_rows) {
  const plan::Table& table = plan.tables[number];
  connectors::TableRows read = connectors::read_table(table.path, plan.catalog, table.type, max_rows);
  ReadTable out;
  out.problems = std::move(read.problems);
  if (const std::uint64_t untold = read.problem_count - out.problems.size(); untold > 0)
    out.problems.push_back(fmt::format("{}: and {} more", table.path, count_of(untold, "bad row")));
  if (!read.complete()) return out;
  auto content = std::make_shared<match::Table>(table, plan.catalog, max_rows);
  std::uint64_t replaced = 0;
  std::uint64_t line = 0;  // of the first row that took another's place
  for (std::size_t i = 0; i < read.rows.size(); ++i) {
    if (content->put(read.rows[i]) != match::Table::Put::replaced) continue;
    if (++replaced == 1) line = read.rows[i].seq();
  }
  out.table = std::move(content);
  if (replaced == 0) return out;
  out.warning =
      fmt::format("{}:{}: this key stood there before; the last row of a key counts", table.path, line);
  if (replaced > 1) out.warning += fmt::format(" ({} like this)", count_of(replaced, "row"));
  return out;
}

TableFiles::TableFiles(std::shared_ptr<const plan::Plan> plan, std::size_t max_rows, Tell tell,
                       Tell tell_news)
    : plan_(std::move(plan)), max_rows_(max_rows), tell_(std::move(tell)), tell_news_(std::move(tell_news)) {
  for (std::uint32_t number = 0; number < plan_->tables.size(); ++number) {
    const std::string& path = plan_->tables[number].path;
    if (!path.empty() && !plan_->tables[number].removed)
      files_.push_back({number, connectors::FileWatch(path), nullptr});
  }
}

std::vector<std::string> TableFiles::read_all() {
  std::vector<std::string> problems;
  for (File& file : files_) {
    ReadTable read = read_table(*plan_, file.number, max_rows_);
    for (const std::string& problem : read.problems)
      problems.push_back(fmt::format("table {}: {}", plan_->tables[file.number].name, problem));
    if (!file.watch.is_as_read()) {
      problems.push_back(fmt::format("table {}: {} changes while it is read", plan_->tables[file.number].name,
                                     file.watch.path()));
      read.table = nullptr;
    }
    if (!read.warning.empty()) tell_news_(read.warning);
    file.table = std::move(read.table);
  }
  return problems;
}

void TableFiles::serve(runtime::Engine& engine) {
  engine_ = &engine;
  for (const File& file : files_)
    engine.set_table(file.number, file.table);
  if (files_.empty()) return;
  const SignalsBlocked on_the_thread;
  thread_ = std::jthread([this](const std::stop_token& stop) { look_now_and_then(stop); });
}

void TableFiles::look_now_and_then(const std::stop_token& stop) {
  for (std::unique_lock lock(mutex_); !stop.stop_requested();) {
    stopped_.wait_for(lock, stop, looks_every, [] { return false; });
    for (File& file : files_) {
      if (!stop.stop_requested() && file.watch.has_changed()) reread(file);
    }
  }
}

void TableFiles::reread(File& file) {
  const plan::Table& table = plan_->tables[file.number];
  ReadTable read = read_table(*plan_, file.number, max_rows_);
  if (!file.watch.is_as_read()) return;  // it has changed meanwhile, and is looked at again
  if (!read.table) {
    tell_(fmt::format("table {} keeps its {}: {}", table.name, count_of(file.table->size(), "row"),
                      read.problems.front()));
    return;
  }
  file.table = std::move(read.table);
  engine_->set_table(file.number, file.table);
  if (!read.warning.empty()) tell_news_(read.warning);
  tell_news_(fmt::format("table {}: {} has changed, and has {} now", table.name, table.path,
                         count_of(file.table->size(), "row")));
}

}  // namespace tocsin::service
