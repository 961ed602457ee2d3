// Rendering of diagnostics, and the spelling help. All of it is for people who look at a terminal, so odd
// bytes of the rule file never get there: control characters and broken UTF-8 show as U+FFFD.
#include "dsl/diagnostic.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace tocsin::dsl {

namespace {

constexpr std::size_t terminal_columns = 120;
constexpr std::size_t least_gutter = 4;  // columns of the line number

struct Palette {
  const char* place;
  const char* error;
  const char* warning;
  const char* caret;
  const char* hint;
  const char* off;
};
constexpr Palette plain = {"", "", "", "", "", ""};
constexpr Palette coloured = {"\033[1m", "\033[1;31m", "\033[1;35m", "\033[1;32m", "\033[36m", "\033[0m"};

// The bytes that make up the character at the front of `text`, at least one, and whether they are sound.
std::pair<std::size_t, bool> character_at(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {1, first >= 0x20 && first != 0x7F};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  std::size_t found = 1;
  while (found < std::min(length, text.size()) && (text[found] & 0xC0) == 0x80)
    ++found;
  // 0x80..0xC1 never begin a character; C2 80..9F are control characters.
  const bool control = first == 0xC2 && found == 2 && static_cast<unsigned char>(text[1]) < 0xA0;
  return {found, first >= 0xC2 && first <= 0xF4 && found == length && !control};
}

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto [length, sound] = character_at(text);
    out.emplace_back(text[0] == '\t' ? std::string_view(" ") : sound ? text.substr(0, length) : "\uFFFD");
    text.remove_prefix(length);
  }
  return out;
}

std::string joined(const std::vector<std::string>& parts, std::size_t begin, std::size_t end) {
  std::string out;
  for (std::size_t i = begin; i < end; ++i)
    out += parts[i];
  return out;
}

// The source line with carets under [begin, end), given in bytes of the line.
std::string excerpt(std::string_view line, std::size_t begin, std::size_t end, std::uint32_t number,
                    const Palette& palette) {
  const auto shown = characters(line);
  const auto from = characters(line.substr(0, begin)).size();
  const auto carets = std::max<std::size_t>(1, characters(line.substr(begin, end - begin)).size());

  const auto gutter = std::max(least_gutter, fmt::formatted_size("{}", number));
  const auto width = terminal_columns - gutter - 3;
  std::size_t first = 0;
  std::size_t last = shown.size();
  if (shown.size() > width) {
    const auto inner = width - 2;  // an ellipsis at either end
    const auto margin = inner > carets ? (inner - carets) / 2 : 0;
    first = std::min(from - std::min(from, margin), shown.size() - inner);
    last = first + inner;
  }
  const bool cut_front = first > 0;
  const bool cut_back = last < shown.size();
  const auto visible = std::max<std::size_t>(1, std::min(carets, std::max(last, from + 1) - from));
  return fmt::format("{:>{}} | {}{}{}\n{:>{}} | {}{}{}{}\n", number, gutter, cut_front ? "…" : "",
                     joined(shown, first, last), cut_back ? "…" : "", "", gutter,
                     std::string(from - first + (cut_front ? 1 : 0), ' '), palette.caret,
                     std::string(visible, '^'), palette.off);
}

std::string render(const Diagnostic& diagnostic, const SourceMap& sources, const Palette& palette) {
  const bool is_error = diagnostic.severity == Severity::error;
  const auto headline = fmt::format("{}{}:{} {}{}{}\n", is_error ? palette.error : palette.warning,
                                    is_error ? "error" : "warning", palette.off, palette.place,
                                    diagnostic.message, palette.off);
  if (diagnostic.span.file >= sources.files.size()) return headline;

  const SourceFile& file = sources.files[diagnostic.span.file];
  const auto size = static_cast<std::uint32_t>(file.text.size());
  const auto begin = std::min(diagnostic.span.begin, size);
  const auto [number, column] = line_column(file, begin);

  const std::string_view text = file.text;
  const auto line_begin = begin == 0 ? 0 : text.rfind('\n', begin - 1) + 1;  // npos + 1 is 0
  auto line = text.substr(line_begin, text.find('\n', begin) - line_begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto in_line = [&](std::size_t offset) { return std::min(offset - line_begin, line.size()); };

  auto out = fmt::format("{}{}:{}:{}:{} ", palette.place, file.name, number, column, palette.off) + headline;
  const auto end = std::max(begin, diagnostic.span.end);
  out += excerpt(line, in_line(begin), in_line(end), number, palette);
  if (!diagnostic.hint.empty()) {
    const auto gutter = std::max(least_gutter, fmt::formatted_size("{}", number));
    out += fmt::format("{:>{}} {}= {}{}\n", "", gutter, palette.hint, diagnostic.hint, palette.off);
  }
  return out;
}

}  // namespace

bool has_errors(const Diagnostics& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& each) { return each.severity == Severity::error; });
}

std::string render(const Diagnostic& diagnostic, const SourceMap& sources, bool color) {
  return render(diagnostic, sources, color ? coloured : plain);
}

std::string render(const Diagnostics& diagnostics, const SourceMap& sources, bool color, std::size_t limit) {
  const auto key = [](const Diagnostic& each) {
    return std::tie(each.span.file, each.span.begin, each.span.end, each.severity, each.message, each.hint);
  };
  std::vector<const Diagnostic*> ordered;
  for (const auto& each : diagnostics)
    ordered.push_back(&each);
  std::stable_sort(ordered.begin(), ordered.end(), [&](auto* a, auto* b) { return key(*a) < key(*b); });
  const auto repeated =
      std::unique(ordered.begin(), ordered.end(), [&](auto* a, auto* b) { return key(*a) == key(*b); });
  ordered.erase(repeated, ordered.end());

  std::string out;
  for (std::size_t i = 0; i < std::min(limit, ordered.size()); ++i)
    out += render(*ordered[i], sources, color);
  if (ordered.size() > limit) out += fmt::format("… and {} more\n", ordered.size() - limit);
  return out;
}

}  // namespace tocsin::dsl
