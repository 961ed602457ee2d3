#include "cli/bad_lines.hpp"

#include <fmt/format.h>

#include "service/text.hpp"

namespace tocsin::cli {
using namespace service;

void BadLines::report(const connectors::BadRecord& record) {
  ++count_;
  if (record.kind == connectors::BadKind::unknown_type) ++unknown_types_;
  if (quiet_ || count_ > shown_at_most) return;
  progress_.clear();
  say(fmt::format("{}:{}: {}", record.source, record.line, record.message));
  if (count_ == shown_at_most) say("further bad lines are counted, not shown");
}

void BadLines::print_summary(const std::string& dead_letters) const {
  if (quiet_ || count_ == 0) return;
  std::string sentence =
      fmt::format("{} {} passed over", count_of(count_, "bad line"), count_ == 1 ? "was" : "were");
  if (unknown_types_ > 0) {
    sentence +=
        fmt::format(", {} of them for an event type that no rule file declares", show_number(unknown_types_));
  }
  if (!dead_letters.empty()) sentence += fmt::format("; see {}", dead_letters);
  say(sentence);
}

}  // namespace tocsin::cli
