// Keys of `partition by`: for each type of the rule's stream the field that carries the key, all of one type.
#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "dsl/lower.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using model::Kind;

namespace {

class KeyLowerer {
 public:
  KeyLowerer(Symbols& symbols, const std::vector<plan::Input>& inputs, bool all_known)
      : symbols_(symbols), inputs_(inputs), all_known_(all_known) {}

  std::optional<plan::PartitionKey> lower(const ast::PartitionKey& written) {
    const ast::Name* common = nullptr;  // for the types that no mapping names
    std::map<EventTypeId, const ast::Name*> mapped;
    bool sound = all_known_;
    for (const auto& mapping : written.mappings) {
      if (!mapping.type) {
        if (common != nullptr) {
          symbols_.error(mapping.field.span, "several fields of one key need the names of their types",
                         fmt::format("as in Login.{} = Payment.{}", common->text, mapping.field.text));
          sound = false;
        }
        common = &mapping.field;
        continue;
      }
      const auto type = symbols_.require_type(*mapping.type);
      const bool read = type && reads(*type);
      if (type && !read && all_known_) {
        symbols_.error(mapping.type->span, fmt::format("this rule reads no '{}'", mapping.type->text));
      } else if (type && !mapped.emplace(*type, &mapping.field).second) {
        symbols_.error(mapping.type->span,
                       fmt::format("'{}' has two fields for this key", mapping.type->text));
      }
      sound = sound && read;
    }
    plan::PartitionKey key{.name = written.mappings.front().field.text, .type = {}, .fields = {}};
    for (const auto& input : inputs_) {
      const auto found = mapped.find(input.type);
      const ast::Name* name = found != mapped.end() ? found->second : common;
      sound = add_key_field(key, written, input.type, name, sound) && sound;
    }
    if (!sound) return std::nullopt;
    return key;
  }

 private:
  bool add_key_field(plan::PartitionKey& key, const ast::PartitionKey& written, EventTypeId type_id,
                     const ast::Name* name, bool mappings_known) {
    const auto& type = symbols_.catalog[type_id];
    if (name == nullptr) {
      if (mappings_known) {
        symbols_.error(written.span, fmt::format("this key names no field of {}", type.name),
                       fmt::format("add = {}.…", type.name));
      }
      return false;
    }
    std::uint32_t index = 0;
    const Found found = symbols_.find_field(type_id, name->text, index);
    if (found == Found::no) {
      auto hint = symbols_.suggest(name->text, symbols_.field_names(type_id));
      const bool is_common = written.mappings.size() == 1 && !written.mappings.front().type;
      const auto other = std::find_if(inputs_.begin(), inputs_.end(), [&](const plan::Input& input) {
        std::uint32_t unused = 0;
        return symbols_.find_field(input.type, name->text, unused) == Found::yes;
      });
      if (is_common && other != inputs_.end()) {
        const auto map = fmt::format("partition by {}.{} = {}.…", symbols_.catalog[other->type].name,
                                     name->text, type.name);
        hint = hint.empty() ? "map the names, as in " + map : hint + " Names are mapped as in " + map;
      }
      symbols_.error(name->span, fmt::format("{} has no field '{}' to partition by", type.name, name->text),
                     hint);
    }
    if (found != Found::yes) return false;

    model::Type field_type = type.fields[index].type;
    field_type.nullable = false;
    if (field_type.kind == Kind::floating || field_type.kind == Kind::array) {
      symbols_.error(name->span, fmt::format("'{}' of {} is {}, which can't be a partition key", name->text,
                                             type.name, symbols_.describe(field_type)));
      return false;
    }
    if (!key.fields.empty() && !same_base(key.type, field_type)) {
      const auto& first = symbols_.catalog[key.fields.front().first];
      symbols_.error(written.span,
                     fmt::format("this key is {} in {} but {} in {}", symbols_.describe(key.type), first.name,
                                 symbols_.describe(field_type), type.name));
      return false;
    }
    key.type = field_type;
    key.fields.emplace_back(type_id, index);
    return true;
  }

  bool reads(EventTypeId type) const {
    return std::any_of(inputs_.begin(), inputs_.end(),
                       [&](const plan::Input& input) { return input.type == type; });
  }

  Symbols& symbols_;
  const std::vector<plan::Input>& inputs_;
  const bool all_known_;
};

}  // namespace

std::optional<plan::PartitionKey> lower_key(Symbols& symbols, const ast::PartitionKey& key,
                                            const std::vector<plan::Input>& inputs, bool all_known) {
  return KeyLowerer(symbols, inputs, all_known).lower(key);
}

}  // namespace tocsin::dsl
