// The rule file as written: names unresolved, nothing typed, every node with its place in the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsl/source.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::dsl::ast {

struct Name {
  std::string text;
  Span span;
};

/// One node form for all expressions: the kind says what `text`, `number` and `args` mean.
struct Expr {
  enum class Kind : std::uint8_t {
    integer,   // integer
    floating,  // floating
    text,      // text, unescaped
    boolean,   // integer: 0 or 1
    null,
    duration,  // integer: ns
    time,      // integer: ns since the epoch
    name,      // text: a bare name (field, param, step, enum label, match_start, …)
    member,    // args[0] . text     (name_span is the place of the text)
    index,     // args[0] [ args[1…] ]
    tuple,     // ( args… ), two or more: the keys of a table before `in`
    call,      // text ( args… )     (function, aggregate, first, last)
    unary,     // text: "-", "not"; args[0]
    binary,    // text: + - * / % == != < <= > >= and or has, ==~ !=~ ; args[0], args[1]
    in,        // args[0] in ( args[1…] ); text: "in" or "in~"
    in_table,  // args… in text, the name of a table (name_span is its place)
    like,      // args[0] like args[1…]; text: "like", "like~", "matches" or "matches~"
    between,   // args[0] between args[1] and args[2]
    is_null,   // args[0] is null; integer: 1 for `is not null`
  };
  Kind kind = Kind::null;
  Span span;
  Span name_span;  // of the operator, function name or member
  std::string text;
  std::int64_t integer = 0;
  double floating = 0;
  bool negated = false;  // `not in`, `not like`, `not between`
  std::vector<Expr> args;
};

struct TypeName {
  std::string name;  // int float bool string time duration enum
  Span span;
  std::vector<Name> labels;  // of enum
  std::optional<Name> unit;  // of time: ns us ms s
  bool array = false;
  bool nullable = false;
};

struct Annotation {
  Name name;
  std::vector<Expr> values;
  Span span;
};

struct FieldDecl {
  Name name;
  TypeName type;
  std::vector<Annotation> annotations;  // @timestamp
  std::string doc;
};

struct EventDecl {
  std::string doc;
  std::vector<Annotation> annotations;
  Name name;
  std::vector<FieldDecl> fields;
  Span span;
};

/// `table NAME from "file.csv" { columns }`, or `table NAME from TYPE keyed by keys`.
struct TableDecl {
  std::string doc;
  Name name;
  std::optional<std::string> path;
  std::vector<FieldDecl> columns;  // of a file
  Name type;                       // of the events kept, where there is no path
  std::vector<Name> keys;          // theirs
  Span span;
};

struct ParamDecl {
  std::string doc;
  Name name;
  TypeName type;
  std::optional<Expr> value;  // without one, --set must give it
  Span span;
};

struct ImportDecl {
  std::string path;
  Span span;
};

using plan::Contiguity;

using plan::Loop;

struct Quantifier {
  std::uint64_t min = 1;
  std::optional<std::uint64_t> max = 1;  // none: open
  std::optional<Contiguity> mode;        // the word in the braces, where written
  std::optional<Expr> gap;               // a duration
  Loop loop = Loop::greedy;              // the suffix
  Span span;
};

/// `->[5s]`.
struct Edge {
  Contiguity contiguity = Contiguity::relaxed;
  std::optional<Expr> bound;  // a duration
  Span span;
};

/// step: [name ':'] type ['[' condition ']'] [quantifier] ['until' '[' until ']'].
/// negation: 'not' type ['[' condition ']'] ['for' duration].
/// sequence, alternation, permutation (`&`): children. A parenthesised group is one of these with `grouped`
/// set, and has a quantifier or a duration (`within`) where written; one that holds a single step is a
/// sequence of that step, or the step itself if neither is written.
struct Pattern {
  enum class Kind : std::uint8_t { step, negation, sequence, alternation, permutation };
  Kind kind = Kind::step;
  Span span;
  std::optional<Name> name;
  bool any = false;  // `any[…]`; `type` is that word
  Name type;
  std::optional<Expr> condition;
  std::optional<Quantifier> quantifier;
  std::optional<Expr> until;
  std::optional<Expr> duration;  // of `for` or, in a group, `within`
  bool grouped = false;
  std::vector<Pattern> children;
  std::vector<Edge> edges;  // of a sequence: edges[i] before children[i]; edges[0] unused
};

/// `card`, or `Login.user = Payment.customer = …`.
struct PartitionKey {
  struct Mapping {
    std::optional<Name> type;
    Name field;
  };
  std::vector<Mapping> mappings;
  Span span;
};

struct FromItem {
  Name type;
  std::optional<Expr> condition;
  Span span;
};

struct EmitField {
  Name name;
  std::optional<Expr> value;  // none: the bare name itself
};

struct Emit {
  Name type;
  std::vector<EmitField> fields;
  Span span;
};

struct Within {
  std::optional<Expr> duration;  // a duration expression (literal or param)
  std::optional<std::uint64_t> events;
  Span span;
};

using plan::Report;

/// `after match skip …`.
struct Skip {
  enum class To : std::uint8_t { past_last, none, next, first, last };
  To to = To::past_last;
  std::optional<Name> step;  // of first and last
};

/// `window sliding 10s`, `tumbling 100 events`, `hopping 1m every 10s`, `session gap 30s`.
struct Window {
  plan::Window::Kind kind = plan::Window::Kind::sliding;
  std::optional<Expr> width;  // a duration; of a session: its gap
  std::optional<Expr> hop;
  std::optional<std::uint64_t> events;
  Span span;
};

/// `when cond [on rise|every|fall|close] [for 30s] [keep 5m]`.
struct When {
  Expr condition;
  std::optional<plan::Threshold::On> on;
  std::optional<Expr> duration;  // of `for`
  std::optional<Expr> keep;
  Span span;
};

struct RuleDecl {
  std::string doc;
  std::vector<Annotation> annotations;
  Name name;
  std::vector<FromItem> from;
  std::optional<Pattern> match;
  std::vector<PartitionKey> partition;
  std::optional<Expr> where;
  std::optional<Within> within;
  std::optional<Window> window;
  std::optional<When> when;
  std::optional<Expr> throttle;  // a duration
  std::optional<Report> report;
  std::optional<Skip> skip;
  std::optional<Emit> emit;
  std::optional<Emit> timeout;  // `on timeout emit`
  Span span;
};

/// `card: "A"`, `tags: ["a", "b"]`: a field of an event, an alert or a table's row in a test.
struct TestField {
  Name name;
  std::vector<Expr> values;  // one, or the elements of an array
  bool array = false;
  Span span;  // of the values
};

/// One node form for all statements of a test: the kind says what is set.
struct TestStatement {
  enum class Kind : std::uint8_t {
    start,    // `start @…`: time
    param,    // `param name = value`
    table,    // `table name { { … } … }`: rows
    event,    // `time[..until every period] name { fields }`
    advance,  // `advance period`
    expect,   // `expect [no|count] name [exactly] [{ fields }] [at time]`
  };
  Kind kind = Kind::event;
  Span span;
  Name name;                  // of the event's or alert's type, the rule, the param, the table
  std::optional<Expr> time;   // a literal: a time, or a duration since the test's start
  std::optional<Expr> until;  // the same
  std::optional<Expr> period;
  std::optional<Expr> value;
  std::optional<std::uint64_t> count;  // of expected alerts; 0: none must come
  bool exactly = false;                // all fields are compared, those not given with null
  std::vector<TestField> fields;
  std::vector<std::vector<TestField>> rows;
};

/// `test "name" { … }`.
struct TestDecl {
  std::string doc;
  Name name;  // its text unescaped
  std::vector<TestStatement> statements;
  Span span;
};

using Declaration = std::variant<ImportDecl, ParamDecl, EventDecl, RuleDecl, TableDecl, TestDecl>;

struct File {
  std::vector<Declaration> declarations;  // in text order
};

/// `past last`, `to first x`, …: as rules write it.
std::string skip_text(const Skip& skip);

/// A stable indented dump for golden tests, without spans.
std::string dump(const File& file);

/// The file as canonical rule text; parsing it gives the same AST (spans aside). Comments other than doc
/// comments are lost.
std::string print(const File& file);

}  // namespace tocsin::dsl::ast
