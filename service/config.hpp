// Every setting of a run, with its default. settings.hpp says how each is called and read; the layers that it
// may come from are in layers.hpp. Secrets are never among them: only the files that hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "connectors/net/limits.hpp"
#include "connectors/net/server.hpp"
#include "connectors/net/tls.hpp"
#include "connectors/wire/handshake.hpp"
#include "engine/runtime/engine.hpp"
#include "service/inputs.hpp"
#include "service/match_output.hpp"

namespace tocsin::service {

enum class StatsForm : std::uint8_t { none, table, json };
enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

struct NetConfig {
  connectors::net::NetLimits limits;
  connectors::wire::Policy slow_subscriber = connectors::wire::Policy::drop_oldest;
  bool busy_poll = false;  // never sleep while waiting for sockets
  bool insecure = false;   // a public address without TLS, or without token and client certificate
  std::string token_file;
  connectors::net::TlsFiles tls;
};

struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::string file;    // empty: stderr
  bool quiet = false;  // nothing below an error, whatever the level
};

struct Config {
  std::vector<std::string> rules;
  std::vector<std::pair<std::string, std::string>> params;
  InputOptions input;
  std::string dead_letter;
  std::string late_output;  // where late events go
  std::int64_t lateness_ns = 0;
  std::int64_t source_idle_ns = 1'000'000'000;  // of a connection; 0: it holds event time back for ever
  OutputOptions output;
  StatsForm stats = StatsForm::none;
  runtime::EngineOptions engine;

  std::vector<std::string> listen;  // addresses; none: no service, but a run that ends with its inputs
  NetConfig net;
  std::string control;  // path of the control socket
  std::string metrics;  // address
  bool metrics_public = false;
  std::string ready_file;
  bool watch_rules = false;
  std::int64_t drain_ns = 10'000'000'000;
  LogConfig log;

  bool is_service() const { return !listen.empty(); }
};

}  // namespace tocsin::service
