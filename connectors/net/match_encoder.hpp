// A match in those of its forms that somebody wants, encoded once. Reused, it allocates only while it grows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "connectors/match_writer.hpp"
#include "connectors/net/outbox.hpp"
#include "connectors/output.hpp"
#include "connectors/wire/frame.hpp"
#include "engine/model/match.hpp"

namespace tocsin::connectors::net {

/// What is served: types, and rules by id. Replaced as a whole when the rules change.
struct Rules {
  std::shared_ptr<const model::Catalog> catalog;
  std::vector<RuleOutput> rules;  // by id in MatchView; label values must live as long as `catalog`
};

/// A bit a form.
using FormMask = std::uint8_t;
constexpr FormMask bit_of(Form form) {
  return static_cast<FormMask>(1u << static_cast<unsigned>(form));
}

struct EncodedMatch {
  struct Part {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::uint32_t key = 0;   // key_of() its rule
  std::int64_t stamp = 0;  // not 0: no match, but the end of a batch
  FormMask made = 0;
  wire::FrameBuffer frames;
  std::string lines;
  std::array<Part, forms> parts{};  // by form, of `frames` or `lines`

  std::span<const std::byte> of(Form form) const {
    const auto [begin, end] = parts[static_cast<std::size_t>(form)];
    const auto all = is_lines(form) ? std::as_bytes(std::span(lines)) : frames.bytes();
    return all.subspan(begin, end - begin);
  }
  /// That it takes on its way; never 0.
  std::size_t bytes() const { return sizeof stamp + frames.size() + lines.size(); }
};

/// What subscriptions choose by: a rule's matches, or its timeouts.
constexpr std::uint32_t key_of(std::uint32_t rule, bool timeout) {
  return 2 * rule + (timeout ? 1 : 0);
}

class MatchEncoder {
 public:
  MatchEncoder(std::shared_ptr<const Rules> rules, std::size_t max_frame_bytes);

  /// Linear in what is written.
  void encode(const model::MatchView& match, FormMask wanted, EncodedMatch& to);

  const std::shared_ptr<const Rules>& rules() const { return rules_; }

 private:
  std::shared_ptr<const Rules> rules_;
  std::size_t max_frame_bytes_;
  Output text_;  // never written anywhere
  MatchWriter plain_;
  MatchWriter with_events_;
};

}  // namespace tocsin::connectors::net
