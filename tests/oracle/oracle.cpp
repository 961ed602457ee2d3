// Candidates, then report and skip, then emit, rule by rule.
#include "tests/oracle/oracle.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "tests/oracle/evaluate.hpp"

namespace tocsin::oracle {

using plan::Contiguity;
using plan::PatternNode;
using plan::Rule;

namespace {

/// An event of a stream. It stands at the place of the raw event that it is or was derived from; derived
/// ones behind it, by the rule that emitted them (its place in Plan::order, from 1) and then in its order.
struct Item {
  std::size_t raw = 0;
  std::size_t emitter = 0;
  std::size_t ordinal = 0;
  Event event;
};

using Stream = std::vector<const Item*>;

/// An assignment: steps and the positions, in the partition's stream, of the events that they took.
using Candidate = std::vector<std::pair<std::uint32_t, std::size_t>>;

/// Writes down every candidate of one rule in one partition: by start, and then in order of preference.
class Enumeration {
 public:
  Enumeration(const Rule& rule, const Stream& stream, std::size_t max)
      : rule_(rule), stream_(stream), max_(max) {}

  std::vector<Candidate> all() {
    for (start_ = 0; start_ < stream_.size(); ++start_) {
      node(rule_.pattern, Contiguity::relaxed, [this] { completed(); });
    }
    return std::move(found_);
  }

 private:
  using Next = std::function<void()>;  // what follows in the pattern

  void node(const PatternNode& pattern, Contiguity edge, const Next& next) {
    switch (pattern.kind) {
      case PatternNode::Kind::step: return repeats(pattern.step, 0, edge, next);
      case PatternNode::Kind::sequence: return children_from(pattern, 0, edge, next);
      case PatternNode::Kind::alternation:
        for (const PatternNode& child : pattern.children)
          node(child, edge, next);
    }
  }

  void children_from(const PatternNode& sequence, std::size_t index, Contiguity edge, const Next& next) {
    if (index == sequence.children.size()) return next();
    node(sequence.children[index], index == 0 ? edge : sequence.edges[index],
         [&, index] { children_from(sequence, index + 1, edge, next); });
  }

  /// The step has taken `taken` events: first one more, where it may, then what follows.
  void repeats(std::uint32_t step, std::uint32_t taken, Contiguity edge, const Next& next) {
    const plan::Quantifier& quantifier = rule_.steps[step].quantifier;
    if (taken < quantifier.max && !probing_) {
      for (const std::size_t position : followers(step, taken, taken == 0 ? edge : quantifier.mode)) {
        run_.push_back({step, position});
        taken_.push_back({step, &stream_[position]->event});
        const Next rest = [&] { repeats(step, taken + 1, edge, next); };
        if (rule_.report == plan::Report::first && complete(rest)) {
          record();  // a complete run does not go on
        } else {
          rest();
        }
        run_.pop_back();
        taken_.pop_back();
      }
    }
    if (taken >= quantifier.min) next();
  }

  /// The positions whose events may be the next that this step takes.
  std::vector<std::size_t> followers(std::uint32_t step, std::uint32_t taken, Contiguity contiguity) const {
    if (run_.empty()) return fits(step, taken, start_) ? std::vector{start_} : std::vector<std::size_t>{};
    std::vector<std::size_t> out;
    for (std::size_t position = run_.back().second + 1; position < stream_.size(); ++position) {
      if (fits(step, taken, position)) {
        out.push_back(position);
        if (contiguity == Contiguity::relaxed) break;
      }
      if (contiguity == Contiguity::strict) break;
    }
    return out;
  }

  bool fits(std::uint32_t step, std::uint32_t taken, std::size_t position) const {
    const plan::Step& description = rule_.steps[step];
    const Event& event = stream_[position]->event;
    if (event.type != description.type) return false;
    const Scope scope{.run = taken_, .current = &event, .step = step};
    for (const plan::Expr& condition : description.conditions) {
      if (taken == 0 && names_previous(condition)) continue;
      if (!evaluate(condition, scope).is_true()) return false;
    }
    return true;
  }

  /// Can the run end here, with all that follows skipped?
  bool complete(const Next& rest) {
    probing_ = true;
    reached_end_ = false;
    rest();
    probing_ = false;
    return reached_end_;
  }

  void completed() {
    if (probing_) {
      reached_end_ = true;
    } else {
      record();
    }
  }

  void record() {
    if (run_.empty() || !within_bound() || !seen_.insert(run_).second) return;
    if (found_.size() == max_) throw TooMany("too many candidates");
    found_.push_back(run_);
  }

  bool within_bound() const {
    const std::size_t first = run_.front().second;
    const std::size_t last = run_.back().second;
    switch (rule_.within.unit) {
      case plan::Within::Unit::none: return true;
      case plan::Within::Unit::events: return last - first + 1 <= rule_.within.events;
      case plan::Within::Unit::time:
        return stream_[last]->event.time_ns - stream_[first]->event.time_ns <= rule_.within.time_ns;
    }
    return false;
  }

  const Rule& rule_;
  const Stream& stream_;
  const std::size_t max_;
  std::size_t start_ = 0;
  Candidate run_;
  Run taken_;             // the events of run_
  bool probing_ = false;  // nothing more may be taken
  bool reached_end_ = false;
  std::set<Candidate> seen_;  // the same assignment by another way through the pattern is no second candidate
  std::vector<Candidate> found_;
};

/// Walks the stream: at each event `report` chooses, then `skip` drops what has started so far.
std::vector<Candidate> reported(const Rule& rule, const std::vector<Candidate>& candidates,
                                std::size_t size) {
  std::vector<Candidate> out;
  std::size_t live_from = 0;  // runs that started before are dropped
  for (std::size_t now = 0; now < size; ++now) {
    bool any = false;
    for (const Candidate& candidate : candidates) {
      if (candidate.back().second != now || candidate.front().second < live_from) continue;
      if (any && rule.report == plan::Report::first) break;
      out.push_back(candidate);
      any = true;
    }
    if (any && rule.skip == plan::Skip::past_last) live_from = now + 1;
  }
  return out;
}

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

class Oracle {
 public:
  Oracle(const plan::Plan& plan, const std::vector<model::EventView>& stream, std::size_t max)
      : plan_(plan), max_(max) {
    for (std::size_t i = 0; i < stream.size(); ++i) {
      items_.push_back({.raw = i, .event = to_event(stream[i], plan.catalog)});
    }
  }

  std::vector<Match> matches() {
    for (std::size_t i = 0; i < plan_.order.size(); ++i)
      run_rule(plan_.order[i], i + 1);
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Found& a, const Found& b) { return a.raw < b.raw; });
    std::vector<Match> out;
    for (Found& each : found_)
      out.push_back(std::move(each.match));
    return out;
  }

 private:
  struct Found {
    std::size_t raw = 0;
    Match match;
  };
  struct Completed {
    const Item* trigger = nullptr;
    Run run;
  };

  static auto place(const Item& item) { return std::tuple(item.raw, item.emitter, item.ordinal); }

  void run_rule(std::uint32_t id, std::size_t emitter) {
    const Rule& rule = plan_.rules[id];
    std::map<std::vector<std::string>, Stream> partitions;
    for (const Item& item : items_) {
      if (const auto key = partition_of(rule, item.event)) partitions[*key].push_back(&item);
    }
    std::vector<Completed> completed;
    for (const auto& [key, stream] : partitions) {
      const auto part = rule.has_pattern ? patterns(rule, stream) : filter(stream);
      completed.insert(completed.end(), part.begin(), part.end());
    }
    std::stable_sort(completed.begin(), completed.end(), [](const Completed& a, const Completed& b) {
      return place(*a.trigger) < place(*b.trigger);
    });

    std::vector<Item> derived;
    for (const Completed& each : completed) {
      Item item{.raw = each.trigger->raw,
                .emitter = emitter,
                .ordinal = derived.size(),
                .event = emit(rule, each.run)};
      found_.push_back({item.raw, to_match(id, rule.emit.has_value(), each, item.event)});
      derived.push_back(std::move(item));
    }
    if (rule.emit) merge(derived);
  }

  std::vector<Completed> filter(const Stream& stream) const {
    std::vector<Completed> out;
    for (const Item* item : stream)
      out.push_back({item, {{0, &item->event}}});
    return out;
  }

  std::vector<Completed> patterns(const Rule& rule, const Stream& stream) const {
    std::vector<Completed> out;
    for (const Candidate& candidate : reported(rule, Enumeration(rule, stream, max_).all(), stream.size())) {
      Completed completed{stream[candidate.back().second], {}};
      for (const auto& [step, position] : candidate)
        completed.run.push_back({step, &stream[position]->event});
      out.push_back(std::move(completed));
    }
    return out;
  }

  Event emit(const Rule& rule, const Run& run) const {
    const Event& trigger = *run.back().event;
    Event event{.type = 0, .time_ns = trigger.time_ns, .seq = trigger.seq, .fields = {}};
    if (!rule.emit) return event;
    event.type = rule.emit->type;
    event.fields.resize(plan_.catalog[event.type].fields.size());
    for (const plan::EmitField& field : rule.emit->fields) {
      event.fields[field.field] =
          evaluate(field.value, {.run = run, .current = &trigger, .step = run.back().step});
    }
    return event;
  }

  static Match to_match(std::uint32_t id, bool emits, const Completed& completed, const Event& emitted) {
    Match match;
    match.rule = id;
    match.at_ns = emitted.time_ns;
    match.trigger_seq = emitted.seq;
    match.emitted = emits;
    for (const Taken& taken : completed.run)
      match.events.emplace_back(taken.step, taken.event->seq);
    match.fields = emitted.fields;
    return match;
  }

  void merge(std::vector<Item>& derived) {
    items_.insert(items_.end(), std::make_move_iterator(derived.begin()),
                  std::make_move_iterator(derived.end()));
    std::stable_sort(items_.begin(), items_.end(),
                     [](const Item& a, const Item& b) { return place(a) < place(b); });
  }

  const plan::Plan& plan_;
  const std::size_t max_;
  std::vector<Item> items_;  // all events, in order
  std::vector<Found> found_;
};

}  // namespace

std::vector<Match> find_matches(const plan::Plan& plan, const std::vector<model::EventView>& stream,
                                std::size_t max_candidates) {
  return Oracle(plan, stream, max_candidates).matches();
}

}  // namespace tocsin::oracle
