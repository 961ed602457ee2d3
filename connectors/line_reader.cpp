#include "connectors/line_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/assert.hpp"

namespace tocsin::connectors {

LineReader::LineReader(std::unique_ptr<ByteInput> input, const LineOptions& options)
    : input_(std::move(input)), options_(options) {
  TOCSIN_ASSERT(options_.chunk_bytes > 0);
}

bool LineReader::fill() {
  if (state_ != State::open) return true;
  const std::size_t pending = end_ - begin_;
  const std::size_t wanted = pending + options_.chunk_bytes;
  if (wanted > capacity_) {
    const std::size_t grown = std::max({wanted, 2 * capacity_, 2 * options_.chunk_bytes});
    auto bigger = std::make_unique<char[]>(grown + record_padding);
    if (pending > 0) std::memcpy(bigger.get(), buffer_.get() + begin_, pending);
    buffer_ = std::move(bigger);
    capacity_ = grown;
  } else if (pending > 0 && begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, pending);
  }
  searched_ -= begin_;
  quotes_seen_ -= begin_;
  begin_ = 0;
  end_ = pending;

  const auto got = input_->read(buffer_.get() + end_, capacity_ - end_);
  end_ += got.bytes;
  if (got.status == InputStatus::end) state_ = State::ended;
  if (got.status == InputStatus::failed) state_ = State::failed;
  buffer_[end_] = '\n';  // what stands behind the last record is never taken for a part of it
  return got.status != InputStatus::nothing;
}

bool LineReader::skip_byte_order_mark() {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (end_ < mark.size() && state_ == State::open) return false;
  if (std::string_view(buffer_.get(), end_).starts_with(mark))
    begin_ = searched_ = quotes_seen_ = mark.size();
  started_ = true;
  return true;
}

/// Goes through the quotes up to the line end at `line_end`; true where it lies outside quotes. A quote opens
/// a field only where the field begins; inside, two stand for one.
bool LineReader::closes_quotes(std::size_t line_end) {
  const char* text = buffer_.get();
  while (quotes_seen_ < line_end) {
    const void* found = std::memchr(text + quotes_seen_, '"', line_end - quotes_seen_);
    if (found == nullptr) break;
    const auto quote = static_cast<std::size_t>(static_cast<const char*>(found) - text);
    quotes_seen_ = quote + 1;
    if (in_quotes_) {
      if (text[quote + 1] == '"') {
        ++quotes_seen_;
      } else {
        in_quotes_ = false;
      }
    } else if (quote == begin_ || text[quote - 1] == *options_.csv_separator) {
      in_quotes_ = true;
    }
  }
  quotes_seen_ = line_end;
  return !in_quotes_;
}

/// Position of the line end that ends the record at begin_, if it is in the buffer.
std::optional<std::size_t> LineReader::find_record_end() {
  while (searched_ < end_) {
    const void* found = std::memchr(buffer_.get() + searched_, '\n', end_ - searched_);
    if (found == nullptr) break;
    const auto line_end = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.get());
    searched_ = line_end + 1;
    ++line_;
    // A record beyond the limit ends with its line, so that a stray quote costs no more than the limit.
    if (!options_.csv_separator || skipping_ || closes_quotes(line_end) ||
        line_end - begin_ > options_.max_record_bytes) {
      return line_end;
    }
  }
  searched_ = end_;
  return std::nullopt;
}

LineReader::Next LineReader::take(Record& record, std::size_t record_end, std::size_t next_begin) {
  record.raw = {buffer_.get() + begin_, record_end - begin_};
  record.text = record.raw;
  if (record.text.ends_with('\r')) record.text.remove_suffix(1);
  record.line = record_line_;
  record.first = !skipping_;
  record.last = true;
  const bool overlong = skipping_ || record.text.size() > options_.max_record_bytes;
  begin_ = searched_ = quotes_seen_ = next_begin;
  record_line_ = line_;
  in_quotes_ = skipping_ = false;
  return overlong ? Next::overlong : Next::record;
}

/// No line end is left: the input's last record, a piece of an overlong one, or a call for more.
LineReader::Next LineReader::take_rest(Record& record) {
  const std::size_t pending = end_ - begin_;
  if (state_ == State::failed) return Next::failed;
  if (state_ == State::ended) return pending > 0 || skipping_ ? take(record, end_, end_) : Next::end;
  // One byte more than the limit may still be a `\r` that belongs to the line end.
  if (pending <= options_.max_record_bytes + 1) return Next::need_input;
  const auto record_line = record_line_;
  take(record, end_, end_);
  record_line_ = record_line;
  record.last = false;
  skipping_ = true;
  return Next::overlong;
}

LineReader::Next LineReader::next(Record& record) {
  if (!started_ && !skip_byte_order_mark()) return Next::need_input;
  if (const auto record_end = find_record_end()) return take(record, *record_end, *record_end + 1);
  return take_rest(record);
}

}  // namespace tocsin::connectors
