package peers;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/** What the workloads of many rules have in common: their numbers are those of bench/reference.cpp. */
final class Rules {
  private Rules() {}

  /** Rule i: symbol = "S{i}" and price > 90 + i mod 10. */
  static List<String> ofSymbols(int count, BiFunction<String, Integer, String> text) {
    List<String> rules = new ArrayList<>();
    for (int i = 0; i < count; ++i) rules.add(text.apply("S" + i, 90 + i % 10));
    return rules;
  }

  /** Rule i: price > 99.02 + 0.00098 i. */
  static List<String> ofThresholds(java.util.function.DoubleFunction<String> text) {
    List<String> rules = new ArrayList<>();
    for (int i = 0; i < 1000; ++i) rules.add(text.apply(99.02 + 0.00098 * i));
    return rules;
  }
}
