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
  explicit FileTables(const plan::Plan& plan) {
    TableContents empty;
    for (const plan::Table& table : plan.tables) {
      empty.push_back(table.path.empty() ? nullptr
                                         : std::make_shared<const match::Table>(table, plan.catalog, 1));
    }
    seen_ = published_ = std::make_shared<const TableContents>(std::move(empty));
  }

  /// Any thread.
  void set(std::uint32_t table, std::shared_ptr<const match::Table> content) {
    const std::lock_guard lock(mutex_);
    TableContents changed = *published_;
    changed[table] = std::move(content);
    published_ = std::make_shared<const TableContents>(std::move(changed));
    version_.fetch_add(1, std::memory_order_release);
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
  std::mutex mutex_;
  std::shared_ptr<const TableContents> published_;
  std::atomic<std::uint64_t> version_{0};
  std::uint64_t seen_version_ = 0;
  std::shared_ptr<const TableContents> seen_;
};

}  // namespace tocsin::runtime
