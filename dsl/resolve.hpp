// The first pass over declarations: what every name of the rule files stands for. Event types and their
// fields, params folded to constants, the types that rules emit. Later passes read these tables; only the
// fields of emitted types are added later, as their rules are typed (lower.cpp).
//
// One mistake, one message: what could not be understood is remembered as broken, and whoever meets it later
// keeps silent.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/ast.hpp"
#include "dsl/diagnostic.hpp"
#include "dsl/source.hpp"
#include "engine/model/schema.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::dsl {

inline constexpr std::size_t max_fields = 256;  // of one event type

/// All declarations of all files, in text order, an imported file's in the place of its import.
struct Declarations {
  std::vector<const ast::ParamDecl*> params;
  std::vector<const ast::EventDecl*> events;
  std::vector<const ast::RuleDecl*> rules;
  std::vector<const ast::TableDecl*> tables;
  std::vector<const ast::TestDecl*> tests;
  std::set<std::uint32_t> imported_files;      // not named by the user; their params may well be unused
  bool incomplete = false;                     // a file is missing: any unknown name may be its
  std::set<std::string, std::less<>> suspect;  // names that broken declarations seem to declare
};

struct Param {
  model::Type type;
  std::optional<plan::Constant> value;  // none: broken
  Span span;
  bool used = false;
};

struct TypeInfo {
  Span span;                                  // of its name, where first declared or emitted
  bool open = false;                          // broken: it may have any field
  std::set<std::string, std::less<>> broken;  // fields without a known type
};

struct TableInfo {
  const ast::TableDecl* decl = nullptr;
  plan::Table table;
  bool keeps_events = false;  // of table.type; else its rows are read from a file
  bool known = false;         // false: broken, or its keys are yet to be found
  bool used = false;
};

/// What a name turned out to be: `silent` is unknown for a reason that has been reported already.
enum class Found : std::uint8_t { yes, no, silent };

class Symbols {
 public:
  Symbols(SourceMap& source_map, Diagnostics& out) : sources(source_map), diagnostics(out) {}

  SourceMap& sources;
  Diagnostics& diagnostics;
  model::Catalog catalog;
  std::vector<TypeInfo> infos;  // beside catalog.types
  std::map<std::string, Param, std::less<>> params;
  std::vector<TableInfo> tables;  // by number
  bool incomplete = false;
  std::set<std::string, std::less<>> suspect;

  void error(Span span, std::string message, std::string hint = {});
  void warn(Span span, std::string message, std::string hint = {});

  /// True where `name` may be declared by something that could not be understood.
  bool is_suspect(std::string_view name) const { return incomplete || suspect.find(name) != suspect.end(); }

  /// `did you mean '…'?`, or empty. Only the first few hundred times: it is work, and nobody reads more.
  std::string suggest(std::string_view name, const std::vector<std::string>& candidates);
  /// `rules.tocsin:3:7`
  std::string place(Span span) const;
  /// `an int`, `a string` …, whether nullable or not.
  std::string describe(model::Type type) const;

  /// Adds an empty type. The name must be new.
  model::EventTypeId add_type(const std::string& name, Span span, bool derived);
  /// Adds the type of a table's rows, which no rule can name.
  model::EventTypeId add_rows(const std::string& table, Span span);
  std::optional<model::EventTypeId> find_type(std::string_view name) const;
  /// The type with this name; reports it where unknown.
  std::optional<model::EventTypeId> require_type(const ast::Name& name);
  std::vector<std::string> type_names() const;

  Found find_field(model::EventTypeId type, std::string_view name, std::uint32_t& field) const;
  /// The field's index; reports it where unknown.
  std::optional<std::uint32_t> require_field(model::EventTypeId type, const ast::Name& name);
  std::vector<std::string> field_names(model::EventTypeId type) const;

  std::optional<std::uint32_t> find_table(std::string_view name) const;

  /// The type that `name` writes; reports it where it is none.
  std::optional<model::Type> resolve_type(const ast::TypeName& name);

 private:
  std::map<std::string, model::EventTypeId, std::less<>> types_;
  std::map<std::vector<std::string>, std::uint16_t> enumerations_;  // catalog.enumerations by labels
  int suggestions_ = 0;
};

/// The values of --set, as name and rule text.
using Settings = std::vector<std::pair<std::string, std::string>>;
/// Values of params that go before those of --set and of declarations.
using ParamValues = std::map<std::string, const ast::Expr*, std::less<>>;

/// Declares events and params.
void resolve(Symbols& symbols, const Declarations& declarations, const Settings& settings,
             const ParamValues& values = {});

/// Adds a field to a type, its annotations aside. False where it is wrong, which it reports.
bool declare_field(Symbols& symbols, model::EventTypeId type, const ast::FieldDecl& field);

/// Warns of params that nothing reads. Call when all rules have been lowered.
void report_unused_params(Symbols& symbols, const Declarations& declarations);

}  // namespace tocsin::dsl
