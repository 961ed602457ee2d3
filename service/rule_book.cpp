#include "service/rule_book.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "engine/plan/continuation.hpp"

namespace tocsin::service {
namespace {

// Stands before the names of added texts, where files have their paths.
constexpr std::string_view added_prefix = "added:";

std::optional<std::string> read_disk(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  if (in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  if (in.bad() || text.fail()) return std::nullopt;
  return std::move(text).str();
}

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 200 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

std::vector<std::string> files_of(const dsl::SourceMap& sources) {
  std::vector<std::string> files;
  for (const dsl::SourceFile& file : sources.files) {
    if (!file.name.starts_with(added_prefix)) files.push_back(file.name);
  }
  return files;
}

}  // namespace

RuleBook::RuleBook(std::vector<std::string> paths, Params params, const dsl::SourceMap& sources,
                   std::shared_ptr<const plan::Plan> plan, std::size_t table_rows, TableFiles::Tell tell)
    : paths_(std::move(paths)),
      params_(std::move(params)),
      table_rows_(table_rows),
      tell_(std::move(tell)),
      plan_(std::move(plan)) {
  watch(files_of(sources));
}

RuleBook::Attempt RuleBook::attempt(const RuleChange& change) const {
  Attempt attempt;
  attempt.added = added_;
  if (change.kind == RuleChange::Kind::add) {
    if (!is_name(change.name)) {
      attempt.message = fmt::format("'{}' is no name: letters, digits, and . _ - are", change.name);
      return attempt;
    }
    attempt.added[change.name] = change.text;
  }
  if (change.kind == RuleChange::Kind::remove && attempt.added.erase(change.name) == 0) {
    attempt.message =
        fmt::format("nothing was added under the name '{}'; rules of files go by reload", change.name);
    return attempt;
  }
  std::vector<std::string> paths = paths_;
  for (const auto& [name, text] : attempt.added)
    paths.push_back(std::string(added_prefix) + name);
  dsl::CompileOptions options;
  options.params = params_;
  options.read_file = [&](const std::string& path) -> std::optional<std::string> {
    if (!path.starts_with(added_prefix)) return read_disk(path);
    const auto at = attempt.added.find(path.substr(added_prefix.size()));
    return at == attempt.added.end() ? std::nullopt : std::optional(at->second);
  };
  dsl::Compiled compiled = dsl::compile_files(paths, options);
  attempt.message = dsl::render(compiled.diagnostics, compiled.sources);
  attempt.files = files_of(compiled.sources);
  if (!compiled.plan) return attempt;
  std::shared_ptr<const plan::Plan> plan;
  try {
    plan = std::make_shared<const plan::Plan>(plan::continued(*plan_, std::move(*compiled.plan)));
  } catch (const std::runtime_error& error) {
    attempt.message = error.what();
    return attempt;
  }
  attempt.tables = std::make_shared<TableFiles>(plan, table_rows_, tell_, tell_);
  const std::vector<std::string> problems = attempt.tables->read_all();
  if (problems.empty()) {
    attempt.plan = std::move(plan);
  } else {
    attempt.message = fmt::format("{}", fmt::join(problems, "\n"));
  }
  return attempt;
}

void RuleBook::keep(Attempt attempt) {
  plan_ = std::move(attempt.plan);
  added_ = std::move(attempt.added);
  watch(attempt.files);
}

// Files that were watched already go on from what was seen of them: a change during the compilation is one.
void RuleBook::watch(const std::vector<std::string>& files) {
  for (auto at = watches_.begin(); at != watches_.end();) {
    const bool gone = std::find(files.begin(), files.end(), at->first) == files.end();
    at = gone ? watches_.erase(at) : std::next(at);
  }
  watch_also(files);
}

void RuleBook::watch_also(const std::vector<std::string>& files) {
  for (const std::string& file : files)
    watches_.try_emplace(file, file);
}

bool RuleBook::files_have_changed() {
  bool changed = false;
  for (auto& [path, watch] : watches_)
    changed = watch.has_changed() || changed;
  return changed;
}

}  // namespace tocsin::service
