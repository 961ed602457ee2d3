// Where a server listens: `tcp:HOST:PORT` or `unix:PATH`, and sockets made of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/net/descriptor.hpp"

namespace tocsin::connectors::net {

struct Address {
  enum class Kind : std::uint8_t { tcp, unix_path };
  Kind kind = Kind::tcp;
  std::string host;  // a name or number; IPv6 without brackets
  std::uint16_t port = 0;
  std::string path;  // of a Unix socket

  /// `tcp:127.0.0.1:7001`, `tcp:[::1]:7001`, `unix:/run/tocsin.sock`.
  std::string text() const;
};

struct ParsedAddress {
  Address address;
  std::string error;  // a sentence, where it is none
};

/// `tcp:HOST:PORT`, `tcp://HOST:PORT`, `unix:PATH`, `unix://PATH`. Port 0: the system picks one.
ParsedAddress parse_address(std::string_view text);

/// Why an address that other machines reach may not be listened at without more; empty where it may be. With
/// `tls` peers can't be overheard, with `knows_clients` (a token, or client certificates) not everybody is
/// let in.
std::string why_unsafe(const Address& address, bool tls, bool knows_clients);

struct Listening {
  Descriptor fd;           // non-blocking
  Address address;         // with the port that was picked
  bool is_public = false;  // reached from other machines
  std::string error;       // a sentence, where it failed
};

/// Binds and listens. A Unix socket gets `mode` before anyone can connect; the file of one that nobody
/// answers any more is replaced, any other file is not. A host name is looked up, which may block: for start
/// only.
Listening listen_at(const Address& address, unsigned mode = 0600);

}  // namespace tocsin::connectors::net
