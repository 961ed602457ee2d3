// Streams, then candidates and reports, then emit, rule by rule.
#include "tests/oracle/oracle.hpp"

#include <algorithm>
#include <compare>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "tests/oracle/evaluate.hpp"
#include "tests/oracle/reports.hpp"

namespace tocsin::oracle {

using plan::Rule;

namespace {

constexpr std::int64_t no_timer = std::numeric_limits<std::int64_t>::min();

// Timers of a rule stand behind its other matches at the instant, the unfinished behind the complete.
constexpr std::size_t by_timeout = std::numeric_limits<std::size_t>::max();
constexpr std::size_t by_absence = by_timeout - 1;

/// Where an event, or a match, stands among all. A timer fires behind the last raw event that is not later,
/// in the order of time. What comes of a raw event or timer stands behind it, by the rule that emitted it
/// (its place in Plan::order, from 1) and then in that rule's order.
struct Place {
  std::size_t raw = 0;
  std::int64_t timer_ns = no_timer;
  std::size_t emitter = 0;
  std::size_t ordinal = 0;

  friend auto operator<=>(const Place&, const Place&) = default;
};

struct Item {
  Place place;
  Event event;
};

using Stream = std::vector<const Item*>;

/// The event's partition; none where it is not in the rule's stream.
std::optional<std::vector<std::string>> partition_of(const Rule& rule, const Event& event) {
  const auto input = std::find_if(rule.inputs.begin(), rule.inputs.end(),
                                  [&](const plan::Input& each) { return each.type == event.type; });
  if (input == rule.inputs.end()) return std::nullopt;
  const Run nothing;
  for (const plan::Expr& condition : input->conditions) {
    if (!evaluate(condition, {.run = nothing, .current = &event}).is_true()) return std::nullopt;
  }
  std::vector<std::string> key;
  for (const plan::PartitionKey& part : rule.partition) {
    const auto field = std::find_if(part.fields.begin(), part.fields.end(),
                                    [&](const auto& each) { return each.first == event.type; });
    const Datum& value = event.fields[field->second];
    if (value.is_null()) return std::nullopt;
    key.push_back(value.kind == model::Kind::string ? value.s : fmt::format("{}/{}", value.i, value.f));
  }
  return key;
}

class Oracle : public Tables {
 public:
  Oracle(const plan::Plan& plan, const std::vector<model::EventView>& stream, std::size_t max,
         const std::vector<model::EventBatch>& tables)
      : plan_(plan), max_(max), rows_(plan.tables.size()) {
    for (std::size_t i = 0; i < stream.size(); ++i) {
      items_.push_back({{.raw = i}, to_event(stream[i], plan.catalog)});
      items_.back().event.tables = this;
      raw_times_.push_back(stream[i].time_ns());
    }
    for (std::size_t table = 0; table < tables.size(); ++table) {
      for (std::size_t i = 0; i < tables[table].size(); ++i)
        rows_[table].push_back(to_event(tables[table][i], plan.catalog));
    }
  }

  /// Goes back through the rows of the file, or through all events, until one has the key.
  const Event* row(std::uint32_t number, const std::vector<Datum>& key, const Event& now,
                   std::optional<std::int64_t> timer_ns) const override {
    const plan::Table& table = plan_.tables[number];
    const auto has_key = [&](const Event& event) {
      if (event.type != table.type) return false;
      for (std::size_t i = 0; i < key.size(); ++i) {
        if (key[i].is_null() || !(event.fields[table.keys[i]] == key[i])) return false;
      }
      return true;
    };
    const auto row = std::find_if(rows_[number].rbegin(), rows_[number].rend(), has_key);
    if (row != rows_[number].rend()) return &*row;
    bool passed = timer_ns.has_value();
    for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
      const bool came = passed && (!timer_ns || item->event.time_ns <= *timer_ns);
      if (came && has_key(item->event)) return &item->event;
      passed = passed || &item->event == &now;
    }
    return nullptr;
  }

  std::vector<Match> matches() {
    for (std::size_t i = 0; i < plan_.order.size(); ++i)
      run_rule(plan_.order[i], i + 1);
    const auto instant = [](const Found& found) { return std::pair(found.place.raw, found.place.timer_ns); };
    std::stable_sort(found_.begin(), found_.end(),
                     [&](const Found& a, const Found& b) { return instant(a) < instant(b); });
    std::vector<Match> out;
    for (std::size_t i = 0; i < found_.size(); ++i) {
      const bool same = i > 0 && instant(found_[i]) == instant(found_[i - 1]);
      found_[i].match.instant = i == 0 ? 0 : out.back().instant + (same ? 0 : 1);
      out.push_back(std::move(found_[i].match));
    }
    return out;
  }

 private:
  struct Found {
    Place place;
    Match match;
  };
  struct Completed {
    Place place;  // of the event or timer that completed it
    Match match;
  };

  void run_rule(std::uint32_t id, std::size_t emitter) {
    const Rule& rule = plan_.rules[id];
    std::map<std::vector<std::string>, Stream> partitions;
    for (const Item& item : items_) {
      if (const auto key = partition_of(rule, item.event)) partitions[*key].push_back(&item);
    }
    std::vector<Completed> completed;
    for (const auto& [key, stream] : partitions) {
      auto part = rule.has_pattern ? patterns(id, stream) : filter(id, stream);
      std::move(part.begin(), part.end(), std::back_inserter(completed));
    }
    std::stable_sort(completed.begin(), completed.end(),
                     [](const Completed& a, const Completed& b) { return a.place < b.place; });

    number(completed);
    std::vector<Item> derived;
    for (Completed& each : completed) {
      const Place place{each.place.raw, each.place.timer_ns, emitter, derived.size()};
      const Match& match = each.match;
      if (match.emitted) {
        const Cause cause{id, match.at_ns, match.trigger_seq, match.ordinal, match.timeout};
        const plan::Emit& emit = match.timeout ? *rule.timeout : *rule.emit;
        derived.push_back({place, {emit.type, match.at_ns, match.trigger_seq, match.fields, cause, this}});
      }
      found_.push_back({place, std::move(each.match)});
    }
    merge(derived);
  }

  static void number(std::vector<Completed>& completed) {
    std::map<std::tuple<bool, std::int64_t, std::uint64_t>, std::uint32_t> counts;
    for (Completed& each : completed) {
      Match& match = each.match;
      match.ordinal = counts[{match.timeout, match.at_ns, match.trigger_seq}]++;
      for (Match& other : match.in_its_place)
        other.ordinal = match.ordinal;
    }
  }

  std::vector<Completed> filter(std::uint32_t id, const Stream& stream) const {
    std::vector<Completed> out;
    for (const Item* item : stream)
      out.push_back({item->place, to_match(id, {{0, &item->event}}, item->event.time_ns, false)});
    return out;
  }

  std::vector<Completed> patterns(std::uint32_t id, const Stream& stream) const {
    const Rule& rule = plan_.rules[id];
    std::vector<const Event*> events;
    for (const Item* item : stream)
      events.push_back(&item->event);
    std::vector<Completed> out;
    for (const Reported& each :
         report(rule, find_candidates(rule, events, raw_times_.empty() ? 0 : raw_times_.back(), max_))) {
      for (const Candidate& candidate : each.chosen) {
        out.push_back({place_of(candidate, *stream[each.earliest_end]), to_match(id, candidate, stream)});
        Match& match = out.back().match;
        if (rule.report == plan::Report::total) match = total(id, each, stream);
        for (const Candidate& other : each.others) {
          if (rule.report == plan::Report::any) match.in_its_place.push_back(to_match(id, other, stream));
        }
      }
    }
    return out;
  }

  /// `last` is the earliest among the last events of all that complete together. Timers of one rule at one
  /// instant, which are of different partitions, stand in the order of these.
  Place place_of(const Candidate& candidate, const Item& last) const {
    if (candidate.end == Candidate::End::event) return last.place;
    const auto later = std::upper_bound(raw_times_.begin(), raw_times_.end(), candidate.due_ns);
    return {std::size_t(later - raw_times_.begin()) - 1, candidate.due_ns,
            candidate.end == Candidate::End::absence ? by_absence : by_timeout,
            std::size_t(&last - items_.data())};
  }

  /// One match for all candidates that complete together: of the event that completes them, with all that
  /// they took, as often as they took it, for what it emits.
  Match total(std::uint32_t id, const Reported& reported, const Stream& stream) const {
    std::vector<Candidate> all = reported.chosen;
    all.insert(all.end(), reported.others.begin(), reported.others.end());
    Run run;
    for (const Candidate& candidate : all) {
      for (const auto& [step, position] : candidate.events)
        run.push_back({step, &stream[position]->event});
    }
    Match match = to_match(id, run, run.back().event->time_ns, false, all.size());
    // The last event is that of all; some may have taken it as one step and some as another.
    match.events = {match.events.back()};
    match.causes.clear();
    if (run.back().event->cause) match.causes = {*run.back().event->cause};
    for (const Candidate& candidate : all)
      match.events.front().first = std::min(match.events.front().first, candidate.events.back().first);
    return match;
  }

  Match to_match(std::uint32_t id, const Candidate& candidate, const Stream& stream) const {
    Run run;
    for (const auto& [step, position] : candidate.events)
      run.push_back({step, &stream[position]->event});
    const bool by_event = candidate.end == Candidate::End::event;
    return to_match(id, run, by_event ? run.back().event->time_ns : candidate.due_ns,
                    candidate.end == Candidate::End::timeout, 1, !by_event);
  }

  Match to_match(std::uint32_t id, const Run& run, std::int64_t at_ns, bool timeout, std::size_t count = 1,
                 bool by_timer = false) const {
    Match match;
    match.rule = id;
    match.at_ns = at_ns;
    match.trigger_seq = run.back().event->seq;
    match.timeout = timeout;
    for (const Taken& taken : run) {
      match.events.emplace_back(taken.step, taken.event->seq);
      if (taken.event->cause) match.causes.push_back(*taken.event->cause);
    }
    const std::optional<plan::Emit>& emit = timeout ? plan_.rules[id].timeout : plan_.rules[id].emit;
    match.emitted = emit.has_value();
    if (!emit) return match;
    match.fields.resize(plan_.catalog[emit->type].fields.size());
    const Scope scope{.run = run,
                      .current = run.back().event,
                      .step = run.back().step,
                      .match_end_ns = at_ns,
                      .match_count = count,
                      .timer_ns = by_timer ? std::optional(at_ns) : std::nullopt};
    for (const plan::EmitField& field : emit->fields)
      match.fields[field.field] = evaluate(field.value, scope);
    return match;
  }

  void merge(std::vector<Item>& derived) {
    items_.insert(items_.end(), std::make_move_iterator(derived.begin()),
                  std::make_move_iterator(derived.end()));
    std::stable_sort(items_.begin(), items_.end(),
                     [](const Item& a, const Item& b) { return a.place < b.place; });
  }

  const plan::Plan& plan_;
  const std::size_t max_;
  std::vector<std::vector<Event>> rows_;  // by table, of those read from files
  std::vector<std::int64_t> raw_times_;
  std::vector<Item> items_;  // all events, in order
  std::vector<Found> found_;
};

}  // namespace

bool operator==(const Match& a, const Match& b) {
  return a.rule == b.rule && a.at_ns == b.at_ns && a.trigger_seq == b.trigger_seq && a.events == b.events &&
         a.timeout == b.timeout && a.emitted == b.emitted && a.fields == b.fields && a.ordinal == b.ordinal &&
         a.causes == b.causes;
}

std::vector<Match> find_matches(const plan::Plan& plan, const std::vector<model::EventView>& stream,
                                std::size_t most_candidates, const std::vector<model::EventBatch>& tables) {
  return Oracle(plan, stream, most_candidates, tables).matches();
}

}  // namespace tocsin::oracle
