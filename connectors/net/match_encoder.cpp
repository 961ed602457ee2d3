#include "connectors/net/match_encoder.hpp"

#include <utility>

#include "connectors/wire/match_frame.hpp"

namespace tocsin::connectors::net {

MatchEncoder::MatchEncoder(std::shared_ptr<const Rules> rules, std::size_t max_frame_bytes)
    : rules_(std::move(rules)),
      max_frame_bytes_(max_frame_bytes),
      text_(Output::nowhere, {}),
      plain_(*rules_->catalog, rules_->rules, text_),
      with_events_(*rules_->catalog, rules_->rules, text_, {.with_events = true}) {}

void MatchEncoder::encode(const model::MatchView& match, FormMask wanted, EncodedMatch& to) {
  to.key = key_of(match.rule, match.timeout);
  to.made = wanted;
  to.frames.clear();
  to.lines.clear();
  const auto make = [&](Form form, auto write, auto size) {
    if ((wanted & bit_of(form)) == 0) return;
    EncodedMatch::Part& part = to.parts[static_cast<std::size_t>(form)];
    part.begin = size();
    write();
    part.end = size();
  };
  const auto frames = [&] { return to.frames.size(); };
  const auto lines = [&] { return to.lines.size(); };
  const auto write_line = [&](MatchWriter& writer) {
    text_.buffer().clear();
    writer.on_match(match);
    to.lines.append(text_.buffer().data(), text_.buffer().size());
  };
  make(
      Form::frames, [&] { wire::append_match(to.frames, match, false, max_frame_bytes_); }, frames);
  make(
      Form::frames_with_events, [&] { wire::append_match(to.frames, match, true, max_frame_bytes_); },
      frames);
  make(
      Form::lines, [&] { write_line(plain_); }, lines);
  make(
      Form::lines_with_events, [&] { write_line(with_events_); }, lines);
}

}  // namespace tocsin::connectors::net
