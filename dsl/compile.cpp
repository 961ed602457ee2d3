// The driver, a list of passes: load (read and parse every file), resolve (events and params), lower (rules,
// then tests). All passes run whatever the ones before have found, so that one run shows all mistakes; a plan
// comes out only where there are none. Tested in tests/dsl/compile_*_test.cpp.
#include "dsl/compile.hpp"

#include <deque>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sstream>

#include "dsl/lower.hpp"
#include "dsl/parse.hpp"
#include "dsl/resolve.hpp"

namespace tocsin::dsl {

namespace {

namespace fs = std::filesystem;

using Reader = std::function<std::optional<std::string>(const std::string&)>;

std::optional<std::string> read_from_disk(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  // A directory opens, but does not read; an empty file reads, but sets failbit on `text`.
  if (!in || in.peek() == std::ifstream::traits_type::eof()) {
    std::error_code failed;
    if (in && fs::is_regular_file(path, failed)) return "";
    return std::nullopt;
  }
  text << in.rdbuf();
  if (in.bad() || text.fail()) return std::nullopt;
  return std::move(text).str();
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// What follows the words that declare something. Of a text that did not parse, these names may be declared
// by what was lost, and are no news as unknown names.
void collect_suspects(std::string_view text, std::set<std::string, std::less<>>& out) {
  bool declares = false;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_word(text[i])) {
      declares = declares && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r');
      ++i;
      continue;
    }
    const auto begin = i;
    while (i < text.size() && is_word(text[i]))
      ++i;
    const auto word = text.substr(begin, i - begin);
    if (declares) out.emplace(word);
    declares = word == "event" || word == "param" || word == "table" || word == "emit";
  }
}

class Loader {
 public:
  Loader(Compiled& compiled, Reader reader) : compiled_(compiled), reader_(std::move(reader)) {}

  /// A file that the user named.
  void load_root(const std::string& path) {
    const auto known = numbers_.find(key_of(path));
    if (known != numbers_.end()) declarations_.imported_files.erase(known->second);
    if (!load(path, false)) {
      const auto file = add_source(path, "");
      error({file, 0, 0}, fmt::format("cannot read '{}'", path));
      declarations_.incomplete = true;
    }
  }

  void load_text(std::string name, std::string text) {
    numbers_.emplace(key_of(name), 0);
    add_file(add_source(std::move(name), std::move(text)), false);
  }

  const Declarations& declarations() const { return declarations_; }

 private:
  struct Open {  // a file half-way through its declarations
    const ast::File* file;
    std::uint32_t number;
    std::size_t next = 0;
  };

  static std::string key_of(const std::string& path) {
    std::error_code failed;
    const auto absolute = fs::absolute(path, failed).lexically_normal();
    const auto whole = fs::weakly_canonical(absolute, failed);
    return failed ? absolute.string() : whole.string();
  }

  void error(Span span, std::string message) {
    compiled_.diagnostics.push_back({Severity::error, span, std::move(message), {}});
  }

  std::uint32_t add_source(std::string name, std::string text) {
    compiled_.sources.files.push_back({std::move(name), std::move(text)});
    return static_cast<std::uint32_t>(compiled_.sources.files.size() - 1);
  }

  /// False where the file can't be read. True also where it has been loaded before.
  bool load(const std::string& path, bool imported) {
    const auto key = key_of(path);
    if (numbers_.count(key) > 0) return true;
    auto text = reader_(path);
    if (!text) return false;
    const auto number = add_source(path, std::move(*text));
    numbers_.emplace(key, number);
    add_file(number, imported);
    return true;
  }

  // Imports may be nested as deep as there are files, so the files under way are a list and not a recursion.
  void add_file(std::uint32_t number, bool imported) {
    const bool outermost = open_.empty();
    parse_file(number, imported);
    if (!outermost) return;
    while (!open_.empty()) {
      Open& top = open_.back();
      if (top.next == top.file->declarations.size()) {
        open_.pop_back();
      } else {
        add_declaration(top.file->declarations[top.next++], top.number);
      }
    }
  }

  void parse_file(std::uint32_t number, bool imported) {
    Parsed parsed = parse(compiled_.sources, number);
    auto& diagnostics = compiled_.diagnostics;
    if (has_errors(parsed.diagnostics)) {
      collect_suspects(compiled_.sources.files[number].text, declarations_.suspect);
    }
    diagnostics.insert(diagnostics.end(), parsed.diagnostics.begin(), parsed.diagnostics.end());
    files_.push_back(std::move(parsed.file));
    open_.push_back({&files_.back(), number, 0});
    if (imported) declarations_.imported_files.insert(number);
  }

  void add_declaration(const ast::Declaration& declaration, std::uint32_t number) {
    if (const auto* param = std::get_if<ast::ParamDecl>(&declaration)) declarations_.params.push_back(param);
    if (const auto* event = std::get_if<ast::EventDecl>(&declaration)) declarations_.events.push_back(event);
    if (const auto* rule = std::get_if<ast::RuleDecl>(&declaration)) declarations_.rules.push_back(rule);
    if (const auto* test = std::get_if<ast::TestDecl>(&declaration)) declarations_.tests.push_back(test);
    if (const auto* table = std::get_if<ast::TableDecl>(&declaration)) declarations_.tables.push_back(table);
    const auto* import = std::get_if<ast::ImportDecl>(&declaration);
    if (import == nullptr) return;
    const fs::path importer = compiled_.sources.files[number].name;
    const auto path = (importer.parent_path() / import->path).lexically_normal().string();
    if (load(path, true)) return;
    error(import->span, fmt::format("cannot read '{}'", path));
    declarations_.incomplete = true;
  }

  Compiled& compiled_;
  const Reader reader_;
  Declarations declarations_;
  std::map<std::string, std::uint32_t> numbers_;  // of the files loaded, by canonical path
  std::deque<ast::File> files_;                   // a deque: declarations point into it
  std::vector<Open> open_;                        // innermost last
};

void compile(Compiled& compiled, const Declarations& declarations, const CompileOptions& options) {
  Symbols symbols(compiled.sources, compiled.diagnostics);
  resolve(symbols, declarations, options.params);
  plan::Plan plan = lower(symbols, declarations);
  auto tests = lower_tests(symbols, declarations, options.params);
  report_unused_params(symbols, declarations);
  if (has_errors(compiled.diagnostics)) return;
  compiled.plan = std::move(plan);
  compiled.tests = std::move(tests);
}

}  // namespace

Compiled compile_files(const std::vector<std::string>& paths, const CompileOptions& options) {
  Compiled compiled;
  Loader loader(compiled, options.read_file ? options.read_file : read_from_disk);
  for (const auto& path : paths)
    loader.load_root(path);
  compile(compiled, loader.declarations(), options);
  return compiled;
}

Compiled compile_text(std::string name, std::string text, const CompileOptions& options) {
  Compiled compiled;
  Loader loader(compiled, options.read_file ? options.read_file : read_from_disk);
  loader.load_text(std::move(name), std::move(text));
  compile(compiled, loader.declarations(), options);
  return compiled;
}

}  // namespace tocsin::dsl
