// Look-ups in tables: `x in t`, `t[x].field`, `t[x] is null`.
#include <fmt/format.h>

#include "dsl/lower_expr.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using plan::Expr;
using plan::Op;
using AstKind = ast::Expr::Kind;

bool ExprLowerer::is_row(const ast::Expr& expr) const {
  if (expr.kind != AstKind::index || expr.args[0].kind != AstKind::name) return false;
  if (find_step(expr.args[0].text)) return false;
  const bool may_be_step = expr.args.size() == 2 && expr.args[1].kind == AstKind::integer;
  return !may_be_step || symbols_.find_table(expr.args[0].text).has_value();
}

std::optional<std::uint32_t> ExprLowerer::require_table(const ast::Name& name) {
  if (scope_.place == Scope::Place::constant) {
    symbols_.error(name.span, fmt::format("'{}' can't be looked up here: only params are known", name.text));
    return std::nullopt;
  }
  const auto table = symbols_.find_table(name.text);
  if (!table) {
    if (symbols_.is_suspect(name.text)) return std::nullopt;
    std::vector<std::string> names;
    for (const TableInfo& info : symbols_.tables)
      names.push_back(info.table.name);
    symbols_.error(name.span, fmt::format("unknown table '{}'", name.text),
                   symbols_.suggest(name.text, names));
    return std::nullopt;
  }
  symbols_.tables[*table].used = true;
  if (aggregate_ != nullptr) {
    symbols_.error(name.span, fmt::format("a table can't be looked up inside {}(…)", aggregate_->text),
                   "emit what it gives from a rule of its own, and aggregate that");
    return std::nullopt;
  }
  return table;
}

Lowered ExprLowerer::look_up_table(Op op, const ast::Name& name, std::span<const ast::Expr> written,
                                   Span span) {
  const auto table = require_table(name);
  const TableInfo* info = table && symbols_.tables[*table].known ? &symbols_.tables[*table] : nullptr;
  if (info != nullptr && written.size() != info->table.keys.size()) {
    std::string keys;
    for (const auto key : info->table.keys)
      keys += (keys.empty() ? "" : ", ") + symbols_.catalog[info->table.type].fields[key].name;
    symbols_.error(
        span, fmt::format("table '{}' has {} key{} ({}); this gives {}", name.text, info->table.keys.size(),
                          info->table.keys.size() == 1 ? "" : "s", keys, written.size()));
    return std::nullopt;
  }
  Expr expr;
  expr.op = op;
  bool sound = info != nullptr;
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (info == nullptr) {
      lower(written[i]);  // for its own errors
      continue;
    }
    const auto& field = symbols_.catalog[info->table.type].fields[info->table.keys[i]];
    auto key = lower(written[i], &field.type);
    if (key && !same_base(key->type, field.type)) {
      symbols_.error(written[i].span,
                     fmt::format("the key '{}' of {} is {}; this is {}", field.name, name.text,
                                 symbols_.describe(field.type), symbols_.describe(key->type)));
      key.reset();
    }
    sound = sound && key;
    if (sound) expr.args.push_back(std::move(*key));
  }
  if (!sound) return std::nullopt;
  expr.type = {.kind = model::Kind::boolean};
  expr.ref.index = *table;
  expr.ref.type = info->table.type;
  return expr;
}

Lowered ExprLowerer::lower_in_table(const ast::Expr& expr) {
  auto found = look_up_table(Op::in_table, {expr.text, expr.name_span}, expr.args, expr.span);
  if (!found) return std::nullopt;
  return expr.negated ? negate(std::move(*found)) : std::move(found);
}

Lowered ExprLowerer::lower_row_is_null(const ast::Expr& row, bool wants_row) {
  auto found = look_up_table(Op::in_table, {row.args[0].text, row.args[0].span},
                             std::span(row.args).subspan(1), row.span);
  if (!found) return std::nullopt;
  return wants_row ? std::move(found) : negate(std::move(*found));
}

Lowered ExprLowerer::lower_row_field(const ast::Expr& expr) {
  const ast::Expr& row = expr.args[0];
  auto value = look_up_table(Op::table_field, {row.args[0].text, row.args[0].span},
                             std::span(row.args).subspan(1), row.span);
  if (!value) return std::nullopt;
  const auto field = symbols_.require_field(value->ref.type, {expr.text, expr.name_span});
  if (!field) return std::nullopt;
  value->ref.field = *field;
  value->type = symbols_.catalog[value->ref.type].fields[*field].type;
  value->type.nullable = true;  // there may be no such row
  return element_instead(std::move(*value), expr.span);
}

}  // namespace tocsin::dsl
