#include "engine/match/window_store.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/base/hash.hpp"
#include "engine/plan/expr_hash.hpp"

namespace tocsin::match {

namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && a < 0);
}

std::int64_t times(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  if (!__builtin_mul_overflow(a, b, &result)) return result;
  return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

bool same_keys(const std::vector<KeyFields>& a, const std::vector<KeyFields>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const KeyFields& x, const KeyFields& y) {
    return std::equal(x.fields.begin(), x.fields.end(), y.fields.begin(), y.fields.end(),
                      [](const auto& f, const auto& g) { return f.index == g.index; });
  });
}

bool by_order(const WindowStore::Touched& a, const WindowStore::Touched& b) {
  return a.order < b.order;
}

}  // namespace

WindowStore::WindowStore(const Program& program, const Limits& limits, KeySpace& keys, Scratch& scratch)
    : program_(program),
      window_(program.window->window),
      kind_(window_.kind),
      by_time_(window_.events == 0),
      slides_(by_time_ && kind_ == Kind::sliding),
      partitioned_(program.partitioned),
      limits_(limits),
      most_entries_(std::max<std::size_t>(limits.window_events_per_rule, 1)),
      scratch_(scratch),
      keys_(keys),
      state_(window_) {}

bool WindowStore::may_share(const Program& a, const Program& b) {
  return a.window && b.window && a.window->window == b.window->window &&
         std::equal(
             a.inputs.begin(), a.inputs.end(), b.inputs.begin(), b.inputs.end(),
             [](const Input& x, const Input& y) { return x.type == y.type && x.predicate == y.predicate; }) &&
         same_keys(a.keys, b.keys);
}

std::uint64_t WindowStore::hash_of(const Program& program) {
  const plan::Window& window = program.window->window;
  std::uint64_t hash = hash_mix(static_cast<std::uint64_t>(window.kind), window.events);
  hash = hash_mix(static_cast<std::uint64_t>(window.width_ns), hash);
  hash = hash_mix(static_cast<std::uint64_t>(window.hop_ns), hash);
  for (const Input& input : program.inputs)
    hash = plan::hash_of(input.predicate, hash_mix(input.type, hash));
  for (const KeyFields& keys : program.keys) {
    for (const KeyFields::Field& field : keys.fields)
      hash = hash_mix(field.index, hash);
  }
  return hash;
}

std::vector<std::uint32_t> WindowStore::join(Member& member, std::shared_ptr<const Program> program) {
  const WindowProgram& window = *program->window;
  members_.push_back(&member);
  programs_.push_back(std::move(program));
  keeps_newest_ |= window.keeps_newest;
  if (queue() && (window.is_timed() || kind_ == Kind::hopping)) state_.keep_orders();
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < window.aggregates.size(); ++i)
    numbers.push_back(state_.add(window, i));
  return numbers;
}

// The longest span of which a window's width and hop are multiples.
std::int64_t WindowStore::pane_ns() const {
  return std::gcd(window_.width_ns, window_.hop_ns);
}

const WindowState& WindowStore::state() {
  if (!built_) build();
  return state_;
}

void WindowStore::build() {
  built_ = true;
  state_.build();
  key_room_ = std::min<std::size_t>(key_room_, std::max<std::size_t>(limits_.window_keys_per_rule, 1));
  if (!partitioned_) reserve(0);
}

// Makes room for keys up to `slot`, and for some more.
void WindowStore::reserve(std::uint32_t slot) {
  slots_ = room_for(slot);
  state_.make_rows(slots_);
  if (!queue()) spans_.resize(slots_);
  if (keeps_newest_) newest_.resize(slots_);
}

std::uint32_t WindowStore::take_otherwise(model::EventView event, std::uint64_t order) {
  closes_ = false;
  if (!built_) build();
  finish_instant();
  const std::int64_t now_ns = event.time_ns();
  settle(now_ns);
  if (kind_ == Kind::hopping && hopping_window_of(now_ns) > floor_div(now_ns, window_.hop_ns))
    return absent;  // between two windows
  const std::uint32_t slot = slot_at_hand();
  if (slot == absent) return absent;
  if (slot >= slots_) reserve(slot);
  if (state_.keeps_entries() && state_.entries() >= most_entries_) drop_oldest();
  if (queue() && state_.take_changed(slot)) look_again(slot);
  insert(slot, event, order);
  return slot;
}

void WindowStore::look_again(std::uint32_t slot) {
  for (Member* member : members_)
    member->look_again(slot);
}

void WindowStore::keep_newest(std::uint32_t slot, model::EventView event) {
  auto& copy = newest_[slot];
  copy.resize(event.size() / 8);
  std::memcpy(copy.data(), event.bytes(), event.size());
}

std::uint32_t WindowStore::add_key() {
  if (keys_.size() >= key_room_) make_room();
  return keys_.find(true);
}

void WindowStore::insert(std::uint32_t slot, model::EventView event, std::uint64_t order) {
  const std::int64_t now_ns = event.time_ns();
  if (kind_ == Kind::sliding && !by_time_ && state_.count(slot) == window_.events) state_.evict(slot);
  const bool begins = state_.count(slot) == 0;
  if (!queue()) {
    Span& span = spans_[slot];
    if (begins) {
      span.first_ns = now_ns;
      span.first_order = order;
    }
    if (lists_keys()) {
      if (span.is_listed()) unlist(slot);
      append(slot);
    } else if (begins) {
      open_.push_back({slot, order});
      open_until_ns_ = times(floor_div(now_ns, window_.width_ns) + 1, window_.width_ns);
    }
    span.last_ns = now_ns;
  }
  if (state_.keeps_panes() && now_ns >= pane_end_ns_) {
    pane_end_ns_ = times(floor_div(now_ns, pane_ns()) + 1, pane_ns());
    state_.begin_pane();
  }
  state_.insert(slot, event, order, scratch_);
  if (keeps_newest_) keep_newest(slot, event);
  if (kind_ == Kind::tumbling && !by_time_ && state_.count(slot) == window_.events) {
    closes_ = true;
    unfinished_ = true;
    touched_.assign(1, {slot, spans_[slot].first_order});
  }
}

// Time.

Instant WindowStore::next_instant() const {
  if (queue() && state_.entries() > 0) {
    if (kind_ == Kind::sliding) return {later(state_.oldest_ns(), window_.width_ns), Instant::Phase::expiry};
    return hopping_close();
  }
  if (kind_ == Kind::tumbling && !open_.empty()) return {open_until_ns_, Instant::Phase::closing};
  if (kind_ == Kind::session && oldest_key_ != none)
    return {later(spans_[oldest_key_].last_ns, window_.width_ns), Instant::Phase::expiry};
  return never;
}

void WindowStore::go_on() {
  finish_instant();
  instant_ = next_instant();
  ++instants_;
  touched_.clear();
  switch (kind_) {
    case Kind::sliding:
      while (state_.entries() > 0 && later(state_.oldest_ns(), window_.width_ns) == instant_.ns) {
        const std::uint64_t order = state_.oldest_order();
        touch(state_.evict_oldest(), order);
      }
      return;
    case Kind::hopping:
      for (std::uint32_t slot = 0; slot < capacity(); ++slot) {
        if (slot < slots_ && state_.count(slot) > 0) touched_.push_back({slot, state_.first_order(slot)});
      }
      std::sort(touched_.begin(), touched_.end(), by_order);
      break;
    case Kind::tumbling: std::swap(touched_, open_); break;
    case Kind::session:
      while (oldest_key_ != none && later(spans_[oldest_key_].last_ns, window_.width_ns) == instant_.ns) {
        touched_.push_back({oldest_key_, spans_[oldest_key_].first_order});
        unlist(oldest_key_);
      }
      std::sort(touched_.begin(), touched_.end(), by_order);
      break;
  }
  unfinished_ = true;
}

// Events of one key may leave at once.
void WindowStore::touch(std::uint32_t slot, std::uint64_t order) {
  if (slot >= touched_in_.size()) touched_in_.resize(slots_);
  if (touched_in_[slot] == instants_) return;
  touched_in_[slot] = instants_;
  touched_.push_back({slot, order});
}

// What closed at the last instant goes.
void WindowStore::finish_instant() {
  if (!unfinished_) return;
  unfinished_ = false;
  if (kind_ == Kind::hopping) {
    next_window_ = floor_div(instant_.ns - window_.width_ns, window_.hop_ns) + 1;
    while (state_.entries() > 0 && state_.oldest_ns() < times(next_window_, window_.hop_ns))
      state_.evict_oldest();
    return;
  }
  for (const Touched& closed : touched_)
    reset(closed.slot);
}

// Lets go what time has passed before an event of `now_ns`, where no rule looks at it.
void WindowStore::settle(std::int64_t now_ns) {
  if (!by_time_) return;
  switch (kind_) {
    case Kind::sliding:  // see take_sliding()
    case Kind::hopping:  // its rules look at all closes
      return;
    case Kind::tumbling:
      if (open_.empty() || now_ns < open_until_ns_) return;
      for (const Touched& closed : open_)
        reset(closed.slot);
      open_.clear();
      return;
    case Kind::session:
      while (oldest_key_ != none && later(spans_[oldest_key_].last_ns, window_.width_ns) < now_ns) {
        const std::uint32_t slot = oldest_key_;
        unlist(slot);
        reset(slot);
      }
      return;
  }
}

// The first hopping window that an event of `time_ns` is in or, where it is in none, that comes after it.
std::int64_t WindowStore::hopping_window_of(std::int64_t time_ns) const {
  return floor_div(earlier(time_ns, window_.width_ns), window_.hop_ns) + 1;
}

Instant WindowStore::hopping_close() const {
  std::int64_t window = next_window_;
  if (unfinished_) {  // the one that has just closed is still there
    window = floor_div(instant_.ns - window_.width_ns, window_.hop_ns) + 1;
    if (state_.newest_ns() < times(window, window_.hop_ns)) return never;
  } else {
    window = std::max(window, hopping_window_of(state_.oldest_ns()));
  }
  return {later(times(window, window_.hop_ns), window_.width_ns), Instant::Phase::closing};
}

void WindowStore::reset(std::uint32_t slot) {
  if (spans_[slot].is_listed()) unlist(slot);
  state_.clear(slot);
  for (Member* member : members_)
    member->forget(slot, true);
}

// Keys and limits.

bool WindowStore::free_key(std::uint32_t slot) {
  bool needed = false;
  for (Member* member : members_)
    needed |= !member->forget(slot, false);
  if (needed) return false;
  state_.take_changed(slot);
  keys_.erase(slot);
  return true;
}

// Frees keys whose windows are empty, and at the limit those that have been idle longest. Called when the
// number of keys has doubled: amortised constant a key.
void WindowStore::make_room() {
  for (std::uint32_t slot = 0; slot < keys_.capacity(); ++slot) {
    if (keys_.in_use(slot) && state_.count(slot) == 0) free_key(slot);
  }
  const std::size_t limit = std::max<std::size_t>(limits_.window_keys_per_rule, 1);
  if (keys_.size() >= limit) {
    const std::size_t most = limit - std::max<std::size_t>(limit / 8, 1);
    while (keys_.size() > most) {
      const std::uint32_t slot = drop_oldest();
      if (slot == absent) break;  // what is left waits for a deadline
      if (state_.count(slot) == 0) free_key(slot);
    }
  }
  key_room_ = std::max(std::min(limit, std::max<std::size_t>(1024, 2 * keys_.size())),
                       keys_.size() + 1 + keys_.size() / 8);
}

// Drops the oldest event or, where events do not leave one by one, the window that has been idle longest.
// Its key.
std::uint32_t WindowStore::drop_oldest() {
  if (queue()) {
    if (state_.entries() == 0) return absent;
    dropped_ += state_.oldest_size();
    const std::uint32_t slot = state_.evict_oldest();
    if (state_.count(slot) > 0) return slot;
    for (Member* member : members_)
      member->forget(slot, true);
    return slot;
  }
  const std::uint32_t slot = lists_keys() ? oldest_key_ : open_.empty() ? none : open_.front().slot;
  if (slot == none) return absent;
  if (!lists_keys()) open_.erase(open_.begin());
  dropped_ += state_.count(slot);
  reset(slot);
  return slot;
}

void WindowStore::append(std::uint32_t slot) {
  Span& span = spans_[slot];
  span.older = youngest_key_;
  span.younger = none;
  (youngest_key_ == none ? oldest_key_ : spans_[youngest_key_].younger) = slot;
  youngest_key_ = slot;
}

void WindowStore::unlist(std::uint32_t slot) {
  Span& span = spans_[slot];
  (span.older == none ? oldest_key_ : spans_[span.older].younger) = span.younger;
  (span.younger == none ? youngest_key_ : spans_[span.younger].older) = span.older;
  span.older = unlisted;
}

// Of a key.

model::Value WindowStore::value(std::uint32_t aggregate, std::uint32_t slot, bool arrival) {
  WindowPlace place;
  place.arrival = arrival;
  if (!queue()) {
    place.last_ns = spans_[slot].last_ns;
    place.first_ns = kind_ == Kind::sliding ? state_.first_ns(slot) : spans_[slot].first_ns;
  }
  return state_.value(aggregate, slot, place, scratch_);
}

std::int64_t WindowStore::start_ns(std::uint32_t slot, std::int64_t at_ns) const {
  if (queue()) return earlier(at_ns, window_.width_ns);
  if (kind_ == Kind::sliding) return state_.first_ns(slot);
  if (kind_ == Kind::tumbling && by_time_)
    return times(floor_div(spans_[slot].last_ns, window_.width_ns), window_.width_ns);
  return spans_[slot].first_ns;
}

std::int64_t WindowStore::end_ns(std::uint32_t slot, std::int64_t at_ns) const {
  if (kind_ == Kind::session) return later(spans_[slot].last_ns, window_.width_ns);
  if (kind_ == Kind::tumbling && by_time_) return later(start_ns(slot, at_ns), window_.width_ns);
  return at_ns;
}

}  // namespace tocsin::match
