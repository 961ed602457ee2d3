// The grammar of rule files, in Boost.Spirit X3: tokens (grammar_lexical.hpp), expressions
// (grammar_expr.hpp), patterns (grammar_pattern.hpp), tests (grammar_test.hpp), and here declarations and
// clauses. This is the one translation unit that sees X3.
//
// Expectation points (`>`) stand only behind a keyword or bracket that has decided what comes. A failed one
// ends its declaration: `on_error` reports it and goes on at the next place where a declaration begins, so
// each declaration has at most one syntax error and one run reports them all. Each place is tried by a fixed
// number of rules, so parsing is linear in the text. Tested by tests/dsl/parse_*.cpp.
#include "dsl/grammar_lexical.hpp"
#include "dsl/grammar_pattern.hpp"
#include "dsl/grammar_test.hpp"
#include "dsl/parse.hpp"

namespace tocsin::dsl {
namespace grammar {

/// What the error handler needs of the parse under way.
struct Session {
  Diagnostics& diagnostics;
  Cursor end;
  Cursor declaration = nullptr;  // where the one under way began
};

/// More errors than any reader wants; junk must not cost an exception a line.
inline constexpr std::size_t max_errors = 1000;

// Types.

const x3::rule<class type_id, ast::TypeName> type{"a field type"};

const auto set_type = [](auto& context) {
  const Cursor token = x3::_attr(context);
  ast::TypeName& type_name = x3::_val(context);
  type_name.name = token->text;
  type_name.span = token->span;
};
const auto enum_labels = word("enum")[set_type] > symbol("(", "'(' and the labels of the enum") >
                         *(name("a label name")[push(&ast::TypeName::labels)] > comma_or(")", "',' or ')'")) >
                         symbol(")", "a label name or ')'");
inline constexpr std::string_view time_units[] = {"ns", "us", "ms", "s"};
const auto time_unit = word("time")[set_type] >>
                       -(open >
                         word_of(time_units, "a unit: 'ns', 'us', 'ms' or 's'")[set(&ast::TypeName::unit)] >
                         close);
const auto type_def = (enum_labels | time_unit | name("a field type")[set_type]) >>
                      -(symbol("[")[assign(&ast::TypeName::array, true)] > symbol("]")) >>
                      -symbol("?")[assign(&ast::TypeName::nullable, true)] >> x3::eps[ends];

// Annotations, events, parameters, imports.

const x3::rule<class annotation_id, ast::Annotation> annotation{"an annotation"};
const x3::rule<class field_id, ast::FieldDecl> field{"a field, as name: type"};
const x3::rule<class event_id, ast::EventDecl> event{"'event'"};
const x3::rule<class param_id, ast::ParamDecl> param{"'param'"};
const x3::rule<class import_id, ast::ImportDecl> import_file{"'import'"};

const auto annotation_def = symbol("@")[begins] > name("an annotation name")[set(&ast::Annotation::name)] >
                            -(open > *(literal_expression[push(&ast::Annotation::values)] >
                                       comma_or(")", "',' or ')'")) >
                              symbol(")", "a literal or ')'")) > x3::eps[ends];

const auto field_end = sight(
    [](Cursor token) { return token->line_start || token->is(",") || token->is("}") || token->is("@"); },
    "',', a new line or '}'");
/// What follows is no annotation of the next declaration, after a brace that was forgotten.
const auto in_declaration = sight([](Cursor token) { return !token->leads; });
const auto field_def = (doc[set(&ast::FieldDecl::doc)] >> name("a field name")[set(&ast::FieldDecl::name)]) >
                       symbol(":", "':' and a type") > type[set(&ast::FieldDecl::type)] >
                       *(in_declaration >> annotation[push(&ast::FieldDecl::annotations)]);
const auto event_def = word("event")[begins] > name("an event name")[set(&ast::EventDecl::name)] >
                       symbol("{") > *(field[push(&ast::EventDecl::fields)] > field_end > -symbol(",")) >
                       symbol("}", "a field, as name: type, or '}'")[ends];

/// Declarations without brackets end with their line, or where the next begins.
SightParser declaration_end(const char* label) {
  return sight(
      [](Cursor token) {
        return token->line_start || token->is("@") || token->kind == Token::Kind::end ||
               (token->kind == Token::Kind::word && one_of(token->text, declaration_words));
      },
      label);
}

const auto param_def = word("param")[begins] > name("a parameter name")[set(&ast::ParamDecl::name)] >
                       symbol(":", "':' and a type") > type[set(&ast::ParamDecl::type)] >
                       ((symbol("=") > expression[set(&ast::ParamDecl::value)] >
                         declaration_end("an operator or a new line")) |
                        (x3::eps > declaration_end("'=' or a new line"))) > x3::eps[ends];

const auto import_path = [](auto& context) {
  const Cursor token = x3::_attr(context);
  x3::_val(context).path = value_of(read_text(token->text), token);
};
const auto import_file_def = word("import")[begins] >
                             literal(Token::Kind::text, "a file name in double quotes")[import_path][ends] >
                             declaration_end("a new line");

// Tables.

const x3::rule<class table_id, ast::TableDecl> table{"'table'"};

const auto table_path = [](auto& context) {
  const Cursor token = x3::_attr(context);
  x3::_val(context).path = value_of(read_text(token->text), token);
};
const auto of_file = literal(Token::Kind::text)[table_path] > symbol("{", "'{' and the columns") >
                     *(field[push(&ast::TableDecl::columns)] > field_end > -symbol(",")) >
                     symbol("}", "a column, as name: type, or '}'")[ends];
const auto of_events = name()[set(&ast::TableDecl::type)] > word("keyed", "'keyed by' and the key's fields") >
                       word("by") > name("a field name")[push(&ast::TableDecl::keys)] >
                       *(comma > name("a field name")[push(&ast::TableDecl::keys)]) > x3::eps[ends] >
                       declaration_end("',' or a new line");
const auto table_def = word("table")[begins] > name("a table name")[set(&ast::TableDecl::name)] >
                       word("from") > (of_file | of_events |
                                       (x3::eps > literal(Token::Kind::text,
                                                          "a file name in double quotes or an event type")));

// Rules and their clauses.

const x3::rule<class from_item_id, ast::FromItem> from_item{"an event type"};
const x3::rule<class key_part_id, ast::PartitionKey::Mapping> key_part{"a field, as card or Payment.card"};
const x3::rule<class key_id, ast::PartitionKey> key{"a field, as card or Payment.card"};
const x3::rule<class within_id, ast::Within> within{"a duration or a number of events"};
const x3::rule<class skip_id, ast::Skip> skip{"what a match uses up"};
const x3::rule<class emit_field_id, ast::EmitField> emit_field{"a field"};
const x3::rule<class emit_id, ast::Emit> emit{"an emitted type"};
const x3::rule<class rule_id, ast::RuleDecl> rule{"'rule'"};

/// A clause's keyword, which stands once.
template <typename Member>
auto once(Member ast::RuleDecl::*member) {
  return [member](auto& context) {
    const auto& clause = x3::_val(context).*member;
    bool given = false;
    if constexpr (requires { clause.has_value(); }) {
      given = clause.has_value();
    } else {
      given = !clause.empty();
    }
    const Cursor token = x3::_attr(context);
    if (given)
      throw SyntaxError(token, "a second '" + std::string(token->text) + "': each clause stands once");
  };
}

/// The end of a clause: what may follow is another, or the end of the rule. `label` says what else might.
SightParser clause_end(const char* label) {
  return sight(
      [](Cursor token) {
        return token->is("}") || token->leads || token->kind == Token::Kind::end ||
               (token->kind == Token::Kind::word && one_of(token->text, clause_words));
      },
      label);
}

const auto qualified = sight([](Cursor token) { return is_name(*token) && token[1].is("."); });

const auto from_item_def = name("an event type")[([](auto& context) {
                             ast::FromItem& item = x3::_val(context);
                             item.type = to_name(x3::_attr(context));
                             item.span = item.type.span;
                           })] >>
                           -(symbol("[") > condition[set(&ast::FromItem::condition)] >
                             symbol("]", "an operator or ']'")) >>
                           x3::eps[ends];
const auto from = word("from")[once(&ast::RuleDecl::from)] > from_item[push(&ast::RuleDecl::from)] >
                  *(comma > from_item[push(&ast::RuleDecl::from)]) > clause_end("'[', ',' or a clause");

const auto match = word("match")[once(&ast::RuleDecl::match)] > pattern[set(&ast::RuleDecl::match)] >
                   clause_end("'->', '~>', ',', '|', '&' or a clause");

const auto key_part_def = ((qualified >> name("an event type")[set(&ast::PartitionKey::Mapping::type)] >>
                            symbol(".")) > name("a field name")[set(&ast::PartitionKey::Mapping::field)]) |
                          name()[set(&ast::PartitionKey::Mapping::field)];
const auto key_begins = [](auto& context) {
  ast::PartitionKey& partition_key = x3::_val(context);
  const auto& first = x3::_attr(context);
  partition_key.span = first.type ? first.type->span : first.field.span;
  partition_key.mappings.push_back(std::move(x3::_attr(context)));
};
const auto key_def = key_part[key_begins] >>
                     *((symbol("=") | symbol("==")[mistake("key fields are joined with '='", "write '='")]) >
                       key_part[push(&ast::PartitionKey::mappings)]) >>
                     x3::eps[ends];
const auto partition = word("partition")[once(&ast::RuleDecl::partition)] >
                       word("by") > key[push(&ast::RuleDecl::partition)] >
                       *(comma > key[push(&ast::RuleDecl::partition)]) > clause_end("',', '=' or a clause");

const auto where = word("where")[once(&ast::RuleDecl::where)] > condition[set(&ast::RuleDecl::where)] >
                   clause_end("an operator or a clause");

const auto counts_events =
    sight([](Cursor token) { return token->kind == Token::Kind::integer && token[1].is("events"); });
const auto event_count = [](auto& context) {
  x3::_val(context).events = count_of(x3::_attr(context));
  x3::_val(context).span = x3::_attr(context)->span;
};
const auto within_duration = [](auto& context) {
  x3::_val(context).span = x3::_attr(context).span;
  x3::_val(context).duration = std::move(x3::_attr(context));
};
const auto within_def =
    (counts_events >> integer[event_count] >> word("events")[ends]) | expression[within_duration];
const auto within_clause = word("within")[once(&ast::RuleDecl::within)] >
                           within[set(&ast::RuleDecl::within)] > clause_end("an operator or a clause");

inline constexpr std::string_view reports[] = {"first", "last", "longest", "any", "all", "total"};
const auto report_word = [](auto& context) {
  const auto found = std::find(std::begin(reports), std::end(reports), x3::_attr(context)->text);
  x3::_val(context).report = static_cast<ast::Report>(found - std::begin(reports));
};
const auto report = word("report")[once(&ast::RuleDecl::report)] >
                    word_of(reports, "'first', 'last', 'longest', 'any', 'all' or 'total'")[report_word];

const auto skips_to = [](ast::Skip::To to) { return assign(&ast::Skip::to, to); };
const auto skip_step = name("a step name")[set(&ast::Skip::step)];
const auto skip_def =
    (word("past") > word("last")[skips_to(ast::Skip::To::past_last)]) |
    word("none")[skips_to(ast::Skip::To::none)] |
    (word("to") > (word("next")[skips_to(ast::Skip::To::next)] |
                   (word("first")[skips_to(ast::Skip::To::first)] > skip_step) |
                   (word("last")[skips_to(ast::Skip::To::last)] > skip_step) |
                   (x3::eps > word("next", "'next', or 'first' or 'last' and the name of a step")))) |
    (x3::eps > word("none", "'past last', 'to next', 'to first', 'to last' or 'none'"));
const auto skip_clause = word("after")[once(&ast::RuleDecl::skip)] > word("match") >
                         word("skip") > skip[set(&ast::RuleDecl::skip)];

const auto emit_field_def = name("a field name")[set(&ast::EmitField::name)] >>
                            -symbol("=")[mistake("an emitted field's value stands after ':'", "write ':'")] >>
                            -(symbol(":") > expression[set(&ast::EmitField::value)]);
const auto emit_def = name("an event type")[([](auto& context) {
                        x3::_val(context).type = to_name(x3::_attr(context));
                        x3::_val(context).span = x3::_attr(context)->span;
                      })] > symbol("{") >
                      *(emit_field[push(&ast::Emit::fields)] > comma_or("}", "',' or '}'")) >
                      symbol("}", "a field name or '}'")[ends];
const auto emit_clause = word("emit")[once(&ast::RuleDecl::emit)] > emit[set(&ast::RuleDecl::emit)];

const auto timeout_clause = word("on")[once(&ast::RuleDecl::timeout)] > word("timeout") >
                            word("emit") > emit[set(&ast::RuleDecl::timeout)];

const auto later_clause = word("window")[unsupported("'window'")] | word("when")[unsupported("'when'")] |
                          word("throttle")[unsupported("'throttle'")];

const auto rule_def = word("rule")[begins] > name("a rule name")[set(&ast::RuleDecl::name)] > symbol("{") >
                      *(match | from | partition | where | within_clause | report | skip_clause |
                        emit_clause | timeout_clause | later_clause) > symbol("}", "a clause or '}'")[ends];

// The file.

/// A declaration with what stands before its keyword; no value where it has an error.
struct Item {
  std::string doc;
  std::vector<ast::Annotation> annotations;
  std::optional<ast::Declaration> declaration;
};

struct declaration_id {
  /// Reports the error and moves on to the next declaration.
  template <typename Context>
  x3::error_handler_result on_error(Cursor& first, const Cursor&,
                                    const x3::expectation_failure<Cursor>& failure, const Context& context) {
    Session& session = x3::get<Session>(context);
    const auto* own = dynamic_cast<const SyntaxError*>(&failure);
    session.diagnostics.push_back(own ? own->diagnostic
                                      : unexpected(failure.which(), failure.where(), session.declaration));
    first = std::max(failure.where(), session.declaration + 1);
    while (first < session.end && (!first->leads || session.diagnostics.size() >= max_errors))
      ++first;
    return x3::error_handler_result::accept;
  }
};

const x3::rule<class file_id, ast::File> file{"a file"};
const x3::rule<declaration_id, Item> declaration{"a declaration"};

const auto starts_here = [](auto& context) {
  x3::get<Session>(context).declaration = x3::_where(context).begin();
};
const auto finish = [](auto& context) {
  Item& item = x3::_val(context);
  auto& built = x3::_attr(context);
  using Built = std::decay_t<decltype(built)>;
  if constexpr (!std::is_same_v<Built, ast::ImportDecl>) built.doc = std::move(item.doc);
  if constexpr (std::is_same_v<Built, ast::EventDecl> || std::is_same_v<Built, ast::RuleDecl>) {
    built.annotations = std::move(item.annotations);
  } else if (!item.annotations.empty()) {
    Diagnostic wrong{
        Severity::error, item.annotations.front().span, "an annotation stands before 'event' or 'rule'", {}};
    throw SyntaxError(last_token(context), std::move(wrong));
  }
  item.declaration = std::move(built);
};
const auto keep = [](auto& context) {
  if (auto& read = x3::_attr(context).declaration) x3::_val(context).declarations.push_back(std::move(*read));
};
/// A doc comment may also stand between annotations and keyword.
const auto later_doc = [](auto& context) {
  Item& item = x3::_val(context);
  if (!item.annotations.empty() && !x3::_attr(context).empty()) {
    item.doc += (item.doc.empty() ? "" : "\n") + x3::_attr(context);
  }
};

const auto declaration_def =
    x3::eps[starts_here] >> doc[set(&Item::doc)] >> *annotation[push(&Item::annotations)] >> doc[later_doc] >>
    (event[finish] | rule[finish] | param[finish] | import_file[finish] | table[finish] | test[finish] |
     (x3::eps > word_of(declaration_words, "a declaration: event, param, import, table, rule or test")));

const auto file_end = sight([](Cursor token) { return token->kind == Token::Kind::end; });
const auto file_def = *(!file_end >> declaration[keep]);

BOOST_SPIRIT_DEFINE(type, annotation, field, event, param, import_file, table, from_item, key_part, key,
                    within, skip, emit_field, emit, rule, declaration, file)

}  // namespace grammar

Parsed parse(const SourceMap& sources, std::uint32_t file) {
  Parsed parsed;
  std::vector<Token> tokens = lexical::tokenize(sources.files[file].text, file);
  mark(tokens);
  Cursor first = tokens.data();
  const Cursor end = first + tokens.size() - 1;
  namespace x3 = boost::spirit::x3;
  grammar::Session session{parsed.diagnostics, end};
  x3::parse(first, end, x3::with<grammar::Session>(session)[grammar::file], parsed.file);
  return parsed;
}

}  // namespace tocsin::dsl
