// Bytes to a file descriptor in large writes. The first error is remembered, and from then on everything is
// discarded, so that a full disk or a closed pipe stops nothing but the output.
#pragma once

#include <cstddef>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <string_view>

#include "connectors/opened.hpp"

namespace tocsin::connectors {

class Output {
 public:
  enum class Mode { create, append };
  static constexpr std::size_t flush_at = std::size_t{256} << 10;
  /// In place of a descriptor: what is appended stays in buffer() until its reader clears that.
  static constexpr int nowhere = -1;

  /// Opens a file for writing.
  static Opened<Output> open(const std::string& path, Mode mode);
  /// Writes to a descriptor that stays the caller's. `name` is for sentences. The process must ignore
  /// SIGPIPE for a closed pipe to become an error here.
  Output(int fd, std::string name);
  ~Output();  // flushes
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Where to append; it only grows until flushed.
  fmt::memory_buffer& buffer() { return buffer_; }
  void append(std::string_view text) { buffer_.append(text); }
  void append(char c) { buffer_.push_back(c); }

  /// Call between records: writes once enough has gathered.
  void flush_if_full() {
    if (buffer_.size() >= flush_at) flush();
  }
  /// Writes all that has gathered. False after an error.
  bool flush();

  bool failed() const { return !error_.empty(); }
  /// A sentence, after an error; else empty.
  const std::string& error() const { return error_; }
  /// True where the error was that nobody reads the pipe any more.
  bool pipe_closed() const { return pipe_closed_; }

 private:
  int fd_;
  std::string name_;
  bool owned_ = false;
  bool pipe_closed_ = false;
  std::string error_;
  fmt::memory_buffer buffer_;
};

}  // namespace tocsin::connectors
