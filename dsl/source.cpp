#include "dsl/source.hpp"

#include <algorithm>

namespace tocsin::dsl {

LineColumn line_column(const SourceFile& file, std::uint32_t offset) {
  const std::string_view text = std::string_view(file.text).substr(0, offset);
  const auto last_break = text.rfind('\n');
  const auto line = text.substr(last_break == std::string_view::npos ? 0 : last_break + 1);
  const auto breaks = std::count(text.begin(), text.end(), '\n');
  // Bytes 10xxxxxx continue a code point.
  const auto characters = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return {static_cast<std::uint32_t>(breaks + 1), static_cast<std::uint32_t>(characters + 1)};
}

}  // namespace tocsin::dsl
