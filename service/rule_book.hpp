// The rules of a service as texts: files, and what was added under a name while it runs. Compiles what they
// would be after a change, and keeps the change once the engine has taken it. Used by the control thread; one
// attempt may run on another while the book does not change.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/table_rows.hpp"
#include "dsl/compile.hpp"
#include "engine/plan/plan.hpp"
#include "service/table_files.hpp"

namespace tocsin::service {

struct RuleChange {
  enum class Kind : std::uint8_t { reload, add, remove };
  Kind kind = Kind::reload;
  std::string name;  // of what is added or removed
  std::string text;
};

class RuleBook {
 public:
  using Params = std::vector<std::pair<std::string, std::string>>;

  struct Attempt {
    std::shared_ptr<const plan::Plan>
        plan;             // a continuation of the one before; null where something is wrong
    std::string message;  // the diagnostics as text, or a sentence; warnings where there is a plan
    std::shared_ptr<TableFiles> tables;  // read
    std::map<std::string, std::string> added;
    std::vector<std::string> files;  // that were read
  };

  /// `sources` is what `plan` was compiled from. `table_rows` bounds tables; `tell` gets what becomes of
  /// their files.
  RuleBook(std::vector<std::string> paths, Params params, const dsl::SourceMap& sources,
           std::shared_ptr<const plan::Plan> plan, std::size_t table_rows, TableFiles::Tell tell);

  /// Compiles what the rules would be. Changes nothing, and reads nothing that files_have_changed() writes.
  Attempt attempt(const RuleChange& change) const;
  /// The engine runs it now.
  void keep(Attempt attempt);
  /// Looks at these files, too: those of an attempt that failed, so that mending them is seen.
  void watch_also(const std::vector<std::string>& files);

  const std::shared_ptr<const plan::Plan>& plan() const { return plan_; }
  const std::map<std::string, std::string>& added() const { return added_; }

  /// True where a file of the rules has changed and lies still again: to be called some times a second.
  bool files_have_changed();

 private:
  void watch(const std::vector<std::string>& files);

  std::vector<std::string> paths_;
  Params params_;
  std::size_t table_rows_;
  TableFiles::Tell tell_;
  std::shared_ptr<const plan::Plan> plan_;
  std::map<std::string, std::string> added_;  // by name
  std::map<std::string, connectors::FileWatch> watches_;
};

}  // namespace tocsin::service
