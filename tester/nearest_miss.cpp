#include "tester/nearest_miss.hpp"

#include "tester/rule_miss.hpp"

namespace tocsin::tester {

namespace {

constexpr int max_depth = 3;  // of rules that feed rules

class Misses {
 public:
  Misses(const plan::Plan& plan, const Record& record, const Show& show)
      : plan_(plan), record_(record), show_(show) {}

  void add_rule(std::uint32_t id, bool at_timeout, const dsl::Expectation& expected, int depth) {
    RuleMiss miss(plan_, id, record_, show_, expected);
    for (std::string& line : miss.lines(at_timeout))
      lines_.push_back(std::string(2 * static_cast<std::size_t>(depth), ' ') + std::move(line));
    // What it waited for may be what another rule did not emit.
    for (const model::EventTypeId type : miss.lacking()) {
      if (depth < max_depth)
        add_type({.type = type, .rule = 0, .fields = {}, .at_ns = {}, .count = {}, .span = {}}, depth + 1);
    }
  }

  void add_type(const dsl::Expectation& expected, int depth) {
    for (std::uint32_t id = 0; id < plan_.rules.size(); ++id) {
      const plan::Rule& rule = plan_.rules[id];
      if (rule.emit && rule.emit->type == *expected.type) add_rule(id, false, expected, depth);
      if (rule.timeout && rule.timeout->type == *expected.type) add_rule(id, true, expected, depth);
    }
  }

  std::vector<std::string> take() { return std::move(lines_); }

 private:
  const plan::Plan& plan_;
  const Record& record_;
  const Show& show_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> nearest_miss(const plan::Plan& plan, const Record& record, const Show& show,
                                      const dsl::Expectation& expected) {
  Misses misses(plan, record, show);
  if (expected.type) {
    misses.add_type(expected, 0);
  } else {
    misses.add_rule(expected.rule, false, expected, 0);
  }
  return misses.take();
}

}  // namespace tocsin::tester
