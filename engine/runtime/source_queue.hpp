// Sources by a time that each has, the least first; of equal times the lesser id. A binary heap that knows
// where each source stands, so that one can be moved or taken out: logarithmic, and without allocating once
// it has held as many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tocsin::runtime {

class SourceQueue {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  bool has(std::uint16_t id) const { return id < places_.size() && places_[id] != nowhere; }

  /// Precondition: not empty.
  std::uint16_t first() const { return heap_.front().id; }
  std::int64_t first_ns() const { return heap_.front().time_ns; }

  /// Puts the source in, or gives it another time.
  void put(std::uint16_t id, std::int64_t time_ns) {
    if (id >= places_.size()) places_.resize(id + std::size_t{1}, nowhere);
    if (places_[id] == nowhere) {
      places_[id] = heap_.size();
      heap_.push_back({time_ns, id});
    } else {
      heap_[places_[id]].time_ns = time_ns;
    }
    settle(places_[id]);
  }

  /// Takes the source out where it is in.
  void erase(std::uint16_t id) {
    if (!has(id)) return;
    const std::size_t place = std::exchange(places_[id], nowhere);
    const Entry last = heap_.back();
    heap_.pop_back();
    if (place == heap_.size()) return;
    heap_[place] = last;
    places_[last.id] = place;
    settle(place);
  }

 private:
  struct Entry {
    std::int64_t time_ns;
    std::uint16_t id;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };
  static constexpr std::size_t nowhere = ~std::size_t{0};

  // Brings the entry at `place` up or down to where it belongs.
  void settle(std::size_t place) {
    const Entry entry = heap_[place];
    for (; place > 0 && entry < heap_[(place - 1) / 2]; place = (place - 1) / 2)
      set(place, heap_[(place - 1) / 2]);
    for (std::size_t child; (child = 2 * place + 1) < heap_.size(); place = child) {
      if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
      if (entry < heap_[child]) break;
      set(place, heap_[child]);
    }
    set(place, entry);
  }
  void set(std::size_t place, const Entry& entry) {
    heap_[place] = entry;
    places_[entry.id] = place;
  }

  std::vector<Entry> heap_;
  std::vector<std::size_t> places_;  // by id
};

}  // namespace tocsin::runtime
