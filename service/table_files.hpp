// The tables that a plan reads from files: read once before the run, and again, by a thread of their own,
// when a file has changed. What is wrong with a file never takes effect: at the start it ends the run, later
// the rows from before stay.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "connectors/table_rows.hpp"
#include "engine/match/table.hpp"
#include "engine/plan/plan.hpp"
#include "engine/runtime/engine.hpp"

namespace tocsin::service {

/// A file as a table.
struct ReadTable {
  std::shared_ptr<const match::Table> table;  // null where there is a problem
  std::vector<std::string> problems;          // sentences with their place
  std::string warning;                        // of keys that come twice; or empty
};

ReadTable read_table(const plan::Plan& plan, std::uint32_t number, std::size_t max_rows);

class TableFiles {
 public:
  static constexpr std::chrono::milliseconds looks_every{500};

  /// Gets a sentence, on any thread.
  using Tell = std::function<void(const std::string&)>;

  /// `tell` gets what is wrong, `tell_news` what goes well.
  TableFiles(std::shared_ptr<const plan::Plan> plan, std::size_t max_rows, Tell tell, Tell tell_news);

  /// Reads all of them. Gives a sentence for each thing that is wrong: then they are not to be served.
  std::vector<std::string> read_all();
  /// Gives the engine what was read, and from then on what files change to. Until destruction, which must
  /// come before the engine's.
  void serve(runtime::Engine& engine);

 private:
  struct File {
    std::uint32_t number;
    connectors::FileWatch watch;
    std::shared_ptr<const match::Table> table;
  };

  void look_now_and_then(const std::stop_token& stop);
  void reread(File& file);
  const std::shared_ptr<const plan::Plan> plan_;
  const std::size_t max_rows_;
  const Tell tell_;
  const Tell tell_news_;
  std::vector<File> files_;
  runtime::Engine* engine_ = nullptr;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace tocsin::service
