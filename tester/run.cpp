#include "tester/run.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "tester/check.hpp"
#include "tester/nearest_miss.hpp"

namespace tocsin::tester {

namespace {

constexpr std::size_t max_shown = 5;  // alerts of one kind

using Lines = std::vector<std::string>;

class Failure {
 public:
  Failure(const dsl::Compiled& compiled, const plan::Plan& plan, const Record& record, const Show& show,
          const Verdict& verdict)
      : compiled_(compiled),
        plan_(plan),
        record_(record),
        show_(show),
        verdict_(verdict),
        expected_(*verdict.expected) {}

  Lines lines() {
    const auto& source = compiled_.sources.files[expected_.span.file];
    const auto [line, column] = dsl::line_column(source, expected_.span.begin);
    out_.push_back(fmt::format("{}:{}:{}: {}", source.name, line, column, text_of(source.text)));
    if (expected_.count) {
      count();
    } else if (!verdict_.fitting.empty()) {
      list("such an alert came, but other expectations need it:", verdict_.fitting);
      nearest();
    } else if (verdict_.others.empty()) {
      nearest();
    } else {
      differences();
    }
    return std::move(out_);
  }

 private:
  // As it is written, in one line.
  std::string text_of(const std::string& source) const {
    std::string out;
    for (std::size_t i = expected_.span.begin; i < expected_.span.end; ++i) {
      const bool is_space = source[i] == ' ' || source[i] == '\n' || source[i] == '\t' || source[i] == '\r';
      if (is_space && (out.empty() || out.back() == ' ')) continue;
      out += is_space ? ' ' : source[i];
    }
    return out;
  }

  std::string alert_text(const Alert& alert) const {
    const std::string what = alert.event ? show_.event(record_.events[*alert.event])
                                         : "a match of " + plan_.rules[alert.rule].name;
    return fmt::format("{} at {}", what, show_.time(alert.at_ns));
  }

  void list(const std::string& head, const std::vector<std::size_t>& alerts) {
    out_.push_back("  " + head);
    for (std::size_t i = 0; i < alerts.size(); ++i) {
      if (i == max_shown) {
        out_.push_back(fmt::format("    … {} more", alerts.size() - max_shown));
        break;
      }
      out_.push_back("    " + alert_text(record_.alerts[alerts[i]]));
    }
  }

  void count() {
    const std::size_t came = verdict_.fitting.size();
    if (came > 0) {
      list(*expected_.count == 0 ? "but there is:" : fmt::format("but {} came:", came), verdict_.fitting);
    } else {
      out_.push_back("  but none came");
    }
    if (came > *expected_.count) return;
    if (!verdict_.others.empty()) list("others of the type:", verdict_.others);
    nearest();
  }

  void nearest() {
    if (verdict_.fitting.empty() && verdict_.others.empty() && !expected_.count)
      out_.push_back("  but none came");
    const Lines miss = nearest_miss(plan_, record_, show_, expected_);
    if (miss.empty()) return;
    out_.push_back("  the nearest miss:");
    for (const std::string& line : miss)
      out_.push_back("    " + line);
  }

  std::size_t differences_of(std::size_t alert) const {
    const auto wrong =
        std::count_if(expected_.fields.begin(), expected_.fields.end(), [&](const dsl::TestField& field) {
          return !has_value(field, record_.alerts[alert], record_, plan_.catalog);
        });
    return static_cast<std::size_t>(wrong) +
           (expected_.at_ns && *expected_.at_ns != record_.alerts[alert].at_ns);
  }

  // The alert that is most like what is expected, field by field, and the others.
  void differences() {
    const std::size_t likest = *std::min_element(
        verdict_.others.begin(), verdict_.others.end(),
        [&](std::size_t a, std::size_t b) { return differences_of(a) < differences_of(b); });
    const Alert& alert = record_.alerts[likest];
    const bool is_late = expected_.at_ns && *expected_.at_ns != alert.at_ns;
    out_.push_back(fmt::format("  but the likest is, at {}{}", show_.time(alert.at_ns),
                               is_late ? fmt::format(" and not at {}:", show_.time(*expected_.at_ns)) : ":"));
    if (alert.event) fields(alert);
    std::vector<std::size_t> rest;
    std::copy_if(verdict_.others.begin(), verdict_.others.end(), std::back_inserter(rest),
                 [&](std::size_t each) { return each != likest; });
    if (!rest.empty()) list("others of the type:", rest);
  }

  void fields(const Alert& alert) {
    const model::EventView event = record_.events[*alert.event];
    const model::EventType& type = plan_.catalog[event.type()];
    for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
      const model::Field& field = type.fields[i];
      const std::string came = show_.value(event.get(field, i), field.type);
      const auto wanted = std::find_if(expected_.fields.begin(), expected_.fields.end(),
                                       [&](const dsl::TestField& each) { return each.field == i; });
      const bool differs =
          wanted != expected_.fields.end() && !has_value(*wanted, alert, record_, plan_.catalog);
      out_.push_back(fmt::format("    {} {}: {}{}", differs ? '!' : ' ', field.name, came,
                                 differs ? ", expected " + show_.value(*wanted, field.type) : ""));
    }
  }

  const dsl::Compiled& compiled_;
  const plan::Plan& plan_;
  const Record& record_;
  const Show& show_;
  const Verdict& verdict_;
  const dsl::Expectation& expected_;
  Lines out_;
};

// `*` stands for any text.
bool is_like(std::string_view text, std::string_view pattern) {
  std::size_t at = 0, star = std::string_view::npos, resume = 0, p = 0;
  while (at < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = at;
    } else if (p < pattern.size() && pattern[p] == text[at]) {
      ++p;
      ++at;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

bool is_chosen(std::string_view name, std::string_view filter) {
  return filter.find('*') == std::string_view::npos ? name.find(filter) != std::string_view::npos
                                                    : is_like(name, filter);
}

Result run_test(const dsl::Compiled& compiled, const dsl::TestBlock& test, Coverage* coverage) {
  const auto started = std::chrono::steady_clock::now();
  const auto& source = compiled.sources.files[test.span.file];
  Result result{&test, source.name, dsl::line_column(source, test.span.begin), {}, {}};
  const plan::Plan& plan = test.plan ? *test.plan : *compiled.plan;
  const Record record = play(plan, test);
  const Show show(plan.catalog, test);
  for (const Verdict& verdict : check(test, record, plan.catalog)) {
    if (!verdict.holds) result.failures.push_back(Failure(compiled, plan, record, show, verdict).lines());
  }
  result.elapsed = std::chrono::steady_clock::now() - started;
  if (coverage != nullptr) coverage->add(plan, record, show);
  return result;
}

}  // namespace tocsin::tester
