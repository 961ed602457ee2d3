// The log: its two forms, what is escaped, and the limit of what peers can cause.
#include "service/log.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

#include "tests/service/support.hpp"

namespace {

using namespace tocsin::service;

constexpr std::int64_t noon_ns = 1'767'268'800'000'000'000 + 1'500;  // 2026-01-01T12:00:00.0000015Z

std::string read_whole(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a line as text and as JSON") {
  CHECK(render(LogFormat::text, noon_ns, LogLevel::info, "listening",
               {{"port", std::uint64_t{7}}, {"at", "a b"}}) ==
        "2026-01-01T12:00:00.000001Z info    listening port=7 at=\"a b\"");
  CHECK(
      render(LogFormat::json, noon_ns, LogLevel::error, "it \"failed\"", {{"why", "a\nb"}, {"share", 0.5}}) ==
      R"({"time":"2026-01-01T12:00:00.000001Z","level":"error","message":"it \"failed\"","why":"a\nb","share":0.5})");
}

TEST_CASE("no value can begin a line of its own") {
  const std::string line = render(LogFormat::text, noon_ns, LogLevel::info, "a\nb",
                                  {{"peer", "x\n2026 info forged"}, {"empty", ""}});
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.ends_with("a b peer=\"x\\n2026 info forged\" empty=\"\""));
}

TEST_CASE("the log goes to its file, from the level on, also to a new one after reopen") {
  const test::Folder folder;
  LogConfig config;
  config.file = folder.path("log");
  config.level = LogLevel::warning;
  {
    Log log(config);
    log.info("left out");
    log.warning("one");
    log.error("two");
  }
  const std::string text = read_whole(config.file);
  CHECK(text.find("left out") == std::string::npos);
  CHECK(text.find("warning one\n") != std::string::npos);
  CHECK(text.find("error   two\n") != std::string::npos);
  {
    Log log(config);
    REQUIRE(std::rename(config.file.c_str(), folder.path("old").c_str()) == 0);
    log.reopen();
    log.warning("three");
  }
  CHECK(read_whole(config.file).find("three") != std::string::npos);
}

TEST_CASE("a log file that can't be opened is an error at the start") {
  LogConfig config;
  config.file = "/proc/no/such/file";
  CHECK_THROWS_AS(Log log(config), std::runtime_error);
}

TEST_CASE("the limit lets a burst through, then some a second, and counts the rest") {
  RateLimit limit(3, 2);
  constexpr std::int64_t second = 1'000'000'000;
  int passed = 0;
  for (int i = 0; i < 10; ++i)
    passed += limit.pass(second) ? 1 : 0;
  CHECK(passed == 3);
  CHECK(limit.take_suppressed() == 7);
  CHECK(limit.pass(second + second / 2));
  CHECK(!limit.pass(second + second / 2));
  CHECK(limit.take_suppressed() == 1);
}
