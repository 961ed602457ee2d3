// What `tocsin top` and logs say of connections.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::connectors::net {

/// One connection as an operator sees it.
struct ConnectionInfo {
  std::uint64_t id = 0;
  std::string peer;
  std::string client;
  std::string_view form;  // "opening", "frames", "ring", "lines", "closing"
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t events = 0;
  std::uint64_t rejected = 0;
  bool subscribed = false;
  std::uint64_t matches = 0;  // put into its queue
  std::uint64_t dropped = 0;
  std::uint64_t queued_bytes = 0;
};

}  // namespace tocsin::connectors::net
