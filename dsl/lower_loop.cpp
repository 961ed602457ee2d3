// Quantifiers and edges: what stands between two elements of a pattern, or two repeats of one.
#include <fmt/format.h>

#include "dsl/lower.hpp"

namespace tocsin::dsl {

namespace {

constexpr std::uint64_t max_repeats = 1'000'000;

}  // namespace

plan::Edge lower_edge(Symbols& symbols, const ast::Edge& written) {
  plan::Edge edge;
  edge.contiguity = written.contiguity;
  if (written.bound) {
    edge.bound_ns = lower_duration(symbols, *written.bound, "the bound of an edge").value_or(plan::no_bound);
  }
  return edge;
}

plan::Quantifier lower_quantifier(Symbols& symbols, const ast::Quantifier& written, const char* what) {
  const auto wrong = [&](std::string message, std::string hint = {}) {
    symbols.error(written.span, std::move(message), std::move(hint));
    return plan::Quantifier{};
  };
  const std::uint64_t max = written.max.value_or(plan::unbounded);
  if (written.min > max_repeats || (written.max && max > max_repeats)) {
    return wrong(fmt::format("a {} repeats at most {} times", what, max_repeats),
                 "leave the end open, as in {3..}");
  }
  if (max == 0) return wrong(fmt::format("a {} that is taken 0 times says nothing", what));
  if (written.min > max) return wrong(fmt::format("{} repeats at least, but {} at most", written.min, max));
  plan::Quantifier out{.min = static_cast<std::uint32_t>(written.min),
                       .max = static_cast<std::uint32_t>(max),
                       .mode = written.mode.value_or(plan::Contiguity::relaxed),
                       .loop = written.loop};
  if (max == 1) out.mode = plan::Contiguity::relaxed;  // nothing follows
  if (written.min == 1 && max == 1) out.loop = plan::Loop::greedy;
  if (!written.gap) return out;
  out.gap_ns = lower_duration(symbols, *written.gap, "'gap'").value_or(plan::no_bound);
  if (max == 1) return wrong(fmt::format("'gap' stands between repeats, and this {} has none", what));
  return out;
}

}  // namespace tocsin::dsl
