// Reads, prints and runs test files.
#include "tests/oracle/script.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "connectors/table_rows.hpp"
#include "dsl/compile.hpp"
#include "tests/oracle/json.hpp"

namespace tocsin::oracle {

namespace {

bool starts_with(const std::string& text, const char* prefix) {
  return text.rfind(prefix, 0) == 0;
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

void read_options(const std::string& text, Script& script) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::string value = word.substr(word.find('=') + 1);
    const auto lateness = parse_duration(value);
    if (starts_with(word, "lateness=") && lateness) {
      script.lateness_ns = *lateness;
    } else if (word == "sources=2" || word == "sources=3") {
      script.sources = unsigned(value[0] - '0');
    } else {
      throw std::runtime_error("unknown option: " + word);
    }
  }
}

std::vector<std::string> errors_of(const dsl::Compiled& compiled) {
  dsl::Diagnostics errors;
  for (const dsl::Diagnostic& each : compiled.diagnostics) {
    if (each.severity == dsl::Severity::error) errors.push_back(each);
  }
  std::stable_sort(errors.begin(), errors.end(), [](const dsl::Diagnostic& a, const dsl::Diagnostic& b) {
    return std::pair(a.span.file, a.span.begin) < std::pair(b.span.file, b.span.begin);
  });
  std::vector<std::string> lines;
  for (const dsl::Diagnostic& each : errors) {
    const auto at = dsl::line_column(compiled.sources.files[each.span.file], each.span.begin);
    lines.push_back(fmt::format("{}:{}: {}", at.line, at.column, each.message));
  }
  return lines;
}

std::string check_errors(const Script& script, const dsl::Compiled& compiled) {
  const auto found = errors_of(compiled);
  if (found == script.errors) return "";
  return fmt::format("expected errors:\n{}\nfound errors:\n{}", fmt::join(script.errors, "\n"),
                     fmt::join(found, "\n"));
}

std::vector<model::EventBatch> read_tables(const Script& script, const plan::Plan& plan) {
  std::vector<model::EventBatch> out(plan.tables.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const plan::Table& table = plan.tables[i];
    if (table.path.empty()) continue;
    const auto content = script.tables.find(table.path);
    if (content == script.tables.end()) throw std::runtime_error("no content for the table " + table.path);
    auto read = connectors::read_table(connectors::memory_input(content->second), table.path, plan.catalog,
                                       table.type, Limits().table_rows);
    if (!read.complete()) throw std::runtime_error(read.problems.front());
    out[i] = std::move(read.rows);
  }
  return out;
}

std::string check_matches(const Script& script, const plan::Plan& plan, const std::vector<Match>& matches) {
  for (std::size_t i = 0; i < std::max(matches.size(), script.matches.size()); ++i) {
    if (i == matches.size()) return "missing: " + script.matches[i];
    if (i == script.matches.size()) return "one too many: " + to_json(matches[i], plan);
    const std::string text = disagreement(script.matches[i], matches[i], plan);
    if (!text.empty())
      return text + ": expected " + script.matches[i] + ", found " + to_json(matches[i], plan);
  }
  return "";
}

std::string check_matcher(const Script& script, const plan::Plan& plan) {
  if (script.matcher.empty()) return "";
  const std::string text = runtime::explain(plan, {});
  if (text.find("matcher: " + script.matcher + " ") != std::string::npos) return "";
  return "the matcher is not " + script.matcher + ":\n" + text;
}

}  // namespace

Script parse_script(const std::string& text) {
  Script script;
  std::string section;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line == "rules:" || line == "events:" || line == "matches:" || line == "errors:") {
      section = line;
    } else if (starts_with(line, "table ") && line.back() == ':') {
      section = line;
    } else if (starts_with(section, "table ")) {
      script.tables[section.substr(6, section.size() - 7)] += line + "\n";
    } else if (section == "rules:") {
      script.rules += line + "\n";
    } else if (trimmed(line).empty()) {
      continue;
    } else if (section == "events:") {
      script.events.push_back(trimmed(line));
    } else if (section == "matches:") {
      script.matches.push_back(trimmed(line));
    } else if (section == "errors:") {
      script.errors.push_back(trimmed(line));
    } else if (starts_with(line, "# ")) {
      script.purpose += (script.purpose.empty() ? "" : "\n") + line.substr(2);
    } else if (starts_with(line, "matcher: ")) {
      script.matcher = trimmed(line.substr(9));
    } else if (starts_with(line, "options: ")) {
      read_options(line.substr(9), script);
    } else {
      throw std::runtime_error("not understood: " + line);
    }
  }
  if (script.rules.empty()) throw std::runtime_error("no rules");
  return script;
}

std::string print(const Script& script) {
  std::string out;
  const auto lines = [&](const char* title, const std::vector<std::string>& each) {
    out += title;
    for (const std::string& line : each)
      out += line + "\n";
  };
  std::istringstream purpose(script.purpose);
  for (std::string line; std::getline(purpose, line);)
    out += "# " + line + "\n";
  if (!script.matcher.empty()) out += "matcher: " + script.matcher + "\n";
  std::string options;
  if (script.lateness_ns > 0) options += fmt::format(" lateness={}ns", script.lateness_ns);
  if (script.sources > 1) options += fmt::format(" sources={}", script.sources);
  if (!options.empty()) out += "options:" + options + "\n";
  out += "rules:\n" + script.rules;
  if (!script.errors.empty()) {
    lines("errors:\n", script.errors);
    return out;
  }
  for (const auto& [path, content] : script.tables)
    out += "table " + path + ":\n" + content;
  lines("events:\n", script.events);
  lines("matches:\n", script.matches);
  return out;
}

std::string check(const Script& script, const std::vector<Setup>& setups) {
  const dsl::Compiled compiled = dsl::compile_text("rules", script.rules);
  if (!compiled.plan && script.errors.empty()) return dsl::render(compiled.diagnostics, compiled.sources);
  if (!compiled.plan || !script.errors.empty()) return check_errors(script, compiled);

  const plan::Plan& plan = *compiled.plan;
  Arrivals arrivals{.events = {}, .lateness_ns = script.lateness_ns, .sources = script.sources};
  for (const std::string& line : script.events)
    read_event(line, plan.catalog, arrivals.events);
  arrivals.tables = read_tables(script, plan);

  const auto stream = processing_order(arrivals);
  const std::string of_oracle =
      check_matches(script, plan, find_matches(plan, stream, max_candidates, arrivals.tables));
  if (!of_oracle.empty()) return "oracle: " + of_oracle;
  const std::string of_engine = difference_under(setups, plan, arrivals);
  return of_engine.empty() ? check_matcher(script, plan) : of_engine;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("can't read " + path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace tocsin::oracle
