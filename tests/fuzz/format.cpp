// Any text as a rule file to lay out: a text without errors has a layout, which is laid out as itself and has
// as many tokens that say something, and as many comments.
#include "dsl/format.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "dsl/parse.hpp"
#include "dsl/token.hpp"
#include "engine/base/assert.hpp"

using namespace tocsin;

namespace {

struct Counts {
  std::size_t words = 0;     // without commas
  std::size_t comments = 0;  // bytes of them and of what is between tokens, without white space
  bool operator==(const Counts&) const = default;
};

Counts count(const dsl::SourceMap& sources) {
  Counts counts;
  for (const dsl::Token& token : dsl::tokens_of(sources, 0)) {
    counts.words += token.is(",") ? 0 : 1;
    const std::string_view gap(token.text.data() - token.gap, token.gap);
    counts.comments += static_cast<std::size_t>(std::count_if(
        gap.begin(), gap.end(), [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; }));
    if (gap.starts_with(dsl::byte_order_mark)) counts.comments -= dsl::byte_order_mark.size();
  }
  return counts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dsl::SourceMap sources;
  sources.files.push_back({"fuzz", std::string(reinterpret_cast<const char*>(data), size)});
  const bool good = !dsl::has_errors(dsl::parse(sources, 0).diagnostics);
  const dsl::Formatted formatted = dsl::format(sources, 0);
  TOCSIN_ASSERT(good == formatted.diagnostics.empty());
  if (!good) return 0;
  dsl::SourceMap again;
  again.files.push_back({"fuzz", formatted.text});
  TOCSIN_ASSERT(count(sources) == count(again));
  TOCSIN_ASSERT(dsl::format(again, 0).text == formatted.text);
  return 0;
}
