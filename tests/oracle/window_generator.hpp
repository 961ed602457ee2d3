// Random rules with windows and thresholds over the schema of the random cases.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/oracle/generator.hpp"

namespace tocsin::oracle {

class WindowGenerator {
 public:
  /// Rules read events of `types`. Windows are up to about five seconds or events wide, times `scale`.
  WindowGenerator(Dice& dice, std::vector<std::string> types, int scale = 1)
      : dice_(dice), types_(std::move(types)), scale_(scale) {}

  /// A rule with a window, or with `when` alone. It looks at the window of `other`, where one is given.
  RuleText rule(int number, const std::optional<RuleText>& other);

 private:
  void from(RuleText& rule);
  void window(RuleText& rule);
  void threshold(RuleText& rule);
  void emit(RuleText& rule, int number);

  int number(int below);
  std::string field();
  std::string value();
  std::string or_text(const std::string& value);
  std::string int_aggregate();
  std::string float_comparison();
  std::string array_or_other();
  std::string condition(const RuleText& rule, int depth);
  std::string comparison(const RuleText& rule);

  Dice& dice_;
  const std::vector<std::string> types_;
  const int scale_;
  bool derived_ = false;  // some of the events are, which have fewer fields
};

}  // namespace tocsin::oracle
