// Rule text and places in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::dsl {

/// Bytes [begin, end) of file number `file` in the SourceMap.
struct Span {
  std::uint32_t file = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

struct SourceFile {
  std::string name;  // as the user gave it or as the import resolved it
  std::string text;
};

/// All files of one compilation; Span::file indexes it.
struct SourceMap {
  std::vector<SourceFile> files;
};

/// From 1; the column counts UTF-8 code points. Linear in the file's text.
struct LineColumn {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};
LineColumn line_column(const SourceFile& file, std::uint32_t offset);

}  // namespace tocsin::dsl
