// Where grouped runs live: a log of records, in slabs by ever-growing ids (slab_ring.hpp). An id is the
// record's place in the log, counted in words, so that ids grow with the order of events; links lead back,
// and are kept as distances.
//
// A node is one captured event of the runs that it carries on: it links to the list of runs that took it,
// none where it begins one. What is needed of its event stands behind it, packed (packed_event.hpp). Lists
// consist of entries, each of which links to the next. An entry is a node itself, or, where a node is in
// several lists or in two versions of one, a cell that names it.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/prefetch.hpp"
#include "engine/match/word_log.hpp"

namespace tocsin::match {

class RunLog : public WordLog {
 public:
  /// Where a node's event is: behind the record, elsewhere in its slab, or apart from the records as it is
  /// long. Of the last two a word behind the record says where, and how many words.
  enum class EventPlace : std::uint8_t { behind, in_slab, apart };
  /// A node or a cell. Distances are in words; 0 leads nowhere.
  struct Record {
    std::uint32_t next = 0;  // as an entry: to the next one of the list
    std::uint32_t link = 0;  // of a node: to the first entry of the list that it extends; of a cell: its node
    std::uint16_t arc = 0;   // of a node: by which it was reached; of a cell: that the run waits on
    std::uint8_t is_cell : 1 = 0;
    std::uint8_t is_first : 1 = 0;  // of a node: it begins a run
    std::uint8_t reported : 1 = 0;  // of such a one: something was reported of the run
    EventPlace event_place : 2 = EventPlace::behind;
    std::uint8_t event_words = 0;  // behind the record
    std::uint32_t number = 0;      // for whoever walks the nodes, or how far back what it will need is
    std::int64_t start = 0;        // the latest stamp of a run's first event below it
  };
  static_assert(sizeof(Record) == 24);

  /// Holds `most_words` at most: what distances can span.
  explicit RunLog(std::size_t most_words = UINT32_MAX) : WordLog(most_words) {}

  /// A node whose event is packed in `event`, empty where nobody will ask for it. `is_same_event`: it is that
  /// of the last node that had one, which then holds it for both. `parent`: the first entry of the list of
  /// runs that it carries on, `none` where it begins one. `now` must not go back from call to call.
  Id add_node(std::uint16_t arc, Id parent, std::int64_t start, std::span<const std::uint64_t> event,
              bool is_same_event, std::int64_t now) {
    const bool shares =
        is_same_event && shared_slab_ == words_.end() / slab_words && words_.fits(record_words + 1);
    const bool is_long = event.size() > most_event_words;
    const std::size_t event_words = shares || is_long ? 1 : event.size();
    const Id id = add(record_words + event_words, now);
    Slab& slab = words_.head(id);
    ++slab.nodes;
    ++nodes_;
    slab.unreported += parent == none;
    Record& record = record_at(id);
    record = Record{};
    record.arc = arc;
    record.is_first = parent == none;
    record.link = distance(id, parent);
    record.start = start;
    record.event_words = static_cast<std::uint8_t>(event_words);
    std::uint64_t* const place = &words_.item(id) + record_words;
    if (shares) {
      record.event_place = shared_place_;
      *place = shared_;
    } else if (is_long) {
      record.event_place = EventPlace::apart;
      *place = share(EventPlace::apart, id, slab.apart.size(), event.size());
      slab.apart.insert(slab.apart.end(), event.begin(), event.end());
      apart_words_ += event.size();
    } else if (!event.empty()) {
      share(EventPlace::in_slab, id, id % slab_words + record_words, event.size());
      std::copy(event.begin(), event.end(), place);
    }
    return id;
  }
  /// The entry of a list before `next`, `none` where it is the last one: `node` itself, which is in no other
  /// list, …
  void make_entry(Id node, Id next) { record_at(node).next = distance(node, next); }
  /// … or a cell that names `node`, whose start this is; `arc` is what the list waits on.
  Id add_cell(Id node, std::int64_t start, Id next, std::uint16_t arc, std::int64_t now) {
    const Id id = add(record_words, now);
    Record& record = record_at(id);
    record = Record{};
    record.is_cell = true;
    record.arc = arc;
    record.link = distance(id, node);
    record.next = distance(id, next);
    record.start = start;
    return id;
  }
  /// A copy of a record of `other`. `link`: what its link leads to here, `lost` where that is gone, `none` of
  /// a node that begins a run; `is_same_event` as in add_node().
  Id copy(const RunLog& other, Id id, Id link, Id next, bool is_same_event, std::int64_t now) {
    const Record& from = other.at(id);
    if (from.is_cell) return add_cell(link, from.start, next, from.arc, now);
    const Id node = add_node(from.arc, link, from.start, other.event(id), is_same_event, now);
    make_entry(node, next);
    if (from.reported) note_report(node);
    return node;
  }
  static constexpr Id lost = none - 1;

  const Record& at(Id id) const { return *reinterpret_cast<const Record*>(&words_.item(id)); }
  Id next(Id entry) const { return target(entry, at(entry).next); }
  Id node_of(Id entry) const { return at(entry).is_cell ? target(entry, at(entry).link) : entry; }
  /// Of a node that begins no run: the first entry of the list that it extends.
  Id list_of(Id node) const { return target(node, at(node).link); }
  /// Its packed event.
  std::span<const std::uint64_t> event(Id node) const {
    const Record& record = at(node);
    const std::uint64_t* const place = &words_.item(node) + record_words;
    if (record.event_place == EventPlace::behind) return {place, record.event_words};
    const auto begin = static_cast<std::uint32_t>(*place);
    const auto size = static_cast<std::uint32_t>(*place >> 32);
    if (record.event_place == EventPlace::apart) return {words_.head(node).apart.data() + begin, size};
    return {&words_.item(node - node % slab_words + begin), size};
  }
  void set_number(Id node, std::uint32_t number) { record_at(node).number = number; }
  /// In place of a number: whoever comes by this entry will want `later` soon. `none` and dead ones are none.
  void set_ahead(Id entry, Id later) { record_at(entry).number = distance(entry, later); }
  using WordLog::target;

  /// Asks for the memory of a record and its event; of dead ones too.
  void prefetch(Id id) const {
    if (!alive(id)) return;
    const std::uint64_t* const record = &words_.item(id);
    tocsin::prefetch(record);
    tocsin::prefetch(record + 7);
  }

  /// Something is reported of the run that began with this node. True where nothing was before.
  bool note_report(Id first) { return count_report(first, record_at(first)); }
  /// The oldest must go before more is added.
  bool is_full() const { return words_.size() > most_words_ - room_ahead; }

  static constexpr std::size_t record_words = sizeof(Record) / 8;
  static constexpr std::size_t nodes_per_slab = slab_words / record_words;  // at most

 private:
  static constexpr std::size_t room_ahead = std::size_t{1} << 20;  // for what one event adds

  Record& record_at(Id id) { return *reinterpret_cast<Record*>(&words_.item(id)); }
  Id add(std::size_t words, std::int64_t now) {
    words_.grow(words).newest = now;
    return words_.take(words);
  }
  // Further nodes of the slab may have the event that is put there now.
  std::uint64_t share(EventPlace place, Id id, std::size_t begin, std::size_t size) {
    shared_slab_ = id / slab_words;
    shared_place_ = place;
    return shared_ = begin | std::uint64_t{size} << 32;
  }

  // The event that was stored last.
  Id shared_slab_ = none;
  EventPlace shared_place_ = EventPlace::behind;
  std::uint64_t shared_ = 0;
};

}  // namespace tocsin::match
