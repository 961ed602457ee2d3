// A listening socket: accepts what comes, and pauses where the process has no descriptors left.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>

#include "connectors/net/address.hpp"
#include "connectors/net/connection.hpp"
#include "connectors/net/options.hpp"
#include "connectors/net/poller.hpp"
#include "connectors/net/shared.hpp"

namespace tocsin::connectors::net {

class Listener final : public Pollable {
 public:
  using Accepted = std::function<void(std::unique_ptr<Connection>)>;

  /// Listens, or fails with a sentence. `accepted` gets each connection, those that are refused included.
  static Opened<Listener> open(Shared& shared, const ListenOptions& options, Accepted accepted);
  ~Listener() override;

  const Address& address() const { return address_; }

 private:
  Listener(Shared& shared, const ListenOptions& options, Listening listening, Accepted accepted);

  class Pause final : public Timer {
   public:
    Pause(Poller& poller, Listener& listener) : Timer(poller), listener_(listener) {}

   private:
    void on_time() override { listener_.accept_all(); }
    Listener& listener_;
  };

  void on_ready(std::uint32_t) override { accept_all(); }
  void accept_all();
  void take(Descriptor fd);

  Shared& shared_;
  ListenOptions options_;
  Address address_;
  Descriptor fd_;
  Accepted accepted_;
  Pause pause_;
  dev_t device_ = 0;  // of the file of a Unix socket
  ino_t inode_ = 0;
};

}  // namespace tocsin::connectors::net
