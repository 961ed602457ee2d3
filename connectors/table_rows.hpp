// The rows of a table, read from a file as a whole: CSV whose header names the columns, or NDJSON, by the
// extension, zstd or not. What is wrong with a file is told in full sentences, and then it has no rows that
// count: a table is complete or it is not there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/byte_input.hpp"
#include "engine/model/batch.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors {

struct TableRows {
  static constexpr std::size_t problems_told = 10;

  model::EventBatch rows;             // in the order of the file; the sequence number is the line
  std::vector<std::string> problems;  // with their places; the first ones
  std::uint64_t problem_count = 0;

  bool complete() const { return problem_count == 0; }
};

/// Reads the rows of a table whose rows are events of type `row`, at most `max_rows`. Linear in the file.
TableRows read_table(const std::string& path, const model::Catalog& catalog, model::EventTypeId row,
                     std::size_t max_rows);
/// The same from any bytes, known as `path`.
TableRows read_table(std::unique_ptr<ByteInput> input, const std::string& path, const model::Catalog& catalog,
                     model::EventTypeId row, std::size_t max_rows);

/// Tells when a file has changed and lies still again, so that what is being written is not read.
class FileWatch {
 public:
  /// As the file is now.
  explicit FileWatch(std::string path);

  /// Looks at the file. True where it is another than when this was last true (or at first), and has not
  /// changed since the call before: it is to be read now.
  bool has_changed();
  /// True where the file is still as it was then: what was read since is whole.
  bool is_as_read() const { return look() == read_; }

  const std::string& path() const { return path_; }

 private:
  struct State {  // all zero: there is no such file
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t status_changed_ns = 0;

    friend bool operator==(const State&, const State&) = default;
  };
  State look() const;

  std::string path_;
  State read_;  // when it was to be read
  State seen_;  // at the last look
};

}  // namespace tocsin::connectors
