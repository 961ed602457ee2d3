#include "tester/junit.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace tocsin::tester {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      case '\t': out += "&#9;"; break;
      case '\r': out += "&#13;"; break;
      default: {
        const bool is_control = static_cast<unsigned char>(c) < 0x20;
        out += is_control ? "\xEF\xBF\xBD" : std::string(1, c);
      }
    }
  }
  return out;
}

std::string case_text(const Result& result) {
  const std::string head =
      fmt::format("    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.6f}\"",
                  escaped(result.file), escaped(result.test->name), escaped(result.file), result.place.line,
                  result.elapsed.count());
  if (result.passed()) return head + "/>\n";
  std::string out = head + ">\n";
  for (const auto& failure : result.failures) {
    // Line ends are kept as they are in an element's text.
    std::string text;
    for (const std::string& line : failure)
      text += escaped(line) + "\n";
    out += fmt::format("      <failure message=\"{}\">{}</failure>\n", escaped(failure.front()), text);
  }
  return out + "    </testcase>\n";
}

struct Totals {
  std::size_t tests = 0;
  std::size_t failures = 0;
  double seconds = 0;

  void add(const Result& result) {
    ++tests;
    failures += !result.passed();
    seconds += result.elapsed.count();
  }
  std::string text() const {
    return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{:.6f}\"", tests, failures, seconds);
  }
};

}  // namespace

std::string junit_text(const std::vector<Result>& results) {
  std::vector<std::string> files;
  Totals all;
  for (const Result& result : results) {
    if (std::find(files.begin(), files.end(), result.file) == files.end()) files.push_back(result.file);
    all.add(result);
  }
  std::string out = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {}>\n", all.text());
  for (const std::string& file : files) {
    Totals suite;
    std::string cases;
    for (const Result& result : results) {
      if (result.file != file) continue;
      suite.add(result);
      cases += case_text(result);
    }
    out +=
        fmt::format("  <testsuite name=\"{}\" {}>\n{}  </testsuite>\n", escaped(file), suite.text(), cases);
  }
  return out + "</testsuites>\n";
}

}  // namespace tocsin::tester
