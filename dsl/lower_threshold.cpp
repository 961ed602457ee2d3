// Windows, the thresholds on them, and `throttle`. What the rule leaves open is decided here, so that the
// plan says of every rule with a threshold which window it looks at and when it fires.
#include <fmt/format.h>

#include "dsl/lower_rule.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using plan::Threshold;
using plan::Window;
using On = Threshold::On;
using Place = Scope::Place;

void RuleLowerer::check_window_clauses() {
  if (decl_.match) {
    if (decl_.window)
      error(decl_.window->span, "'window' does not go with 'match'", "a pattern is bounded by 'within'");
    if (decl_.when)
      error(decl_.when->span, "'when' does not go with 'match'",
            "conditions of a pattern stand behind its steps, in brackets, or in 'where'");
    return;
  }
  if (decl_.window && !decl_.when && !decl_.emit)
    error(decl_.name.span, "a rule with a window needs a 'when' or an 'emit'");
  if (!decl_.partition.empty() && !keeps_state())
    error(decl_.partition.front().span,
          "'partition by' goes with 'match', 'window', 'when' or 'throttle', and this rule has none of them");
}

/// True where it matters to the rule which events belong together.
bool RuleLowerer::keeps_state() const {
  return decl_.match || decl_.window || decl_.when || decl_.throttle;
}

void RuleLowerer::lower_window() {
  if (decl_.match || (!decl_.window && !decl_.when)) return;
  rule_.window = Window{.events = 1};  // of a `when` alone: the newest event
  if (decl_.window) lower_window_size(*decl_.window);
  lower_threshold();
}

void RuleLowerer::lower_window_size(const ast::Window& written) {
  Window& window = *rule_.window;
  window = {.kind = written.kind};
  if (written.events) {
    window.events = *written.events;
    if (window.events == 0) error(written.span, "a window of 0 events holds nothing");
    return;
  }
  const bool countable = window.kind == Window::Kind::sliding || window.kind == Window::Kind::tumbling;
  const auto width = lower_positive_duration(symbols_, *written.width, "'window'",
                                             countable ? "10s, 10m, or 10 events" : "10s or 10m");
  window.width_ns = width.value_or(0);
  if (!written.hop) return;
  const auto hop = lower_positive_duration(symbols_, *written.hop, "'every'");
  window.hop_ns = hop.value_or(0);
  if (width && hop && *hop > *width) {
    symbols_.warn(written.span, "these windows leave out the events between them",
                  "as in window hopping 1m every 10s, the width comes first");
  }
}

void RuleLowerer::lower_threshold() {
  Threshold& threshold = rule_.threshold;
  const bool sliding = rule_.window->kind == Window::Kind::sliding;
  threshold.on = !sliding ? On::close : decl_.when ? On::rise : On::every;
  if (!decl_.when) return;
  const ast::When& when = *decl_.when;
  if (when.on) threshold.on = *when.on;
  check_threshold(when);
  if (when.duration) {
    const auto held = lower_positive_duration(symbols_, *when.duration, "'for'");
    threshold.for_ns = held.value_or(plan::no_bound);
  }
  if (when.keep) {
    const auto kept = lower_positive_duration(symbols_, *when.keep, "'keep'");
    threshold.keep_ns = kept.value_or(plan::no_bound);
  }
  Scope scope = instant_scope(Place::when);
  read_keys(scope);
  scope.keys = &keys_;
  threshold.conditions = lower_conjuncts(conjuncts(when.condition), scope);
}

void RuleLowerer::check_threshold(const ast::When& when) {
  const auto kind = rule_.window->kind;
  const On on = rule_.threshold.on;
  const bool sliding = kind == Window::Kind::sliding;
  const auto refuse = [&](Span span, std::string_view what, std::string hint) {
    error(span, fmt::format("{} does not go with a {} window", what, plan::window_word(kind)),
          std::move(hint));
  };
  const auto fires = fmt::format("'on {}'", plan::on_word(on));
  if (!decl_.window && on == On::close)
    return error(when.on_span, "'on close' needs a window that closes", "as in window tumbling 1m");
  if (sliding && on == On::close)
    return refuse(when.on_span, fires, "it never closes: write 'on rise', 'on every' or 'on fall'");
  if (kind == Window::Kind::hopping && on != On::close)
    return refuse(when.on_span, fires, "it is looked at as it closes, which is the default");
  if (!sliding && on == On::fall)
    return refuse(when.on_span, fires, "write 'on close', 'on rise' or 'on every'");
  constexpr const char* only_sliding = "it asks how long a condition holds, and only sliding windows go on";
  if (when.duration && !sliding) {
    refuse(when.duration->span, "'for'", only_sliding);
  } else if (when.duration && on != On::rise) {
    error(when.duration->span, fmt::format("'for' goes with 'on rise', not with {}", fires));
  }
  if (when.keep && !sliding) {
    refuse(when.keep->span, "'keep'", only_sliding);
  } else if (when.keep && on == On::every) {
    error(when.keep->span, "'keep' goes with 'on rise' and 'on fall', not with 'on every'");
  }
}

void RuleLowerer::lower_throttle() {
  if (!decl_.throttle) return;
  const auto throttle = lower_positive_duration(symbols_, *decl_.throttle, "'throttle'");
  rule_.throttle_ns = throttle.value_or(plan::no_bound);
}

/// What `when` and `emit` of a rule with a window see: the window, if it was written, and the event at hand,
/// which may be of any type of the stream.
Scope RuleLowerer::instant_scope(Place place) {
  std::vector<EventTypeId> types;
  for (const auto& input : rule_.inputs)
    types.push_back(input.type);
  Scope scope;
  scope.place = place;
  scope.current = refs_of(types);
  scope.current_silent = !all_known_;
  if (decl_.window) scope.windowed = &rule_;
  return scope;
}

}  // namespace tocsin::dsl
