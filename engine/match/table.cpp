#include "engine/match/table.hpp"

#include <cstring>

namespace tocsin::match {

namespace {

KeyFields key_fields(const plan::Table& table, const model::EventType& type) {
  KeyFields out;
  out.type = table.type;
  for (const std::uint32_t key : table.keys)
    out.fields.push_back({key, type.fields[key].slot, type.fields[key].type.kind});
  return out;
}

}  // namespace

Table::Table(const plan::Table& table, const model::Catalog& catalog, std::size_t max_rows)
    : fields_(key_fields(table, catalog[table.type])), max_rows_(max_rows) {}

Table::Put Table::put(model::EventView row) {
  KeyView key;
  if (!make_key(row, fields_, scratch_, key)) return Put::ignored;
  std::uint32_t slot = keys_.find(key);
  const bool is_new = slot == KeyTable::absent;
  if (is_new) {
    if (keys_.size() == max_rows_) {
      const std::uint32_t oldest = oldest_;
      unlink(oldest);
      keys_.erase(oldest);
      ++dropped_;
    }
    slot = keys_.add(key);
    if (slot == rows_.size()) rows_.emplace_back();
  } else {
    unlink(slot);
  }
  link_newest(slot);
  auto& words = rows_[slot].words;
  words.resize(row.size() / sizeof(std::uint64_t));
  std::memcpy(words.data(), row.bytes(), row.size());
  return is_new ? Put::added : Put::replaced;
}

model::EventView Table::find(std::span<const model::Value> values, std::string& scratch) const {
  KeyView key;
  make_key(values, scratch, key);
  const std::uint32_t slot = keys_.find(key);
  if (slot == KeyTable::absent) return {};
  return model::EventView(reinterpret_cast<const std::byte*>(rows_[slot].words.data()));
}

void Table::link_newest(std::uint32_t slot) {
  Row& row = rows_[slot];
  row.older = newest_;
  row.newer = none;
  (newest_ == none ? oldest_ : rows_[newest_].newer) = slot;
  newest_ = slot;
}

void Table::unlink(std::uint32_t slot) {
  const Row& row = rows_[slot];
  (row.older == none ? oldest_ : rows_[row.older].newer) = row.newer;
  (row.newer == none ? newest_ : rows_[row.newer].older) = row.older;
}

}  // namespace tocsin::match
