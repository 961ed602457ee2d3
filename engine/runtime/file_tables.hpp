// The content of the tables that are read from files. It is replaced, by whoever reads the files, while the
// engine runs: each batch takes along what holds as it sets out, so that all shards and layers see the same
// rows for the same events, and what was replaced goes with the last batch that took it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/match/table.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::runtime {

/// By number of the table; of tables that keep events, null.
using TableContents = std::vector<std::shared_ptr<const match::Table>>;

class FileTables {
 public:
  /// All of them are empty.
  explicit FileTables(const plan::Plan& plan) : published_(std::make_shared<const TableContents>()) {
    continue_with(plan);
  }

  /// From now on those of `plan`, which continues the one before: new ones are empty. Any thread.
  void continue_with(const plan::Plan& plan) {
    const std::lock_guard lock(mutex_);
    TableContents contents = *published_;
    contents.resize(plan.tables.size());
    for (std::size_t i = 0; i < contents.size(); ++i) {
      const plan::Table& table = plan.tables[i];
      if (table.removed || table.path.empty()) {
        contents[i] = nullptr;
      } else if (!contents[i]) {
        contents[i] = std::make_shared<const match::Table>(table, plan.catalog, 1);
      }
    }
    publish(std::move(contents));
  }

  /// Any thread.
  void set(std::uint32_t table, std::shared_ptr<const match::Table> content) {
    const std::lock_guard lock(mutex_);
    TableContents changed = *published_;
    changed[table] = std::move(content);
    publish(std::move(changed));
  }

  /// What holds now, for the one thread that makes batches. Where nothing has changed, one load.
  const std::shared_ptr<const TableContents>& current() {
    const std::uint64_t version = version_.load(std::memory_order_acquire);
    if (version != seen_version_) {
      const std::lock_guard lock(mutex_);
      seen_ = published_;
      seen_version_ = version;
    }
    return seen_;
  }

 private:
  void publish(TableContents contents) {
    published_ = std::make_shared<const TableContents>(std::move(contents));
    version_.fetch_add(1, std::memory_order_release);
  }

  std::mutex mutex_;
  std::shared_ptr<const TableContents> published_;
  std::atomic<std::uint64_t> version_{0};
  std::uint64_t seen_version_ = 0;
  std::shared_ptr<const TableContents> seen_;
};

}  // namespace tocsin::runtime
