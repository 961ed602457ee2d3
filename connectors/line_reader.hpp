// Cuts bytes into records: lines, or CSV records, which may hold quoted line ends. Records are views into one
// buffer; only an unfinished record is ever moved, once a chunk. A record beyond the limit is handed out in
// pieces as it passes, so that it never has to fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/byte_input.hpp"

namespace tocsin::connectors {

struct LineOptions {
  std::size_t max_record_bytes = std::size_t{1} << 20;  // line end not counted
  std::size_t chunk_bytes = std::size_t{256} << 10;     // asked for in one read, at least
  std::optional<char> csv_separator = {};               // set: a quoted field may hold line ends
};

/// Readable bytes behind every record, as simdjson wants them. Their content is of no account.
inline constexpr std::size_t record_padding = 64;

struct Record {
  std::string_view text;   // without its line end; `padding` bytes behind it are readable
  std::string_view raw;    // with a `\r` before the line end, where there is one
  std::uint64_t line = 0;  // number of its first line, from 1
  bool first = true;       // of an overlong record: this is its first piece
  bool last = true;        // of an overlong record: this is its last piece
};

class LineReader {
 public:
  enum class Next : std::uint8_t {
    record,      // a whole record
    overlong,    // a piece of a record that is longer than the limit
    need_input,  // call fill()
    end,
    failed,  // the input failed; all records before that were handed out
  };

  LineReader(std::unique_ptr<ByteInput> input, const LineOptions& options);

  /// The next record in the buffer. Valid until fill(). A byte order mark at the very beginning is skipped.
  Next next(Record& record);

  /// Reads once from the input; may block. False where a signal came before any byte did.
  bool fill();

  const ByteInput& input() const { return *input_; }

 private:
  enum class State : std::uint8_t { open, ended, failed };

  std::optional<std::size_t> find_record_end();
  bool closes_quotes(std::size_t line_end);
  Next take(Record& record, std::size_t record_end, std::size_t next_begin);
  Next take_rest(Record& record);
  bool skip_byte_order_mark();

  std::unique_ptr<ByteInput> input_;
  LineOptions options_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;     // without the padding
  std::size_t begin_ = 0;        // of the record at hand
  std::size_t end_ = 0;          // of the bytes read
  std::size_t searched_ = 0;     // no line end of the record lies between this and begin_ that ends it
  std::size_t quotes_seen_ = 0;  // quotes are accounted for up to here
  bool in_quotes_ = false;
  bool skipping_ = false;  // inside an overlong record whose first piece is out
  bool started_ = false;   // the byte order mark has been dealt with
  State state_ = State::open;
  std::uint64_t line_ = 1;         // of the byte at searched_
  std::uint64_t record_line_ = 1;  // of the byte at begin_
};

}  // namespace tocsin::connectors
