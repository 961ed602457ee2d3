#include "connectors/match_writer.hpp"

#include <algorithm>

#include "connectors/json_text.hpp"
#include "connectors/time_text.hpp"

namespace tocsin::connectors {

namespace {

std::string json_string(std::string_view text) {
  fmt::memory_buffer buffer;
  append_json_string(buffer, text);
  return fmt::to_string(buffer);
}

/// `{"severity":"high","tags":["fraud","pci"],"urgent":true}`; values of one name in one list.
std::string render_labels(const std::vector<RuleOutput::Label>& labels, const model::Catalog& catalog) {
  std::vector<RuleOutput::Label> merged;
  for (const auto& label : labels) {
    const auto same =
        std::find_if(merged.begin(), merged.end(), [&](const auto& m) { return m.name == label.name; });
    if (same == merged.end()) {
      merged.push_back(label);
    } else {
      same->values.insert(same->values.end(), label.values.begin(), label.values.end());
    }
  }
  fmt::memory_buffer out;
  out.push_back('{');
  for (const auto& label : merged) {
    if (out.size() > 1) out.push_back(',');
    append_json_string(out, label.name);
    out.push_back(':');
    const bool list = label.values.size() > 1;
    if (label.values.empty()) out.append(std::string_view("true"));
    if (list) out.push_back('[');
    for (std::size_t i = 0; i < label.values.size(); ++i) {
      if (i > 0) out.push_back(',');
      append_json_value(out, label.values[i], {.kind = label.values[i].kind}, catalog);
    }
    if (list) out.push_back(']');
  }
  out.push_back('}');
  return fmt::to_string(out);
}

}  // namespace

MatchWriter::MatchWriter(const model::Catalog& catalog, const std::vector<RuleOutput>& rules, Output& output,
                         const MatchWriterOptions& options)
    : catalog_(catalog), output_(output), options_(options), events_(catalog) {
  for (const auto& rule : rules)
    rules_.push_back(render(rule));
  for (const auto& type : catalog.types)
    type_groups_.push_back(json_string(type.name) + ":[");
}

std::string MatchWriter::render_begin(const RuleOutput& rule,
                                      std::optional<model::EventTypeId> emitted) const {
  return "{\"rule\":" + json_string(rule.name) +
         ",\"type\":" + (emitted ? json_string(catalog_[*emitted].name) : "null") + ",\"at\":\"";
}

MatchWriter::RuleText MatchWriter::render(const RuleOutput& rule) const {
  RuleText text;
  text.begin = render_begin(rule, rule.emitted);
  text.timeout_begin = render_begin(rule, rule.timeout);
  text.end = ",\"labels\":" + render_labels(rule.labels, catalog_) + ",\"seqs\":[";
  text.cause_begin = "{\"rule\":" + json_string(rule.name) + ",\"at\":\"";
  for (const auto& step : rule.steps) {
    std::string group = json_string(step.name.empty() ? catalog_[step.type].name : step.name) + ":[";
    const auto same = std::find(text.groups.begin(), text.groups.end(), group);
    text.group_of_step.push_back(static_cast<std::uint32_t>(same - text.groups.begin()));
    if (same == text.groups.end()) text.groups.push_back(std::move(group));
  }
  return text;
}

/// The list of one group, left out where the match holds none of its events.
void MatchWriter::write_group(const RuleText& rule, const model::MatchView& match, std::uint32_t group,
                              bool& first) {
  bool open = false;
  for (const auto& [step, event] : match.events) {
    if (rule.group_of_step[step] != group) continue;
    if (open) {
      output_.append(',');
    } else {
      if (!first) output_.append(',');
      output_.append(rule.groups[group]);
    }
    open = true;
    first = false;
    events_.append(output_.buffer(), event);
  }
  if (open) output_.append(']');
}

void MatchWriter::write_events(const RuleText& rule, const model::MatchView& match) {
  output_.append(",\"events\":{");
  if (rule.groups.empty()) {
    for (const auto& matched : match.events) {
      output_.append(type_groups_[matched.event.type()]);
      events_.append(output_.buffer(), matched.event);
      output_.append(']');
    }
  } else {
    bool first = true;
    for (std::uint32_t group = 0; group < rule.groups.size(); ++group)
      write_group(rule, match, group, first);
  }
  output_.append('}');
}

void MatchWriter::write_time_text(std::int64_t time_ns) {
  char text[time_text_size];
  const char* end = write_time(text, time_ns);
  output_.append(std::string_view(text, static_cast<std::size_t>(end - text)));
}

void MatchWriter::write_number(std::string_view key, std::uint64_t number) {
  output_.append(key);
  const fmt::format_int digits(number);
  output_.append(std::string_view(digits.data(), digits.size()));
}

void MatchWriter::write_causes(const model::MatchView& match) {
  bool open = false;
  for (const auto& matched : match.events) {
    if (!catalog_[matched.event.type()].derived) continue;
    const model::Origin origin = matched.event.origin();
    output_.append(std::string_view(open ? "," : ",\"causes\":["));
    open = true;
    output_.append(rules_[origin.rule].cause_begin);
    write_time_text(matched.event.time_ns());
    output_.append(std::string_view(origin.timeout ? "\",\"timeout\":true" : "\""));
    write_number(",\"seq\":", matched.event.seq());
    if (origin.ordinal > 0) write_number(",\"n\":", origin.ordinal);
    output_.append('}');
  }
  if (open) output_.append(']');
}

void MatchWriter::on_match(const model::MatchView& match) {
  const RuleText& rule = rules_[match.rule];
  ++matches_;
  output_.append(match.timeout ? rule.timeout_begin : rule.begin);
  write_time_text(match.at_ns);
  output_.append(std::string_view(match.timeout ? "\",\"timeout\":true,\"fields\":{" : "\",\"fields\":{"));
  if (match.emitted) events_.append_fields(output_.buffer(), match.emitted);
  output_.append('}');
  output_.append(rule.end);
  bool first = true;
  for (const auto& matched : match.events) {
    if (!first) output_.append(',');
    first = false;
    write_number("", matched.event.seq());
  }
  output_.append(']');
  if (match.ordinal > 0) write_number(",\"n\":", match.ordinal);
  write_causes(match);
  if (options_.with_events) write_events(rule, match);
  output_.append("}\n");
  if (options_.flush_each) {
    output_.flush();
  } else {
    output_.flush_if_full();
  }
}

}  // namespace tocsin::connectors
