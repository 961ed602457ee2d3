#include "connectors/bad_records.hpp"

#include <numeric>
#include <utility>

namespace tocsin::connectors {

BadRecords::BadRecords(std::string source, BadRecordReport report, Output* dead_letters)
    : source_(std::move(source)), report_(std::move(report)), dead_letters_(dead_letters) {}

void BadRecords::count_and_report(const BadRecord& record) {
  ++counts_[static_cast<std::size_t>(record.kind)];
  if (report_) report_(record);
}

void BadRecords::add(std::uint64_t line, BadKind kind, std::string_view message, std::string_view raw) {
  count_and_report({source_, line, kind, message, raw});
  if (dead_letters_ == nullptr) return;
  dead_letters_->append(raw);
  dead_letters_->append('\n');
  dead_letters_->flush_if_full();
}

void BadRecords::add_piece(std::uint64_t line, std::string_view message, std::string_view piece, bool first,
                           bool last) {
  if (first) count_and_report({source_, line, BadKind::overlong, message, piece});
  if (dead_letters_ == nullptr) return;
  dead_letters_->append(piece);
  if (last) dead_letters_->append('\n');
  dead_letters_->flush_if_full();
}

void BadRecords::count_type(std::string_view name) {
  if (const auto known = unknown_types_.find(name); known != unknown_types_.end()) {
    ++known->second;
  } else if (unknown_types_.size() < max_type_names) {
    unknown_types_.emplace(name, 1);
  }
}

std::uint64_t BadRecords::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace tocsin::connectors
