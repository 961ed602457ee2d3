// The events of the reference workloads, as plain structs: what hand-written programs read, and what the
// engine's events are written from. Either generated from a seed, or read from the reference data, which have
// the same distributions and known answers.
//
// A tick has one of so many symbols and a price even between 0 and 100. A payment has one of so many cards
// and an amount: one in ten below 5, one in a hundred between 500 and 1000, the others between 5 and 500.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.hpp"

namespace tocsin::bench {

/// A short text in two words, zeros behind it: compared and hashed as numbers.
struct Key {
  char text[12] = {};
  std::uint32_t size = 0;

  explicit Key(std::string_view from = {}) : size(static_cast<std::uint32_t>(from.size())) {
    std::memcpy(text, from.data(), std::min(from.size(), sizeof text));
  }
  std::string_view view() const { return {text, size}; }
  friend bool operator==(const Key& a, const Key& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
};
static_assert(sizeof(Key) == 16);

struct KeyHash {
  using is_avalanching = void;
  std::size_t operator()(const Key& key) const {
    std::uint64_t words[2];
    std::memcpy(words, &key, sizeof words);
    return hash_mix(words[0], words[1]);
  }
};

template <class T>
using KeyMap = boost::unordered_flat_map<Key, T, KeyHash>;

struct Event {
  Key key;
  double number = 0;  // price or amount
  std::int64_t volume = 0;
  std::int64_t at_ns = 0;
};

/// An endless stream of events, `per_ms` to each millisecond. Its first `round_events` are those of the file,
/// where there is one; then they come again, later.
class Stream {
 public:
  static constexpr std::size_t round_events = std::size_t{1} << 20;
  enum class Kind : std::uint8_t { ticks, payments };

  /// From a seed. Ticks have symbols S0, S1, …, payments cards C0, C1, ….
  Stream(Kind kind, std::uint64_t keys, std::uint64_t per_ms = 10)
      : kind_(kind), keys_(keys), per_ms_(per_ms) {}

  /// From `folder`, which holds tick1000.csv.zst and txn10000.csv.zst. Throws std::runtime_error.
  static Stream of_file(Kind kind, const std::string& folder) {
    const bool ticks = kind == Kind::ticks;
    Stream stream(kind, ticks ? 1000 : 10'000);
    const std::string path = folder + (ticks ? "/tick1000.csv.zst" : "/txn10000.csv.zst");
    const std::unique_ptr<FILE, int (*)(FILE*)> lines(popen(("zstd -dcq '" + path + "'").c_str(), "r"),
                                                      pclose);
    char line[256];
    while (lines && std::fgets(line, sizeof line, lines.get())) {
      const std::string_view text = line;
      const std::size_t comma = text.find(',');
      if (comma == std::string_view::npos || comma > sizeof Key::text)
        throw std::runtime_error("a bad line in " + path);
      Event& event = stream.recorded_.emplace_back();
      event.key = Key(text.substr(0, comma));
      char* end = nullptr;
      event.number = std::strtod(line + comma + 1, &end);
      event.volume = ticks ? std::strtoll(end + 1, nullptr, 10) : 0;
    }
    if (stream.recorded_.size() != round_events) throw std::runtime_error("can't read " + path);
    return stream;
  }

  bool is_recorded() const { return !recorded_.empty(); }

  /// Writes the next `count` events to `events`.
  void next(std::vector<Event>& events, std::size_t count) {
    events.resize(count);
    for (Event& event : events) {
      event = recorded_.empty() ? made(next_) : recorded_[next_ % round_events];
      event.at_ns = static_cast<std::int64_t>(next_ / per_ms_) * 1'000'000;
      ++next_;
    }
  }

 private:
  Event made(std::uint64_t i) const {
    const std::uint64_t a = hash_mix(2 * i + 1);
    const std::uint64_t b = hash_mix(2 * i + 2);
    const auto unit = [](std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; };
    char text[24] = {kind_ == Kind::ticks ? 'S' : 'C'};
    std::snprintf(text + 1, sizeof text - 1, "%llu", static_cast<unsigned long long>(a % keys_));
    Event event;
    event.key = Key(text);
    event.volume = static_cast<std::int64_t>((a >> 40) % 1000);
    if (kind_ == Kind::ticks) {
      event.number = 100 * unit(b);
    } else {
      const std::uint64_t of_hundred = (a >> 32) % 100;
      const double least = of_hundred < 10 ? 0 : of_hundred < 11 ? 500 : 5;
      const double width = of_hundred < 10 ? 5 : of_hundred < 11 ? 500 : 495;
      event.number = least + width * unit(b);
    }
    return event;
  }

  const Kind kind_;
  const std::uint64_t keys_;
  const std::uint64_t per_ms_;
  std::uint64_t next_ = 0;
  std::vector<Event> recorded_;
};

}  // namespace tocsin::bench
