// The AST as an indented tree, a node a line, expressions in prefix form. Two ASTs have the same dump if and
// only if they say the same, spans aside. Tested by tests/dsl/parse_test.cpp (golden dumps).
#include <string>
#include <string_view>

#include "dsl/ast.hpp"
#include "dsl/literal.hpp"

namespace tocsin::dsl::ast {
namespace {

std::string expression(const Expr& expr);

/// "(head args…)"
std::string form(std::string head, const std::vector<Expr>& args) {
  for (const Expr& arg : args)
    head += " " + expression(arg);
  return "(" + head + ")";
}

std::string expression(const Expr& expr) {
  const std::string negation = expr.negated ? "not-" : "";
  switch (expr.kind) {
    case Expr::Kind::integer: return std::to_string(expr.integer);
    case Expr::Kind::floating: return write_floating(expr.floating);
    case Expr::Kind::text: return write_text(expr.text);
    case Expr::Kind::boolean: return expr.integer != 0 ? "true" : "false";
    case Expr::Kind::null: return "null";
    case Expr::Kind::duration: return write_duration(expr.integer);
    case Expr::Kind::time: return write_time(expr.integer);
    case Expr::Kind::name: return expr.text;
    case Expr::Kind::member: return "(. " + expression(expr.args[0]) + " " + expr.text + ")";
    case Expr::Kind::index: return form("index", expr.args);
    case Expr::Kind::tuple: return form("tuple", expr.args);
    case Expr::Kind::in_table: return form(negation + "in-table " + expr.text, expr.args);
    case Expr::Kind::call: return form("call " + expr.text, expr.args);
    case Expr::Kind::unary: return form(expr.text == "-" ? "neg" : expr.text, expr.args);
    case Expr::Kind::binary: return form(expr.text, expr.args);
    case Expr::Kind::in:
    case Expr::Kind::like: return form(negation + expr.text, expr.args);
    case Expr::Kind::between: return form(negation + "between", expr.args);
    case Expr::Kind::is_null: return form(expr.integer != 0 ? "is-not-null" : "is-null", expr.args);
  }
  return {};
}

std::string type_name(const TypeName& type) {
  std::string out = type.name;
  if (type.unit) out += "(" + type.unit->text + ")";
  if (type.name == "enum") {
    out += "(";
    for (const Name& label : type.labels)
      out += (out.back() == '(' ? "" : " ") + label.text;
    out += ")";
  }
  if (type.array) out += "[]";
  if (type.nullable) out += "?";
  return out;
}

std::string_view word(Contiguity contiguity) {
  switch (contiguity) {
    case Contiguity::strict: return "strict";
    case Contiguity::relaxed: return "relaxed";
    case Contiguity::any: return "any";
  }
  return {};
}

std::string range(const Quantifier& quantifier) {
  std::string out = " {" + std::to_string(quantifier.min) + "..";
  if (quantifier.max) out += std::to_string(*quantifier.max);
  if (quantifier.mode) out += " " + std::string(word(*quantifier.mode));
  if (quantifier.gap) out += " gap " + expression(*quantifier.gap);
  out += "}";
  if (quantifier.loop == Loop::reluctant) out += " reluctant";
  if (quantifier.loop == Loop::possessive) out += " possessive";
  return out;
}

std::string edge_text(const Edge& edge) {
  const std::string bound = edge.bound ? "[" + expression(*edge.bound) + "] " : "";
  return std::string(word(edge.contiguity)) + " " + bound;
}

std::string_view list_name(Pattern::Kind kind) {
  switch (kind) {
    case Pattern::Kind::sequence: return "sequence";
    case Pattern::Kind::alternation: return "alternation";
    default: return "permutation";
  }
}

class Dumper {
 public:
  void operator()(const ImportDecl& import) { line("import " + write_text(import.path)); }

  void operator()(const ParamDecl& param) {
    line("param " + param.name.text + ": " + type_name(param.type) +
         (param.value ? " = " + expression(*param.value) : ""));
    Nested nested(*this);
    doc(param.doc);
  }

  void operator()(const EventDecl& event) {
    line("event " + event.name.text);
    Nested nested(*this);
    head(event.doc, event.annotations);
    fields(event.fields);
  }

  void operator()(const TableDecl& table) {
    std::string text =
        "table " + table.name.text + " from " + (table.path ? write_text(*table.path) : table.type.text);
    for (const Name& key : table.keys)
      text += " by " + key.text;
    line(text);
    Nested nested(*this);
    doc(table.doc);
    fields(table.columns);
  }

  void operator()(const RuleDecl& rule) {
    line("rule " + rule.name.text);
    Nested nested(*this);
    head(rule.doc, rule.annotations);
    for (const FromItem& item : rule.from) {
      line("from " + item.type.text);
      condition(item.condition);
    }
    if (rule.match) {
      line("match");
      Nested inner(*this);
      pattern(*rule.match, "");
    }
    for (const PartitionKey& key : rule.partition)
      partition(key);
    if (rule.where) line("where " + expression(*rule.where));
    if (rule.within && rule.within->duration) line("within " + expression(*rule.within->duration));
    if (rule.within && rule.within->events) line("within events " + std::to_string(*rule.within->events));
    if (rule.report) line("report " + std::string(plan::report_word(*rule.report)));
    if (rule.skip) line("skip " + skip_text(*rule.skip));
    if (rule.emit) emit("emit ", *rule.emit);
    if (rule.timeout) emit("on timeout emit ", *rule.timeout);
  }

  void operator()(const TestDecl& test) {
    line("test " + write_text(test.name.text));
    Nested nested(*this);
    doc(test.doc);
    for (const TestStatement& node : test.statements)
      statement(node);
  }

  std::string take() { return std::move(out_); }

 private:
  struct Nested {
    explicit Nested(Dumper& dumper) : dumper_(dumper) { ++dumper_.depth_; }
    ~Nested() { --dumper_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;
    Dumper& dumper_;
  };

  void line(std::string_view text) { out_.append(2 * depth_, ' ').append(text) += '\n'; }

  void doc(const std::string& text) {
    if (!text.empty()) line("doc " + write_text(text));
  }

  void head(const std::string& text, const std::vector<Annotation>& annotations) {
    doc(text);
    for (const Annotation& annotation : annotations) {
      line("annotation " + form(annotation.name.text, annotation.values));
    }
  }

  void fields(const std::vector<FieldDecl>& declared) {
    for (const FieldDecl& field : declared) {
      line("field " + field.name.text + ": " + type_name(field.type));
      Nested nested(*this);
      head(field.doc, field.annotations);
    }
  }

  void condition(const std::optional<Expr>& expr) {
    Nested nested(*this);
    if (expr) line("condition " + expression(*expr));
  }

  void step(const Pattern& node, std::string text) {
    text += node.kind == Pattern::Kind::negation ? "not " : "step ";
    if (node.name) text += node.name->text + ": ";
    text += node.any ? "any[…]" : node.type.text;
    if (node.quantifier) text += range(*node.quantifier);
    if (node.duration) text += " for " + expression(*node.duration);
    line(text);
    condition(node.condition);
    Nested nested(*this);
    if (node.until) line("until " + expression(*node.until));
  }

  void pattern(const Pattern& node, std::string_view edge) {
    if (node.children.empty()) return step(node, std::string(edge));
    std::string text(edge);
    if (node.grouped) text += "group ";
    text += list_name(node.kind);
    if (node.quantifier) text += range(*node.quantifier);
    if (node.duration) text += " within " + expression(*node.duration);
    line(text);
    Nested nested(*this);
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const bool has_edge = node.kind == Pattern::Kind::sequence && i > 0;
      pattern(node.children[i], has_edge ? edge_text(node.edges[i]) : "");
    }
  }

  void partition(const PartitionKey& key) {
    std::string text = "partition";
    for (const auto& mapping : key.mappings) {
      text += " " + (mapping.type ? mapping.type->text + "." : "") + mapping.field.text;
    }
    line(text);
  }

  void emit(const std::string& clause, const Emit& node) {
    line(clause + node.type.text);
    Nested nested(*this);
    for (const EmitField& field : node.fields) {
      line(field.name.text + (field.value ? " = " + expression(*field.value) : ""));
    }
  }

  void fields(const std::vector<TestField>& nodes) {
    Nested nested(*this);
    for (const TestField& field : nodes) {
      line(field.name.text + " = " +
           (field.array ? form("array", field.values) : expression(field.values[0])));
    }
  }

  void statement(const TestStatement& node) {
    using Kind = TestStatement::Kind;
    switch (node.kind) {
      case Kind::start: return line("start " + expression(*node.time));
      case Kind::param: return line("param " + node.name.text + " = " + expression(*node.value));
      case Kind::advance: return line("advance " + expression(*node.period));
      case Kind::table:
        line("table " + node.name.text);
        for (const auto& row : node.rows) {
          Nested nested(*this);
          line("row");
          fields(row);
        }
        return;
      case Kind::event:
        line("event " + node.name.text + " at " + expression(*node.time) +
             (node.until ? " until " + expression(*node.until) + " every " + expression(*node.period) : ""));
        return fields(node.fields);
      case Kind::expect:
        line("expect " + (node.count ? std::to_string(*node.count) + " " : "") + node.name.text +
             (node.exactly ? " exactly" : "") + (node.time ? " at " + expression(*node.time) : ""));
        return fields(node.fields);
    }
  }

  std::string out_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string dump(const File& file) {
  Dumper dumper;
  for (const Declaration& declaration : file.declarations)
    std::visit(dumper, declaration);
  return dumper.take();
}

}  // namespace tocsin::dsl::ast
