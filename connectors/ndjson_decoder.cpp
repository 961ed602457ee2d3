#include "connectors/ndjson_decoder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <simdjson.h>
#include <utility>
#include <vector>

#include "connectors/input_schema.hpp"
#include "connectors/line_reader.hpp"
#include "connectors/ndjson_values.hpp"

namespace tocsin::connectors {

namespace {

using namespace json;

/// What stands behind a key: a field of the type by its index, or one of these, counted from the number of
/// fields on.
enum Role : std::uint32_t { type_key, other_key, object_begin, role_count };
constexpr std::uint32_t bad_key = UINT32_MAX;

struct JsonType {
  JsonType(const InputType& input_type, std::string_view type_field)
      : input(&input_type),
        fields(static_cast<std::uint32_t>(input_type.fields.size())),
        raw_name(input_type.type->name),
        field_of_type_key(input_type.names.find(type_field)),
        next(input_type.fields.size() + role_count, fields + other_key) {
    for (std::uint32_t i = 0; i < fields; ++i) {
      raw_fields.emplace_back(input->names[i]);
      if (!input->fields[i].nullable()) required.push_back(i);
    }
  }

  const std::string& name() const { return input->type->name; }

  const InputType* input;
  std::uint32_t fields;  // their number
  RawName raw_name;      // of the type
  std::vector<RawName> raw_fields;
  std::uint32_t field_of_type_key;      // the declared field with the name of the type field, or unknown
  std::vector<std::uint32_t> required;  // fields that must be there
  std::vector<std::uint32_t> next;      // what came behind each field and role the last time
};

class NdjsonDecoder final : public Decoder {
 public:
  NdjsonDecoder(const model::Catalog& catalog, const NdjsonOptions& options, Clock clock)
      : schema_(catalog),
        type_field_(options.type_field),
        raw_type_field_(type_field_),
        clock_(std::move(clock)) {
    for (const auto& type : schema_.types())
      types_.emplace_back(type, type_field_);
    if (options.event) fixed_ = find(*options.event);
  }

  JsonType* find(std::string_view name);
  const InputSchema& schema() const { return schema_; }

  Decoded decode(std::string_view record, model::EventBatch& out) override;

 private:
  /// How going through the object went, and what has to be known to go through it again.
  enum class Pass : std::uint8_t { done, bad, needs_type, needs_last_places };

  bool prepare_parser(std::size_t bytes);
  Pass read_object(ondemand::document& document, model::EventWriter& writer);
  Pass read_type(ondemand::value& value, std::uint32_t place, model::EventWriter& writer);
  Pass read_field(std::uint32_t field, std::uint32_t place, ondemand::value& value,
                  model::EventWriter& writer);
  Pass read_array(std::uint32_t field, ondemand::value& value, model::EventWriter& writer);
  Pass read_null(std::uint32_t field, ondemand::value& value, model::EventWriter& writer);
  Pass check(ondemand::document& document, model::EventWriter& writer);
  Pass seek_type(ondemand::document& document);
  Pass seek_last_places(ondemand::document& document);

  std::uint32_t role_of(ondemand::field& field, std::uint32_t before);
  Pass bad(std::string sentence_text) {
    reject(std::move(sentence_text));
    return Pass::bad;
  }
  Pass bad(error_code error) { return bad(sentence(error)); }
  Pass bad_type(ondemand::value& value) {
    return bad(fmt::format("field '{}': expected the event's type, got {}", type_field_,
                           describe(value, Kind::string)));
  }

  InputSchema schema_;
  std::string type_field_;
  RawName raw_type_field_;
  Clock clock_;
  std::vector<JsonType> types_;
  JsonType* fixed_ = nullptr;
  JsonType* recent_ = nullptr;
  ondemand::parser parser_;

  // Of the record at hand:
  const char* record_end_ = nullptr;
  JsonType* type_ = nullptr;
  bool type_settled_ = false;  // the type's key says nothing new
  bool repeats_ = false;       // only the last of each field counts, where last_places_ says
  std::vector<std::uint32_t> last_places_;
  std::vector<Value> elements_;
};

/// The type of this name, if events of it can be read.
JsonType* NdjsonDecoder::find(std::string_view name) {
  if (recent_ != nullptr && recent_->name() == name) return recent_;
  const InputType* input = schema_.find(name);
  if (input == nullptr || !input->type->is_input()) return nullptr;
  recent_ = &types_[static_cast<std::size_t>(input - schema_.types().data())];
  return recent_;
}

/// The parser's string buffer must hold every string of the record, one of them (the type) twice.
bool NdjsonDecoder::prepare_parser(std::size_t bytes) {
  constexpr std::size_t least = 4096;
  if (parser_.capacity() >= 2 * bytes && parser_.capacity() >= least) return true;
  return parser_.allocate(std::bit_ceil(std::max(2 * bytes, least))) == simdjson::SUCCESS;
}

Decoder::Decoded NdjsonDecoder::decode(std::string_view record, model::EventBatch& out) {
  if (!prepare_parser(record.size())) return reject("no memory for a line of this length");
  ondemand::document document;
  const simdjson::padded_string_view padded(record, record.size() + record_padding);
  if (const auto error = parser_.iterate(padded).get(document)) {
    return error == simdjson::EMPTY ? Decoded::nothing : reject(sentence(error));
  }
  record_end_ = record.data() + record.size();
  type_ = fixed_;
  type_settled_ = fixed_ != nullptr;
  repeats_ = false;

  model::EventWriter writer(out);
  while (true) {
    switch (read_object(document, writer)) {
      case Pass::done: {
        const auto& timestamp = type_->input->type->timestamp;
        const bool timed = timestamp && writer.is_set(*timestamp);
        writer.commit(timed ? 0 : clock_(), 0, 0);
        return Decoded::event;
      }
      case Pass::bad: writer.abort(); return Decoded::bad;
      case Pass::needs_type:
        document.rewind();
        if (seek_type(document) == Pass::bad) return Decoded::bad;
        break;
      case Pass::needs_last_places:
        document.rewind();
        if (seek_last_places(document) == Pass::bad) return Decoded::bad;
        break;
    }
    document.rewind();
  }
}

NdjsonDecoder::Pass NdjsonDecoder::read_object(ondemand::document& document, model::EventWriter& writer) {
  ondemand::object object;
  if (const auto error = document.get_object().get(object)) {
    return error == simdjson::INCORRECT_TYPE ? bad("malformed JSON: it is no object") : bad(error);
  }
  if (type_ != nullptr) writer.begin(*type_->input->type);
  std::uint32_t before = type_ == nullptr ? 0 : type_->fields + object_begin;
  std::uint32_t place = 0;
  for (auto item : object) {
    if (const auto error = item.error()) return bad(error);
    ondemand::field&& field = std::move(item).value_unsafe();
    ++place;
    if (type_ == nullptr) {
      if (!raw_type_field_.stands_at(field.key().raw(), record_end_)) return Pass::needs_type;
      if (const Pass pass = read_type(field.value(), place, writer); pass != Pass::done) return pass;
      before = type_->fields + type_key;
      continue;
    }
    const std::uint32_t role = role_of(field, before);
    if (role == bad_key) return bad(simdjson::STRING_ERROR);
    before = role;
    Pass pass = Pass::done;
    if (role < type_->fields) {
      pass = read_field(role, place, field.value(), writer);
    } else if (role == type_->fields + type_key) {
      pass = read_type(field.value(), place, writer);
    } else if (const auto error = pass_over(field.value(), 1)) {
      return bad(error);
    }
    if (pass != Pass::done) return pass;
  }
  return check(document, writer);
}

/// What can only be said at the end of the object.
NdjsonDecoder::Pass NdjsonDecoder::check(ondemand::document& document, model::EventWriter& writer) {
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) return bad(simdjson::TRAILING_CONTENT);
  if (type_ == nullptr) return Pass::needs_type;
  for (const std::uint32_t field : type_->required) {
    if (!writer.is_set(field)) return bad(schema_.missing(*type_->input, field));
  }
  return Pass::done;
}

std::uint32_t NdjsonDecoder::role_of(ondemand::field& field, std::uint32_t before) {
  const char* key = field.key().raw();
  std::uint32_t& expected = type_->next[before];
  if (expected < type_->fields) {
    if (type_->raw_fields[expected].stands_at(key, record_end_)) return expected;
  } else if (expected == type_->fields + type_key && !type_settled_) {
    if (raw_type_field_.stands_at(key, record_end_)) return expected;
  }

  std::string_view text;
  if (!get_key(field, text)) return bad_key;
  std::uint32_t role = type_->fields + type_key;
  if (type_settled_ || text != type_field_) {
    role = type_->input->names.find(text);
    if (role == NameTable::unknown) role = type_->fields + other_key;
  }
  if (text.data() == key) expected = role;  // without escapes, so its bytes can be compared
  return role;
}

NdjsonDecoder::Pass NdjsonDecoder::read_type(ondemand::value& value, std::uint32_t place,
                                             model::EventWriter& writer) {
  const std::string_view token = value.raw_json_token();
  const bool is_recent = recent_ != nullptr && token.front() == '"' &&
                         recent_->raw_name.stands_at(token.data() + 1, record_end_);
  std::string_view name;
  if (is_recent) {
    name = recent_->name();
  } else if (!get_text(value, name)) {
    return bad_type(value);
  }
  if (type_ == nullptr) {
    type_ = is_recent ? recent_ : find(name);
    if (type_ == nullptr) {
      reject_type(name, schema_.unknown(name));
      return Pass::bad;
    }
    writer.begin(*type_->input->type);
  } else if (name != type_->name()) {
    return Pass::needs_type;  // it stands there twice
  }
  if (type_->field_of_type_key == NameTable::unknown) return Pass::done;
  return read_field(type_->field_of_type_key, place, value, writer);
}

/// Finds the type of an object that does not begin with it. The last one counts.
NdjsonDecoder::Pass NdjsonDecoder::seek_type(ondemand::document& document) {
  ondemand::object object;
  if (const auto error = document.get_object().get(object)) return bad(error);
  bool found = false;
  type_ = nullptr;
  for (auto item : object) {
    if (const auto error = item.error()) return bad(error);
    ondemand::field&& field = std::move(item).value_unsafe();
    std::string_view key;
    if (!get_key(field, key)) return bad(simdjson::STRING_ERROR);
    if (key != type_field_) continue;
    ondemand::value& value = field.value();
    std::string_view name;
    if (!get_text(value, name)) return bad_type(value);
    found = true;
    type_ = find(name);
    if (type_ == nullptr) reject_type(name, schema_.unknown(name));
  }
  if (!found) return bad(fmt::format("no field '{}' says which event it is", type_field_));
  type_settled_ = true;
  return type_ == nullptr ? Pass::bad : Pass::done;
}

/// Finds where each field stands last. Needed only where a null comes after a value of the same field.
NdjsonDecoder::Pass NdjsonDecoder::seek_last_places(ondemand::document& document) {
  ondemand::object object;
  if (const auto error = document.get_object().get(object)) return bad(error);
  last_places_.assign(type_->fields, 0);
  std::uint32_t before = type_->fields + object_begin;
  std::uint32_t place = 0;
  for (auto item : object) {
    if (const auto error = item.error()) return bad(error);
    ondemand::field&& field = std::move(item).value_unsafe();
    ++place;
    before = role_of(field, before);
    if (before == bad_key) return bad(simdjson::STRING_ERROR);
    if (before < type_->fields) last_places_[before] = place;
  }
  repeats_ = true;
  return Pass::done;
}

NdjsonDecoder::Pass NdjsonDecoder::read_field(std::uint32_t field, std::uint32_t place,
                                              ondemand::value& value, model::EventWriter& writer) {
  if (repeats_ && last_places_[field] != place) return Pass::done;
  const InputField& input = type_->input->fields[field];
  Value out;
  if (input.kind() == Kind::array) return read_array(field, value, writer);
  if (get_scalar(value, input.kind(), input, out)) {
    writer.set(field, out);
    return Pass::done;
  }
  return read_null(field, value, writer);
}

NdjsonDecoder::Pass NdjsonDecoder::read_array(std::uint32_t field, ondemand::value& value,
                                              model::EventWriter& writer) {
  const InputField& input = type_->input->fields[field];
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return read_null(field, value, writer);
  elements_.clear();
  for (auto item : array) {
    ondemand::value element;
    if (const auto error = std::move(item).get(element)) return bad(error);
    const Kind kind = input.field->type.element;
    if (!get_scalar(element, kind, input, elements_.emplace_back())) {
      return bad(schema_.mismatch(*type_->input, field, "an array with " + describe(element, kind)));
    }
  }
  writer.set_array(field, elements_);
  return Pass::done;
}

/// A value that is not of the field's type: null, which it may be, or a fault.
NdjsonDecoder::Pass NdjsonDecoder::read_null(std::uint32_t field, ondemand::value& value,
                                             model::EventWriter& writer) {
  const InputField& input = type_->input->fields[field];
  bool null = false;
  if (value.is_null().get(null) != simdjson::SUCCESS || !null || !input.nullable()) {
    return bad(schema_.mismatch(*type_->input, field, null ? "null" : describe(value, input.kind())));
  }
  return writer.is_set(field) ? Pass::needs_last_places : Pass::done;
}

}  // namespace

Opened<Decoder> ndjson_decoder(const model::Catalog& catalog, const NdjsonOptions& options, Clock clock) {
  auto decoder = std::make_unique<NdjsonDecoder>(catalog, options, std::move(clock));
  if (options.event && decoder->find(*options.event) == nullptr) {
    return Opened<Decoder>::failed(decoder->schema().unknown(*options.event));
  }
  return {std::move(decoder), {}};
}

}  // namespace tocsin::connectors
