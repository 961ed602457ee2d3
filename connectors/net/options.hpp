// What a server is told at its start, and what it tells of its connections.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "connectors/bad_records.hpp"
#include "connectors/decoder.hpp"
#include "connectors/net/address.hpp"
#include "connectors/net/limits.hpp"
#include "connectors/net/tls.hpp"
#include "connectors/wire/handshake.hpp"
#include "engine/base/idle.hpp"

namespace tocsin::connectors::net {

struct ListenOptions {
  Address address = {};
  std::shared_ptr<const TlsContext> tls = {};  // null: plain; a Unix socket always is
  std::shared_ptr<const Token> token = {};     // null: none is asked for
  bool insecure = false;  // a public address may be without TLS, or without token and client certificate
  unsigned mode = 0600;   // of a Unix socket
  bool any_user = false;  // of a Unix socket: not only the server's user and root
};

/// For logs: what has come of a connection. The views live as long as the call.
struct ConnectionNote {
  enum class What : std::uint8_t { opened, subscribed, refused, closed };
  What what = What::opened;
  std::uint64_t connection = 0;
  std::string_view peer;     // `127.0.0.1:52114`, `pid 812`
  std::string_view client;   // the name that it gave; empty before
  std::string_view code;     // of a refusal
  std::string_view message;  // a sentence, where there is one
};

struct ServerOptions {
  NetLimits limits;
  wire::Policy slow_subscriber = wire::Policy::drop_oldest;  // where SUBSCRIBE names none
  Idle idle = Idle::park;                                    // spin, yield: run_once() never sleeps
  Clock clock = system_clock_ns;                             // arrival time of events without a time
  BadRecordReport bad_record = {};                           // of bad events and lines; may be empty
  Output* dead_letters = nullptr;                            // where bad lines go
  std::function<void(const ConnectionNote&)> note = {};      // may be empty
};

}  // namespace tocsin::connectors::net
