// Random patterns over the schema of the random cases: steps and their conditions, edges, loops, groups.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/oracle/generator.hpp"

namespace tocsin::oracle {

/// A step that later conditions, `where` and `emit` may name.
struct Named {
  std::string name;
  std::string type;
  bool repeated = false;
};

/// What a pattern may hold beside steps, edges, alternatives and plain loops. All off in simple rules.
struct Features {
  bool suffixes = false;  // reluctant and possessive loops
  bool until = false;
  bool gaps = false;    // bounds between repeats
  bool bounds = false;  // bounds on edges
  bool nots = false;
  bool groups = false;  // quantifiers on groups, and bounds within them
  bool permutations = false;
  bool any = false;    // `any[…]`
  bool alone = false;  // no condition reads another event than its own
};

class PatternGenerator {
 public:
  /// Steps take events of `types`.
  PatternGenerator(Dice& dice, std::vector<std::string> types, Features features)
      : dice_(dice), types_(std::move(types)), features_(features) {}

  /// A pattern that takes at least one event. Its named steps are then in `visible`.
  PatternText pattern();
  const std::vector<Named>& visible() const { return visible_; }
  void forget() { visible_.clear(); }

  /// A condition over one event of `type`, whose fields are `prefix` and a name.
  std::string about(const std::string& type, const std::string& prefix);
  /// A condition that ties such an event to an earlier step.
  std::string join(const std::string& type, const std::string& prefix, const Named& earlier);
  /// An int expression over a named step's events.
  std::string value_of(const Named& step);
  /// `not T[cond]`; the condition may name the steps seen so far, if it `sees` them.
  std::string negation(bool sees);

 private:
  std::string int_field(const std::string& type);
  std::string own(const std::string& name);
  std::string some_type();

  std::string quantifier();
  std::string until(const PatternText& step);
  std::string edge();
  PatternText step();
  PatternText alternation(int depth);
  PatternText permutation();
  PatternText sequence(int length, int depth);
  PatternText group(int depth);

  Dice& dice_;
  const std::vector<std::string> types_;
  const Features features_;
  std::vector<Named> visible_;
  int steps_ = 0;
  bool in_loop_ = false;                     // inside a group that is repeated
  std::optional<std::size_t> in_any_order_;  // inside a `&`: how many of `visible_` stand before it
};

}  // namespace tocsin::oracle
