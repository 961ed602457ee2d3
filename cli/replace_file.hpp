// A file's new contents, all or nothing.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::cli {

/// The text of a file, or of stdin for `-`. Throws std::system_error where it can't be read or is no plain
/// file.
std::string read_file(const std::string& path);

/// Replaces what `path` (behind symbolic links) holds by `text`: whoever reads it, also after a crash, sees
/// the old or the new text. Its permissions stay, and its owner where that may be set. Throws
/// std::system_error where it can't be written, which is also the case for a file without permission to
/// write; the file is then as it was.
void replace_file(const std::string& path, std::string_view text);

}  // namespace tocsin::cli
