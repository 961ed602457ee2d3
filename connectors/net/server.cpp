// The rounds: what is done in which order, so that an event that has come is matched, and its match written,
// in one round.
#include "connectors/net/server.hpp"

#include <algorithm>
#include <sched.h>
#include <sys/epoll.h>
#include <utility>

#include "connectors/net/connection.hpp"
#include "connectors/net/listener.hpp"
#include "connectors/net/shared.hpp"
#include "connectors/wire/ring.hpp"

namespace tocsin::connectors::net {

struct Server::Impl {
  Impl(Poller& poller, MatchHub& hub, EventTaker& taker, const ServerOptions& options)
      : shared(poller, hub, taker, options) {}

  Shared shared;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<Address> addresses;
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<Connection*> turns;  // of this round
  std::int64_t drain_deadline_ns = INT64_MAX;
  bool worked = false;           // in the last round
  std::int64_t ring_ran_ns = 0;  // when a ring last had something

  void wait(std::int64_t timeout_ns);
  bool run_ready();
  bool run_rings();
  void end_reached();
  void write_all();
  void sweep();
};

Server::Server(Poller& poller, MatchHub& hub, EventTaker& taker, const ServerOptions& options)
    : impl_(std::make_unique<Impl>(poller, hub, taker, options)) {}

Server::~Server() = default;

std::string Server::listen(const ListenOptions& options) {
  auto listener = Listener::open(impl_->shared, options, [this](std::unique_ptr<Connection> connection) {
    impl_->connections.push_back(std::move(connection));
    impl_->shared.connections = impl_->connections.size();
  });
  if (!listener) return listener.error;
  impl_->addresses.push_back(listener->address());
  impl_->listeners.push_back(std::move(listener.value));
  return {};
}

const std::vector<Address>& Server::addresses() const {
  return impl_->addresses;
}

bool Server::run_once(std::int64_t timeout_ns) {
  Impl& impl = *impl_;
  impl.write_all();  // what came from elsewhere since
  impl.wait(timeout_ns);
  impl.worked = impl.shared.hub.distribute() > 0;
  impl.end_reached();
  impl.write_all();  // may end a block, so that events can be taken in this round
  impl.worked |= impl.run_ready();
  impl.worked |= impl.run_rings();
  impl.write_all();
  if (impl.shared.draining && impl.shared.now_ns() >= impl.drain_deadline_ns) {
    for (const auto& connection : impl.connections) {
      if (!connection->input_stopped()) ++impl.shared.counters.inputs_cut;
      connection->stop_input();
    }
  }
  impl.sweep();
  return impl.worked;
}

/// Looks at the poller; sleeps there only where nothing is left to do.
void Server::Impl::wait(std::int64_t timeout_ns) {
  Poller& poller = shared.poller;
  const bool takes_events = !shared.must_hold();
  const bool to_do = worked || shared.hub.can_distribute() || (takes_events && !shared.ready.empty());
  if (to_do || timeout_ns == 0 || shared.options.idle != Idle::park) {
    if (!to_do && shared.options.idle == Idle::yield) ::sched_yield();
    // Where a ring is busy, asking for sockets would take longer than all else in a round.
    const bool ring_is_busy = !shared.with_ring.empty() && poller.now_ns() - ring_ran_ns < 100'000;
    ring_is_busy ? poller.poll_every(2'000) : poller.poll(0);
    return;
  }
  bool may_sleep = true;
  const auto& rings = shared.with_ring;
  if (!rings.empty()) {
    for (const Connection* connection : rings)
      connection->session()->begin_wait();
    wire::wait_barrier();
    for (const Connection* connection : rings)
      may_sleep &= connection->session()->may_sleep(takes_events);
  }
  poller.poll(may_sleep ? timeout_ns : 0);
  for (const Connection* connection : rings)
    connection->session()->end_wait();
}

bool Server::Impl::run_ready() {
  bool any = false;
  turns.clear();
  std::swap(turns, shared.ready);
  for (Connection* connection : turns)
    connection->in_turn = false;
  for (Connection* connection : turns) {
    any |= connection->run();
    if (connection->wants_turn()) connection->take_turn();
  }
  return any;
}

bool Server::Impl::run_rings() {
  bool any = false;
  for (Connection* connection : shared.with_ring) {
    if (!connection->rests()) any |= connection->session()->run_ring();
    if (!connection->outbox().empty()) connection->has_output();
  }
  if (any) ring_ran_ns = shared.now_ns();
  return any;
}

void Server::Impl::end_reached() {
  std::erase_if(shared.ending,
                [](Connection* connection) { return connection->session()->end_if_reached(); });
}

void Server::Impl::write_all() {
  for (std::size_t i = 0; i < shared.with_output.size(); ++i) {  // writing may add others
    shared.with_output[i]->with_output = false;
    shared.with_output[i]->write();
  }
  shared.with_output.clear();
}

void Server::Impl::sweep() {
  const auto gone = [](const auto& connection) { return connection->is_gone(); };
  if (std::erase_if(connections, gone) > 0) shared.connections = connections.size();
}

bool Server::is_blocked() const {
  return impl_->shared.must_hold();
}

void Server::rules_changed() {
  impl_->end_reached();  // they have nothing to do with the new ones
  impl_->shared.take_rules();
  for (const auto& connection : impl_->connections)
    connection->rules_changed();
}

void Server::drain(std::int64_t deadline_ns) {
  impl_->shared.draining = true;
  impl_->drain_deadline_ns = deadline_ns;
  impl_->listeners.clear();
  for (const auto& connection : impl_->connections) {
    connection->on_ready(EPOLLIN);
    if (connection->is_ending()) connection->stop_input();
  }
}

bool Server::input_drained() const {
  return std::all_of(impl_->connections.begin(), impl_->connections.end(),
                     [](const auto& connection) { return connection->input_stopped(); });
}

void Server::finish() {
  impl_->shared.hub.distribute_all();
  impl_->end_reached();
  for (const auto& connection : impl_->connections)
    connection->finish(wire::code::shutdown, "the server stops");
}

bool Server::drained() const {
  return impl_->connections.empty();
}

std::uint64_t Server::unsent_matches() const {
  std::uint64_t count = impl_->shared.counters.matches_unsent;
  for (const auto& connection : impl_->connections)
    count += connection->outbox().waiting_matches();
  return count;
}

Counters Server::counters() const {
  Counters counters = impl_->shared.counters;
  counters.connections = impl_->connections.size();
  counters.blocked = impl_->shared.hub.is_full();
  for (const auto& connection : impl_->connections) {
    const Session* session = connection->session();
    const Outbox& outbox = connection->outbox();
    counters.queued_bytes += outbox.queued_bytes();
    if (!connection->is_gone()) {
      counters.matches_out += outbox.matches();
      counters.matches_dropped += outbox.dropped();
    }
    if (!connection->is_open()) {
      ++counters.closing;
    } else if (session == nullptr || session->is_handshaking()) {
      ++counters.handshaking;
    } else if (session->has_ring()) {
      ++counters.ring_clients;
    } else if (session->form() == "lines") {
      ++counters.line_clients;
    } else {
      ++counters.frame_clients;
    }
  }
  return counters;
}

std::vector<ConnectionInfo> Server::connections() const {
  std::vector<ConnectionInfo> infos;
  for (const auto& connection : impl_->connections)
    infos.push_back(connection->info());
  return infos;
}

}  // namespace tocsin::connectors::net
