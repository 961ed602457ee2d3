// Matches as NDJSON, one object a line:
//
//   {"rule":"r","type":"T","at":"…","fields":{…},"labels":{…},"seqs":[…],"events":{"step":[{"type":"E",…}]}}
//
// and, where it is no match but a run that its bound ended unfinished, "timeout":true behind "at"; where the
// rule has other matches of the same time and last event, "n":1 (2, …) behind "seqs"; and where some of its
// events are what rules emitted, the matches that these go back to, as rule, time, last event and n:
// "causes":[{"rule":"q","at":"…","seq":5}].
//
// Whatever is the same for all matches of a rule, or all events of a type, is rendered once beforehand; a
// match is then a few copies into the output's buffer. Nothing is allocated per match.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/event_text.hpp"
#include "connectors/output.hpp"
#include "engine/model/match.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors {

/// What the writer must know of a rule. Labels of one name are put together.
struct RuleOutput {
  struct Label {
    std::string name;
    /// None: the label is `true`. Text need live only until the writer stands.
    std::vector<model::Value> values = {};
  };
  struct Step {
    std::string name;  // empty: the event type's name
    model::EventTypeId type = 0;
  };
  std::string name;
  std::vector<Label> labels = {};
  std::vector<Step> steps = {};                    // by index; none for a filter
  std::optional<model::EventTypeId> emitted = {};  // none: type is null and fields are {}
  std::optional<model::EventTypeId> timeout = {};  // what `on timeout` emits
};

struct MatchWriterOptions {
  bool with_events = false;
  bool flush_each = false;  // for terminals and pipes: one write a match, no waiting for a full buffer
};

class MatchWriter final : public model::MatchSink {
 public:
  /// `rules` by rule id. `catalog` and `output` must outlive the writer; write errors are the output's.
  MatchWriter(const model::Catalog& catalog, const std::vector<RuleOutput>& rules, Output& output,
              const MatchWriterOptions& options = {});

  void on_match(const model::MatchView& match) override;

  std::uint64_t matches() const { return matches_; }

 private:
  struct RuleText {
    std::string begin;                         // {"rule":…,"type":…,"at":"
    std::string timeout_begin;                 // the same of a timeout
    std::string end;                           // ,"labels":{…},"seqs":[
    std::string cause_begin;                   // {"rule":…,"at":"
    std::vector<std::string> groups;           // "name":[ of each list of events, in order of the steps
    std::vector<std::uint32_t> group_of_step;  // steps of one name share a list
  };

  std::string render_begin(const RuleOutput& rule, std::optional<model::EventTypeId> emitted) const;
  RuleText render(const RuleOutput& rule) const;
  void write_causes(const model::MatchView& match);
  void write_events(const RuleText& rule, const model::MatchView& match);
  void write_group(const RuleText& rule, const model::MatchView& match, std::uint32_t group, bool& first);
  void write_time_text(std::int64_t time_ns);
  void write_number(std::string_view key, std::uint64_t number);

  const model::Catalog& catalog_;
  Output& output_;
  MatchWriterOptions options_;
  std::vector<RuleText> rules_;
  EventText events_;
  std::vector<std::string> type_groups_;  // by type: "T":[ for the event of a filter
  std::uint64_t matches_ = 0;
};

}  // namespace tocsin::connectors
