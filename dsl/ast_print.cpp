// The AST as canonical rule text: two spaces a level, clauses in the order of docs/language.md, as few
// brackets as the grammar needs. Parsing the text gives the same AST. Tested by
// tests/dsl/parse_print_test.cpp, over random ASTs too.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "dsl/ast.hpp"
#include "dsl/literal.hpp"

namespace tocsin::dsl::ast {
namespace {

/// A pattern or an emit that would make a longer line is broken, an element or field a line.
constexpr std::size_t line_width = 100;

/// How tightly an expression binds; the levels of grammar_expr.hpp.
enum Level : int { any_level, disjunction, conjunction, negation, comparison, sum, product, sign, postfix };

Level level_of(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::integer:
    case Expr::Kind::duration: return expr.integer < 0 ? sign : postfix;
    case Expr::Kind::floating: return std::signbit(expr.floating) ? sign : postfix;
    case Expr::Kind::unary: return expr.text == "not" ? negation : sign;
    case Expr::Kind::binary:
      if (expr.text == "or") return disjunction;
      if (expr.text == "and") return conjunction;
      if (expr.text == "+" || expr.text == "-") return sum;
      if (expr.text == "*" || expr.text == "/" || expr.text == "%") return product;
      return comparison;
    case Expr::Kind::in:
    case Expr::Kind::in_table:
    case Expr::Kind::like:
    case Expr::Kind::between:
    case Expr::Kind::is_null: return comparison;
    default: return postfix;
  }
}

std::string expression(const Expr& expr, Level least = any_level);

std::string list(const std::vector<Expr>& args, std::size_t first, const char* brackets = "()") {
  std::string out(1, brackets[0]);
  for (std::size_t i = first; i < args.size(); ++i)
    out += (i > first ? ", " : "") + expression(args[i]);
  return out + brackets[1];
}

std::string unary(const Expr& expr) {
  if (expr.text == "not") return "not " + expression(expr.args[0], negation);
  const std::string operand = expression(expr.args[0], sign);
  // A minus right before a number would become a part of the literal, and `--` is hard to read.
  if (operand[0] >= '0' && operand[0] <= '9') return "-(" + expression(expr.args[0]) + ")";
  return (operand[0] == '-' ? "- " : "-") + operand;
}

std::string binary(const Expr& expr) {
  const Level level = level_of(expr);
  const auto tighter = static_cast<Level>(level + 1);
  // Comparisons do not chain; all others group from the left.
  return expression(expr.args[0], level == comparison ? tighter : level) + " " + expr.text + " " +
         expression(expr.args[1], tighter);
}

std::string like(const Expr& expr) {
  const std::string head = expression(expr.args[0], sum) + (expr.negated ? " not " : " ") + expr.text + " ";
  if (expr.args.size() != 2) return head + list(expr.args, 1);
  const std::string pattern = expression(expr.args[1], sum);
  // A bracket there begins a list.
  return head + (pattern[0] == '(' ? "(" + pattern + ")" : pattern);
}

std::string bare(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::integer: return std::to_string(expr.integer);
    case Expr::Kind::floating: return write_floating(expr.floating);
    case Expr::Kind::text: return write_text(expr.text);
    case Expr::Kind::boolean: return expr.integer != 0 ? "true" : "false";
    case Expr::Kind::null: return "null";
    case Expr::Kind::duration: return write_duration(expr.integer);
    case Expr::Kind::time: return write_time(expr.integer);
    case Expr::Kind::name: return expr.text;
    case Expr::Kind::member: return expression(expr.args[0], postfix) + "." + expr.text;
    case Expr::Kind::index: return expression(expr.args[0], postfix) + list(expr.args, 1, "[]");
    case Expr::Kind::tuple: return list(expr.args, 0);
    case Expr::Kind::in_table:
      return (expr.args.size() == 1 ? expression(expr.args[0], sum) : list(expr.args, 0)) +
             (expr.negated ? " not in " : " in ") + expr.text;
    case Expr::Kind::call: return expr.text + list(expr.args, 0);
    case Expr::Kind::unary: return unary(expr);
    case Expr::Kind::binary: return binary(expr);
    case Expr::Kind::in:
      return expression(expr.args[0], sum) + (expr.negated ? " not " : " ") + expr.text + " " +
             list(expr.args, 1);
    case Expr::Kind::like: return like(expr);
    case Expr::Kind::between:
      return expression(expr.args[0], sum) + (expr.negated ? " not between " : " between ") +
             expression(expr.args[1], sum) + " and " + expression(expr.args[2], sum);
    case Expr::Kind::is_null:
      return expression(expr.args[0], sum) + (expr.integer != 0 ? " is not null" : " is null");
  }
  return {};
}

std::string expression(const Expr& expr, Level least) {
  return level_of(expr) < least ? "(" + bare(expr) + ")" : bare(expr);
}

std::string type_name(const TypeName& type) {
  std::string out = type.name;
  if (type.unit) out += "(" + type.unit->text + ")";
  if (type.name == "enum") {
    out += "(";
    for (const Name& label : type.labels)
      out += (out.back() == '(' ? "" : ", ") + label.text;
    out += ")";
  }
  return out + (type.array ? "[]" : "") + (type.nullable ? "?" : "");
}

std::string annotation(const Annotation& node) {
  return "@" + node.name.text + (node.values.empty() ? "" : list(node.values, 0));
}

std::string arrow(const Edge& edge) {
  const std::string bound = edge.bound ? "[" + expression(*edge.bound) + "] " : " ";
  switch (edge.contiguity) {
    case Contiguity::strict: return "," + bound;
    case Contiguity::relaxed: return "->" + bound;
    case Contiguity::any: return "~>" + bound;
  }
  return {};
}

std::string range(const Quantifier& node) {
  const bool sign = !node.mode && !node.gap;
  if (sign && !node.max && node.min <= 1) return node.min == 0 ? "*" : "+";
  if (sign && node.min == 0 && node.max == 1) return "?";
  std::string out = "{" + std::to_string(node.min);
  if (!node.max) out += "..";
  if (node.max && *node.max != node.min) out += ".." + std::to_string(*node.max);
  if (node.mode) {
    out += *node.mode == Contiguity::strict ? " strict" : *node.mode == Contiguity::any ? " any" : " relaxed";
  }
  if (node.gap) out += " gap " + expression(*node.gap);
  return out + "}";
}

std::string quantifier(const std::optional<Quantifier>& node) {
  if (!node) return "";
  return range(*node) + (node->loop == Loop::reluctant ? "?" : node->loop == Loop::possessive ? "+" : "");
}

std::string condition(const std::optional<Expr>& expr) {
  return expr ? "[" + expression(*expr) + "]" : "";
}

std::string step(const Pattern& node) {
  return (node.name ? node.name->text + ": " : "") + node.type.text + condition(node.condition) +
         quantifier(node.quantifier) + (node.until ? " until " + condition(node.until) : "");
}

/// `separator` stands before each edge of the outermost sequence.
std::string pattern(const Pattern& node, std::string_view separator = " ") {
  if (node.kind == Pattern::Kind::step) return step(node);
  if (node.kind == Pattern::Kind::negation) {
    return "not " + step(node) + (node.duration ? " for " + expression(*node.duration) : "");
  }
  const bool sequence = node.kind == Pattern::Kind::sequence;
  const char* const sign = node.kind == Pattern::Kind::alternation ? "| " : "& ";
  std::string out;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    if (i > 0) {
      // The comma stands where it does in prose, unless the line is broken.
      if (!(sequence && separator == " " && node.edges[i].contiguity == Contiguity::strict))
        out += sequence ? separator : " ";
      out += sequence ? arrow(node.edges[i]) : sign;
    }
    out += pattern(node.children[i]);
  }
  if (!node.grouped) return out;
  if (node.duration) out += " within " + expression(*node.duration);
  return "(" + out + ")" + quantifier(node.quantifier);
}

std::string partition(const PartitionKey& key) {
  std::string out;
  for (const auto& mapping : key.mappings) {
    if (!out.empty()) out += " = ";
    if (mapping.type) out += mapping.type->text + ".";
    out += mapping.field.text;
  }
  return out;
}

class Printer {
 public:
  void operator()(const ImportDecl& import) { line("import " + write_text(import.path)); }

  void operator()(const ParamDecl& param) {
    doc("", param.doc);
    line("param " + param.name.text + ": " + type_name(param.type) +
         (param.value ? " = " + expression(*param.value) : ""));
  }

  void operator()(const EventDecl& event) {
    head(event.doc, event.annotations);
    if (event.fields.empty()) return line("event " + event.name.text + " {}");
    line("event " + event.name.text + " {");
    fields(event.fields);
    line("}");
  }

  void operator()(const TableDecl& table) {
    doc("", table.doc);
    const std::string begin = "table " + table.name.text + " from ";
    if (!table.path) {
      std::string keys;
      for (const Name& key : table.keys)
        keys += (keys.empty() ? "" : ", ") + key.text;
      return line(begin + table.type.text + " keyed by " + keys);
    }
    if (table.columns.empty()) return line(begin + write_text(*table.path) + " {}");
    line(begin + write_text(*table.path) + " {");
    fields(table.columns);
    line("}");
  }

  void operator()(const RuleDecl& rule) {
    head(rule.doc, rule.annotations);
    line("rule " + rule.name.text + " {");
    for (const FromItem& item : rule.from) {
      out_ += (&item == &rule.from.front() ? "  from " : ", ") + item.type.text + condition(item.condition);
    }
    if (!rule.from.empty()) line("");
    if (rule.match) match(*rule.match);
    for (const PartitionKey& key : rule.partition) {
      out_ += (&key == &rule.partition.front() ? "  partition by " : ", ") + partition(key);
    }
    if (!rule.partition.empty()) line("");
    if (rule.where) line("  where " + expression(*rule.where));
    if (rule.within && rule.within->duration) line("  within " + expression(*rule.within->duration));
    if (rule.within && rule.within->events) {
      line("  within " + std::to_string(*rule.within->events) + " events");
    }
    if (rule.report) line("  report " + std::string(plan::report_word(*rule.report)));
    if (rule.skip) line("  after match skip " + skip_text(*rule.skip));
    if (rule.emit) emit("  emit ", *rule.emit);
    if (rule.timeout) emit("  on timeout emit ", *rule.timeout);
    line("}");
  }

  void operator()(const TestDecl& test) {
    doc("", test.doc);
    if (test.statements.empty()) return line("test " + write_text(test.name.text) + " {}");
    line("test " + write_text(test.name.text) + " {");
    for (const TestStatement& node : test.statements)
      statement(node);
    line("}");
  }

  void blank_line() { out_ += '\n'; }
  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view text) { out_.append(text) += '\n'; }

  void doc(std::string_view indent, const std::string& text) {
    for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      out_.append(indent).append(end > begin ? "/// " : "///");
      line(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  void head(const std::string& text, const std::vector<Annotation>& annotations) {
    doc("", text);
    for (const Annotation& node : annotations) {
      out_ += (&node == &annotations.front() ? "" : " ") + annotation(node);
    }
    if (!annotations.empty()) line("");
  }

  void fields(const std::vector<FieldDecl>& declared) {
    std::size_t width = 0;
    for (const FieldDecl& field : declared)
      width = std::max(width, field.name.text.size());
    for (const FieldDecl& field : declared) {
      doc("  ", field.doc);
      std::string text = "  " + field.name.text + ":" + std::string(width - field.name.text.size() + 1, ' ') +
                         type_name(field.type);
      for (const Annotation& node : field.annotations)
        text += " " + annotation(node);
      line(text);
    }
  }

  void match(const Pattern& node) {
    const std::string text = "  match " + pattern(node);
    line(text.size() <= line_width ? text : "  match " + pattern(node, "\n    "));
  }

  void emit(const std::string& clause, const Emit& node) {
    std::string text = clause + node.type.text + " {";
    for (const EmitField& field : node.fields) {
      text += (&field == &node.fields.front() ? " " : ", ") + emit_field(field);
    }
    text += node.fields.empty() ? "}" : " }";
    if (text.size() <= line_width) return line(text);
    line(clause + node.type.text + " {");
    for (const EmitField& field : node.fields)
      line("    " + emit_field(field) + ",");
    line("  }");
  }

  void statement(const TestStatement& node) {
    using Kind = TestStatement::Kind;
    const std::string at = node.time ? expression(*node.time) : "";
    switch (node.kind) {
      case Kind::start: return line("  start " + at);
      case Kind::param: return line("  param " + node.name.text + " = " + expression(*node.value));
      case Kind::advance: return line("  advance " + expression(*node.period));
      case Kind::table:
        line("  table " + node.name.text + " {");
        for (const auto& row : node.rows)
          braced("    ", row, "");
        return line("  }");
      case Kind::event: {
        const std::string repeated =
            node.until ? ".." + expression(*node.until) + " every " + expression(*node.period) : "";
        return braced("  " + at + repeated + " " + node.name.text + " ", node.fields, "");
      }
      case Kind::expect: {
        const std::string head = "  expect " +
                                 (!node.count        ? ""
                                  : *node.count == 0 ? "no "
                                                     : std::to_string(*node.count) + " ") +
                                 node.name.text + (node.exactly ? " exactly" : "");
        const std::string tail = node.time ? " at " + at : "";
        if (node.fields.empty() && !node.exactly) return line(head + tail);
        return braced(head + " ", node.fields, tail);
      }
    }
  }

  void braced(const std::string& head, const std::vector<TestField>& fields, const std::string& tail) {
    std::string text = head + "{";
    for (const TestField& field : fields)
      text += (&field == &fields.front() ? " " : ", ") + test_field(field);
    text += (fields.empty() ? "}" : " }") + tail;
    if (text.size() <= line_width) return line(text);
    line(head + "{");
    for (const TestField& field : fields)
      line("    " + test_field(field) + ",");
    line("  }" + tail);
  }

  static std::string test_field(const TestField& field) {
    if (!field.array) return field.name.text + ": " + expression(field.values[0]);
    std::string out = field.name.text + ": [";
    for (const Expr& value : field.values)
      out += (&value == &field.values.front() ? "" : ", ") + expression(value);
    return out + "]";
  }

  static std::string emit_field(const EmitField& field) {
    return field.name.text + (field.value ? ": " + expression(*field.value) : "");
  }

  std::string out_;
};

/// Imports and parameters stand together, others apart.
bool stand_together(const Declaration& first, const Declaration& second) {
  return first.index() == second.index() &&
         (std::holds_alternative<ImportDecl>(first) || std::holds_alternative<ParamDecl>(first));
}

}  // namespace

std::string skip_text(const Skip& skip) {
  switch (skip.to) {
    case Skip::To::past_last: return "past last";
    case Skip::To::none: return "none";
    case Skip::To::next: return "to next";
    case Skip::To::first: return "to first " + skip.step->text;
    case Skip::To::last: return "to last " + skip.step->text;
  }
  return {};
}

std::string print(const File& file) {
  Printer printer;
  for (std::size_t i = 0; i < file.declarations.size(); ++i) {
    if (i > 0 && !stand_together(file.declarations[i - 1], file.declarations[i])) printer.blank_line();
    std::visit(printer, file.declarations[i]);
  }
  return printer.take();
}

}  // namespace tocsin::dsl::ast
