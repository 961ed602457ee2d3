// A connection as a source of events: opened at its first event, closed when it goes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "connectors/net/shared.hpp"

namespace tocsin::connectors::net {

/// A time that a client asked for, within what makes sense: none negative, at most a year.
constexpr std::int64_t ns_of_ms(std::int64_t ms) {
  return std::clamp<std::int64_t>(ms, 0, 31'536'000'000) * 1'000'000;
}

class ConnectionSource {
 public:
  ConnectionSource(Shared& shared, std::string name) : shared_(shared), name_(std::move(name)) {}
  ~ConnectionSource() { close(); }
  ConnectionSource(const ConnectionSource&) = delete;
  ConnectionSource& operator=(const ConnectionSource&) = delete;

  void name(std::string name) { name_ = std::move(name); }
  /// Hands the events of `batch` on. False where there can be no more sources; then `batch` is as it was.
  bool take(model::EventBatch& batch);
  /// The same of a watermark.
  bool advance(std::int64_t time_ns);
  void close();

  bool is_open() const { return id_.has_value(); }
  std::uint64_t events() const { return events_; }

  /// Silent for so long, it is to hold event time back no longer; 0: never. Before its first event.
  void set_idle_timeout(std::int64_t ns) { idle_timeout_ns_ = ns; }

 private:
  bool open();

  Shared& shared_;
  std::string name_;
  std::optional<std::uint16_t> id_;
  std::uint64_t events_ = 0;
  std::optional<std::int64_t> idle_timeout_ns_;
};

}  // namespace tocsin::connectors::net
