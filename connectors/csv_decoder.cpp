#include "connectors/csv_decoder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <simdjson.h>
#include <utility>

#include "connectors/input_schema.hpp"

namespace tocsin::connectors {

namespace {

using model::Kind;

struct CsvValue {
  std::string_view text;
  bool quoted = false;
};

/// Splits records into values, which point into the record or, where quotes were doubled, into its own
/// buffer. Both are used again for the next record.
class CsvSplitter {
 public:
  explicit CsvSplitter(char separator) : separator_(separator) {}

  /// False where a quote is misplaced; error() says how.
  bool split(std::string_view record) {
    values_.clear();
    unescaped_.clear();
    const char* at = record.data();
    const char* const end = at + record.size();
    while (true) {
      if (at != end && *at == '"') {
        if (!take_quoted(at, end)) return false;
      } else {
        const auto* stop =
            static_cast<const char*>(std::memchr(at, separator_, static_cast<std::size_t>(end - at)));
        if (stop == nullptr) stop = end;
        values_.push_back({{at, static_cast<std::size_t>(stop - at)}, false});
        at = stop;
      }
      if (at == end) return true;
      ++at;
    }
  }

  const std::vector<CsvValue>& values() const { return values_; }
  const std::string& error() const { return error_; }

 private:
  bool take_quoted(const char*& at, const char* end) {
    const char* from = ++at;
    bool doubled = false;
    while (true) {
      at = static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
      if (at == nullptr) return fail("the quote of value {} is not closed");
      if (at + 1 == end || at[1] != '"') break;
      doubled = true;
      at += 2;
    }
    std::string_view text(from, static_cast<std::size_t>(at - from));
    if (doubled) text = undouble(text, static_cast<std::size_t>(end - from));
    values_.push_back({text, true});
    ++at;
    if (at != end && *at != separator_) {
      values_.pop_back();
      return fail("text stands behind the closing quote of value {}");
    }
    return true;
  }

  /// All values of a record together are no longer than it, so one reservation keeps earlier views valid.
  std::string_view undouble(std::string_view text, std::size_t rest_of_record) {
    if (unescaped_.empty()) unescaped_.reserve(std::bit_ceil(rest_of_record));
    const std::size_t begin = unescaped_.size();
    for (std::size_t i = 0; i < text.size(); ++i) {
      unescaped_ += text[i];
      if (text[i] == '"') ++i;
    }
    return std::string_view(unescaped_).substr(begin);
  }

  bool fail(std::string_view pattern) {
    error_ = fmt::format(fmt::runtime(pattern), values_.size() + 1);
    return false;
  }

  char separator_;
  std::vector<CsvValue> values_;
  std::string unescaped_;
  std::string error_;
};

struct ColumnField {
  std::uint32_t column = 0;
  std::uint32_t field = 0;
};

struct CsvType {
  const InputType* input = nullptr;
  std::vector<ColumnField> columns;  // that have a field
  std::string unreadable;            // why no record of this type can be read; else empty
};

class CsvDecoder final : public Decoder {
 public:
  CsvDecoder(const model::Catalog& catalog, const CsvOptions& options, Clock clock)
      : schema_(catalog),
        column_count_(options.columns.size()),
        clock_(std::move(clock)),
        splitter_(options.separator) {
    for (const auto& type : schema_.types())
      types_.push_back(match_columns(type, options));
  }

  /// Says which type records are of; a sentence where that can't be.
  std::string configure(const CsvOptions& options);

  Decoded decode(std::string_view record, model::EventBatch& out) override;

 private:
  static CsvType match_columns(const InputType& type, const CsvOptions& options);
  const CsvType* find(std::string_view name);
  bool read_value(const CsvType& type, std::uint32_t field, const CsvValue& value,
                  model::EventWriter& writer);

  InputSchema schema_;
  std::size_t column_count_;
  Clock clock_;
  CsvSplitter splitter_;
  std::vector<CsvType> types_;
  const CsvType* fixed_ = nullptr;
  const CsvType* recent_ = nullptr;
  std::size_t type_column_ = 0;
};

CsvType CsvDecoder::match_columns(const InputType& type, const CsvOptions& options) {
  CsvType result;
  result.input = &type;
  for (std::uint32_t column = 0; column < options.columns.size(); ++column) {
    const std::uint32_t field = type.names.find(options.columns[column]);
    if (field == NameTable::unknown) continue;
    result.columns.push_back({column, field});
    if (type.fields[field].kind() == Kind::array) {
      result.unreadable = fmt::format("field '{}' of {} is an array, which CSV can't hold", type.names[field],
                                      type.type->name);
    }
  }
  for (std::uint32_t field = 0; field < type.fields.size(); ++field) {
    const bool present = std::any_of(result.columns.begin(), result.columns.end(),
                                     [&](const ColumnField& column) { return column.field == field; });
    if (!present && !type.fields[field].nullable()) {
      result.unreadable =
          fmt::format("there is no column '{}', which {} must have", type.names[field], type.type->name);
      break;
    }
  }
  return result;
}

const CsvType* CsvDecoder::find(std::string_view name) {
  if (recent_ != nullptr && recent_->input->type->name == name) return recent_;
  const InputType* input = schema_.find(name);
  if (input == nullptr || !input->type->is_input()) return nullptr;
  return recent_ = &types_[static_cast<std::size_t>(input - schema_.types().data())];
}

std::string CsvDecoder::configure(const CsvOptions& options) {
  auto sorted = options.columns;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    return fmt::format("column {} stands there twice", in_quotes(*twice));
  }
  if (options.event) {
    fixed_ = find(*options.event);
    return fixed_ == nullptr ? schema_.unknown(*options.event) : fixed_->unreadable;
  }
  const auto column = std::find(options.columns.begin(), options.columns.end(), options.type_field);
  if (column == options.columns.end()) {
    return fmt::format("there is no column '{}', and no event type is given for all records",
                       options.type_field);
  }
  type_column_ = static_cast<std::size_t>(column - options.columns.begin());
  return {};
}

bool CsvDecoder::read_value(const CsvType& type, std::uint32_t field, const CsvValue& value,
                            model::EventWriter& writer) {
  const InputField& input = type.input->fields[field];
  if (value.text.empty() && !value.quoted) {
    if (input.nullable()) return true;
    if (input.kind() != Kind::string) {
      reject(schema_.mismatch(*type.input, field, "nothing"));
      return false;
    }
  }
  const auto read = value_of_text(value.text, input);
  if (!read) {
    reject(schema_.mismatch(*type.input, field, in_quotes(value.text)));
    return false;
  }
  writer.set(field, *read);
  return true;
}

Decoder::Decoded CsvDecoder::decode(std::string_view record, model::EventBatch& out) {
  if (record.empty()) return Decoded::nothing;
  if (!splitter_.split(record)) return reject(splitter_.error());
  const auto& values = splitter_.values();
  if (values.size() != column_count_) {
    return reject(fmt::format("expected {} values, got {}", column_count_, values.size()));
  }
  if (!simdjson::validate_utf8(record.data(), record.size())) return reject("it is not UTF-8");

  const CsvType* type = fixed_;
  if (type == nullptr) {
    const std::string_view name = values[type_column_].text;
    type = find(name);
    if (type == nullptr) return reject_type(name, schema_.unknown(name));
    if (!type->unreadable.empty()) return reject(type->unreadable);
  }
  model::EventWriter writer(out);
  writer.begin(*type->input->type);
  for (const auto& [column, field] : type->columns) {
    if (!read_value(*type, field, values[column], writer)) {
      writer.abort();
      return Decoded::bad;
    }
  }
  const auto& timestamp = type->input->type->timestamp;
  const bool timed = timestamp && writer.is_set(*timestamp);
  writer.commit(timed ? 0 : clock_(), 0, 0);
  return Decoded::event;
}

}  // namespace

Opened<Decoder> csv_decoder(const model::Catalog& catalog, const CsvOptions& options, Clock clock) {
  auto decoder = std::make_unique<CsvDecoder>(catalog, options, std::move(clock));
  if (auto error = decoder->configure(options); !error.empty())
    return Opened<Decoder>::failed(std::move(error));
  return {std::move(decoder), {}};
}

Opened<std::vector<std::string>> csv_header(std::string_view record, char separator) {
  CsvSplitter splitter(separator);
  if (!splitter.split(record))
    return Opened<std::vector<std::string>>::failed("in the header " + splitter.error());
  auto names = std::make_unique<std::vector<std::string>>();
  for (const auto& value : splitter.values()) {
    std::string_view name = value.text;
    while (!name.empty() && name.front() == ' ')
      name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ')
      name.remove_suffix(1);
    names->emplace_back(name);
  }
  return {std::move(names), {}};
}

}  // namespace tocsin::connectors
