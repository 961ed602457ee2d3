// Bytes from a file, stdin or memory, decompressed where they are zstd. The layer below framing: it knows
// nothing of lines. A read gives what is there, so that a live pipe is never held up for a full chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "connectors/opened.hpp"

namespace tocsin::connectors {

enum class InputStatus : std::uint8_t {
  data,     // `bytes` > 0 were read
  nothing,  // none this time (a signal came, or a descriptor that does not block is empty)
  end,      // none will come any more
  failed,   // as end, and error() says why
};

struct InputRead {
  InputStatus status = InputStatus::end;
  std::size_t bytes = 0;
};

class ByteInput {
 public:
  virtual ~ByteInput() = default;

  /// Reads at most `capacity` (> 0) bytes to `to`; blocks until at least one is there.
  virtual InputRead read(char* to, std::size_t capacity) = 0;
  /// Bytes taken from below so far, compressed where the input is.
  virtual std::uint64_t bytes_read() const = 0;
  /// The same of the whole input; 0 where unknown (pipes).
  virtual std::uint64_t bytes_total() const = 0;

  /// A sentence, after `failed`.
  const std::string& error() const { return error_; }

 protected:
  std::string error_;
};

/// A file, or stdin for "-"; plain or zstd, told apart by the first bytes (a name that ends in .zst must
/// hold zstd). Fails with a sentence where it can't be opened. Reads nothing yet.
Opened<ByteInput> open_input(const std::string& path);

/// Bytes from a descriptor that stays the caller's. `name` is for sentences.
std::unique_ptr<ByteInput> descriptor_input(int fd, std::string name);

/// Bytes from memory that must outlive the input, at most `piece` at a time.
std::unique_ptr<ByteInput> memory_input(std::string_view bytes, std::size_t piece = SIZE_MAX);

/// Decompresses `raw` where it begins with the zstd magic number, else hands it through. Frames may follow
/// each other. With `required` anything but zstd fails.
std::unique_ptr<ByteInput> decompressed(std::unique_ptr<ByteInput> raw, std::string name,
                                        bool required = false);

}  // namespace tocsin::connectors
