// The service that is measured, with one client: what it is sent, and how its answers are taken.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <time.h>

#include "bench/load/link.hpp"
#include "bench/load/server_process.hpp"
#include "bench/load/target.hpp"
#include "dsl/compile.hpp"

namespace tocsin::bench {

constexpr std::size_t flow = 60'000;          // events of a stream
constexpr std::size_t matching_every = 1000;  // of them

/// One filter rule.
dsl::Compiled filter_rule();
/// The events of a stream, as the engine has them and as lines. Those match whose number, from 1, `every`
/// divides.
model::EventBatch ticks_of(const model::Catalog& catalog, std::size_t every = matching_every);
std::string lines_of_ticks();

/// A service, a client of it, and what its process has taken of its core. Once connected it is stopped until
/// there is a Turn.
class Served {
 public:
  Served(const dsl::Compiled& rules, load::Via via, int core, bool busy);

  void connect(const model::Catalog& catalog);
  /// By a socket that takes and gives lines.
  void connect_lines();
  /// Reads lines until so many have come that begin so. False where there are others.
  bool lines_until(std::size_t count, std::string_view begin);

  /// Of the service's process, so far.
  double cpu_ns() const;
  load::ServerProcess& server() { return server_; }
  load::Link& link() { return *link_; }
  int socket() const { return socket_.get(); }

 private:
  const connectors::net::Address& address() const;

  load::ServerProcess server_;
  load::Via via_;
  clockid_t cpu_clock_{};
  std::unique_ptr<load::Link> link_;
  connectors::wire::Descriptor socket_;
  std::string lines_;
};

/// While it exists the service runs.
class Turn {
 public:
  explicit Turn(Served& served) : server_(served.server()) { server_.resume(); }
  ~Turn() { server_.pause(); }

 private:
  load::ServerProcess& server_;
};

}  // namespace tocsin::bench
