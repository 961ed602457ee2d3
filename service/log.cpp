#include "service/log.hpp"

#include <algorithm>
#include <array>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <stdexcept>
#include <utility>

#include "connectors/open_source.hpp"
#include "service/json.hpp"

namespace tocsin::service {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};
constexpr std::array<spdlog::level::level_enum, 4> levels{spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err};

std::string time_text(std::int64_t time_ns) {
  const auto seconds = static_cast<std::time_t>(time_ns / 1'000'000'000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(seconds), time_ns % 1'000'000'000 / 1'000);
}

// Plain where that is clear, else as JSON text.
void append_text(fmt::memory_buffer& out, std::string_view text) {
  const auto is_plain = [](char c) { return c > ' ' && c != '"' && c != '\\' && c != '=' && c != 0x7f; };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) {
    out.append(text);
  } else {
    connectors::append_json_string(out, text);
  }
}

}  // namespace

std::string render(LogFormat format, std::int64_t time_ns, LogLevel level, std::string_view message,
                   Log::Fields fields) {
  const std::string_view level_name = level_names[static_cast<std::size_t>(level)];
  if (format == LogFormat::json) {
    Json json;
    json.object().field("time", time_text(time_ns)).field("level", level_name).field("message", message);
    for (const LogField& field : fields)
      std::visit([&](const auto& value) { json.field(field.name, value); }, field.value);
    return json.end_object().text();
  }
  fmt::memory_buffer out;
  fmt::format_to(std::back_inserter(out), "{} {:<7} ", time_text(time_ns), level_name);
  for (const char c : message)
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  for (const LogField& field : fields) {
    fmt::format_to(std::back_inserter(out), " {}=", field.name);
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      append_text(out, *text);
    } else {
      std::visit(
          [&](const auto& value) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, std::string_view>)
              fmt::format_to(std::back_inserter(out), "{}", value);
          },
          field.value);
    }
  }
  return fmt::to_string(out);
}

Log::Log(const LogConfig& config)
    : config_(config),
      level_(config.quiet ? LogLevel::error : config.level),
      pool_(std::make_shared<spdlog::details::thread_pool>(waiting_lines, 1)) {
  try {
    logger_ = make();
  } catch (const spdlog::spdlog_ex& error) {
    throw std::runtime_error(fmt::format("log.file: {}", error.what()));
  }
}

void Log::close() {
  std::atomic_store(&logger_, std::shared_ptr<spdlog::logger>());
  pool_.reset();  // its end writes what is waiting
}

std::shared_ptr<spdlog::logger> Log::make() const {
  spdlog::sink_ptr sink;
  if (config_.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config_.file);
  }
  auto logger = std::make_shared<spdlog::async_logger>("tocsin", std::move(sink), pool_,
                                                       spdlog::async_overflow_policy::overrun_oldest);
  logger->set_pattern("%v");
  logger->set_level(levels[static_cast<std::size_t>(level_)]);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

void Log::write(LogLevel level, std::string_view message, Fields fields) {
  if (level < level_) return;
  const auto logger = std::atomic_load(&logger_);
  if (!logger) return;
  logger->log(
      levels[static_cast<std::size_t>(level)],
      spdlog::string_view_t(render(config_.format, connectors::system_clock_ns(), level, message, fields)));
}

void Log::reopen() {
  if (config_.file.empty()) return;
  try {
    std::atomic_store(&logger_, make());
  } catch (const spdlog::spdlog_ex& failure) {
    error("the log file can't be opened anew", {{"reason", std::string_view(failure.what())}});
  }
}

bool RateLimit::pass(std::int64_t now_ns) {
  if (last_ns_ != 0)
    tokens_ = std::min(burst_, tokens_ + static_cast<double>(now_ns - last_ns_) * 1e-9 * per_second_);
  last_ns_ = now_ns;
  if (tokens_ < 1) {
    ++suppressed_;
    return false;
  }
  tokens_ -= 1;
  return true;
}

}  // namespace tocsin::service
