// The service's log: a sentence and named values a line, as text or as JSON. Whoever logs only hands the line
// over; a thread of the log's own writes it, and where it can't keep up the oldest lines go. What a peer can
// cause goes through a RateLimit, so that nobody fills a disk from outside.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "service/config.hpp"

namespace spdlog {
class logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace tocsin::service {

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::uint64_t, double> value;

  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, std::uint64_t v) : name(n), value(v) {}
  LogField(std::string_view n, double v) : name(n), value(v) {}
};

class Log {
 public:
  using Fields = std::initializer_list<LogField>;
  static constexpr std::size_t waiting_lines = 8192;

  /// Throws std::runtime_error where the file can't be opened.
  explicit Log(const LogConfig& config);
  ~Log() { close(); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// What is below goes nowhere.
  LogLevel level() const { return level_; }

  // From any thread. The views need live for the call only.
  void debug(std::string_view message, Fields fields = {}) { write(LogLevel::debug, message, fields); }
  void info(std::string_view message, Fields fields = {}) { write(LogLevel::info, message, fields); }
  void warning(std::string_view message, Fields fields = {}) { write(LogLevel::warning, message, fields); }
  void error(std::string_view message, Fields fields = {}) { write(LogLevel::error, message, fields); }
  void write(LogLevel level, std::string_view message, Fields fields);

  /// Writes what is waiting; what comes later goes nowhere.
  void close();

  /// Opens the file anew, which may have been moved away. Keeps the old one where that fails, and says so.
  void reopen();

 private:
  std::shared_ptr<spdlog::logger> make() const;

  const LogConfig config_;
  const LogLevel level_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::logger> logger_;  // by std::atomic_load
};

/// One line as it is written, without its end: for tests.
std::string render(LogFormat format, std::int64_t time_ns, LogLevel level, std::string_view message,
                   Log::Fields fields);

/// Lets a few through at once and then some a second; counts the others. One thread.
class RateLimit {
 public:
  RateLimit(double burst, double per_second) : burst_(burst), per_second_(per_second), tokens_(burst) {}

  /// True where one more may pass at `now_ns` (steady).
  bool pass(std::int64_t now_ns);
  /// How many did not since this was last asked.
  std::uint64_t take_suppressed() { return std::exchange(suppressed_, 0); }

 private:
  double burst_;
  double per_second_;
  double tokens_;
  std::int64_t last_ns_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace tocsin::service
