#include "dsl/tables.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <set>

namespace tocsin::dsl {

using model::EventTypeId;
using model::Kind;

namespace {

// Makes a field of the rows a key; false where it can be none.
bool add_key(Symbols& symbols, plan::Table& table, std::uint32_t field, const ast::Name& name) {
  const model::Type& type = symbols.catalog[table.type].fields[field].type;
  const auto fail = [&](std::string message) {
    symbols.error(name.span, std::move(message));
    return false;
  };
  if (type.kind == Kind::floating || type.kind == Kind::array)
    return fail(fmt::format("'{}' is {}, which can't be a key", name.text, symbols.describe(type)));
  if (std::find(table.keys.begin(), table.keys.end(), field) != table.keys.end())
    return fail(fmt::format("'{}' is a key already", name.text));
  if (table.keys.size() == plan::max_table_keys)
    return fail(fmt::format("a table has at most {} keys", plan::max_table_keys));
  table.keys.push_back(field);
  return true;
}

bool declare_column(Symbols& symbols, plan::Table& table, const ast::FieldDecl& column) {
  bool sound = declare_field(symbols, table.type, column);
  bool is_key = false;
  for (const auto& annotation : column.annotations) {
    if (annotation.name.text != "key") {
      symbols.error(annotation.name.span,
                    fmt::format("unknown annotation '@{}' of a column", annotation.name.text),
                    symbols.suggest(annotation.name.text, {"key"}));
      sound = false;
    } else if (!annotation.values.empty()) {
      symbols.error(annotation.span, "@key takes no arguments");
      sound = false;
    }
    is_key = true;
  }
  if (!sound || !is_key) return sound;
  const auto field = static_cast<std::uint32_t>(symbols.catalog[table.type].fields.size() - 1);
  if (symbols.catalog[table.type].fields[field].type.nullable) {
    symbols.error(column.type.span, fmt::format("the key '{}' may not be null", column.name.text),
                  "write its type without '?'");
    return false;
  }
  return add_key(symbols, table, field, column.name);
}

// A path is relative to the file that names it, as imports are.
void declare_file(Symbols& symbols, TableInfo& info) {
  const ast::TableDecl& decl = *info.decl;
  if (symbols.catalog.types.size() >= std::numeric_limits<EventTypeId>::max())
    return symbols.error(decl.name.span, "too many event types");
  if (decl.path->empty() || *decl.path == "-")
    return symbols.error(decl.name.span, fmt::format("table '{}' names no file", decl.name.text));
  const std::filesystem::path rules = symbols.sources.files[decl.span.file].name;
  info.table.path = (rules.parent_path() / *decl.path).lexically_normal().string();
  info.table.type = symbols.add_rows(decl.name.text, decl.name.span);
  if (decl.columns.size() > max_fields) {
    return symbols.error(decl.name.span, fmt::format("{} has {} columns; at most {} are possible",
                                                     decl.name.text, decl.columns.size(), max_fields));
  }
  info.known = true;
  for (const auto& column : decl.columns)
    info.known = declare_column(symbols, info.table, column) && info.known;
  if (!info.known || !info.table.keys.empty()) return;
  symbols.error(decl.name.span, fmt::format("table '{}' has no @key", decl.name.text),
                "mark what rows are found by, as in ip: string @key");
  info.known = false;
}

void find_keys(Symbols& symbols, TableInfo& info) {
  info.known = true;
  for (const ast::Name& key : info.decl->keys) {
    const auto field = symbols.require_field(info.table.type, key);
    info.known = field && add_key(symbols, info.table, *field, key) && info.known;
  }
}

// The keys of emitted events are found when their type is complete.
void declare_events(Symbols& symbols, TableInfo& info) {
  const auto type = symbols.require_type(info.decl->type);
  if (!type) return;
  info.table.type = *type;
  info.keeps_events = true;
  if (!symbols.catalog[*type].derived) find_keys(symbols, info);
}

// Gives a table its name; false where that is taken.
bool declare_name(Symbols& symbols, const ast::TableDecl& decl) {
  const std::string& name = decl.name.text;
  if (const auto first = symbols.find_table(name)) {
    symbols.error(decl.name.span, fmt::format("table '{}' is declared twice", name),
                  fmt::format("first declared at {}", symbols.place(symbols.tables[*first].decl->name.span)));
    return false;
  }
  TableInfo& info = symbols.tables.emplace_back();
  info.decl = &decl;
  info.table.name = name;
  const auto type = symbols.find_type(name);
  if (!type) return true;
  symbols.error(decl.name.span, fmt::format("'{}' is an event type, so no table can be called so", name),
                fmt::format("the event is declared at {}", symbols.place(symbols.infos[*type].span)));
  return false;
}

// Which tables a rule names.

void collect(const Symbols& symbols, const ast::Expr& expr, std::set<std::uint32_t>& out) {
  const std::string* name = nullptr;
  if (expr.kind == ast::Expr::Kind::in_table) name = &expr.text;
  if (expr.kind == ast::Expr::Kind::index && expr.args[0].kind == ast::Expr::Kind::name)
    name = &expr.args[0].text;
  if (const auto table = name != nullptr ? symbols.find_table(*name) : std::nullopt) out.insert(*table);
  for (const ast::Expr& arg : expr.args)
    collect(symbols, arg, out);
}

void collect(const Symbols& symbols, const std::optional<ast::Expr>& expr, std::set<std::uint32_t>& out) {
  if (expr) collect(symbols, *expr, out);
}

void collect(const Symbols& symbols, const ast::Pattern& pattern, std::set<std::uint32_t>& out) {
  collect(symbols, pattern.condition, out);
  collect(symbols, pattern.until, out);
  for (const ast::Pattern& child : pattern.children)
    collect(symbols, child, out);
}

void collect(const Symbols& symbols, const std::optional<ast::Emit>& emit, std::set<std::uint32_t>& out) {
  if (!emit) return;
  for (const auto& field : emit->fields)
    collect(symbols, field.value, out);
}

}  // namespace

void declare_tables(Symbols& symbols, const Declarations& declarations) {
  std::vector<const ast::TableDecl*> sound;
  for (const auto* decl : declarations.tables) {
    if (declare_name(symbols, *decl)) sound.push_back(decl);
  }
  for (const auto* decl : sound) {
    TableInfo& info = symbols.tables[*symbols.find_table(decl->name.text)];
    decl->path ? declare_file(symbols, info) : declare_events(symbols, info);
  }
}

void complete_tables(Symbols& symbols, EventTypeId type) {
  for (TableInfo& info : symbols.tables) {
    if (info.keeps_events && info.table.type == type) find_keys(symbols, info);
  }
}

std::vector<std::uint32_t> tables_named(const Symbols& symbols, const ast::RuleDecl& rule) {
  std::set<std::uint32_t> out;
  for (const auto& item : rule.from)
    collect(symbols, item.condition, out);
  if (rule.match) collect(symbols, *rule.match, out);
  collect(symbols, rule.where, out);
  if (rule.when) collect(symbols, rule.when->condition, out);
  collect(symbols, rule.emit, out);
  collect(symbols, rule.timeout, out);
  return {out.begin(), out.end()};
}

void report_unused_tables(Symbols& symbols, const Declarations& declarations) {
  if (declarations.incomplete || !declarations.suspect.empty()) return;
  for (const TableInfo& info : symbols.tables) {
    const Span span = info.decl->name.span;
    if (info.used || !info.known || declarations.imported_files.count(span.file) > 0) continue;
    symbols.warn(span, fmt::format("no rule looks into table '{}'", info.table.name));
  }
}

}  // namespace tocsin::dsl
