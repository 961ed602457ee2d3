// Lines that could not be read, told to the user: the first ones with place and reason, all of them as a
// number at the end.
#pragma once

#include <cstdint>
#include <string>

#include "cli/progress.hpp"
#include "connectors/bad_records.hpp"

namespace tocsin::cli {

class BadLines {
 public:
  static constexpr std::uint64_t shown_at_most = 10;

  /// `quiet`: says nothing. `progress` must outlive this.
  BadLines(Progress& progress, bool quiet) : progress_(progress), quiet_(quiet) {}

  void report(const connectors::BadRecord& record);
  /// The sentence for the end, where there were any. `dead_letters` is where they went, or empty.
  void print_summary(const std::string& dead_letters) const;

 private:
  Progress& progress_;
  bool quiet_;
  std::uint64_t count_ = 0;
  std::uint64_t unknown_types_ = 0;
};

}  // namespace tocsin::cli
