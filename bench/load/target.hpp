// Where a load goes: the real service by one of its transports, or the engine alone on the calling thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "dsl/compile.hpp"
#include "engine/model/batch.hpp"

namespace tocsin::load {

class Link;

enum class Via : std::uint8_t { engine, shm, unix_socket, tcp };

/// Gets matches as they come: `trigger` is the number, from 1, of the event sent that completed it.
class Arrivals {
 public:
  virtual ~Arrivals() = default;
  virtual void on_match(std::uint64_t trigger, bool timeout) = 0;
};

class Target {
 public:
  virtual ~Target() = default;
  /// Sends events `begin` to `end` of `batch`, in one frame. False where that can't be now; nothing went.
  virtual bool try_send(const model::EventBatch& batch, std::size_t begin, std::size_t end) = 0;
  /// Tells `arrivals` what has come since.
  virtual void receive(Arrivals& arrivals) = 0;
  /// Waits until all that was sent has been taken and its matches have come, and tells `arrivals`. False
  /// where that takes longer than `timeout_ns`.
  virtual bool settle(Arrivals& arrivals, std::int64_t timeout_ns) = 0;
  /// Events that the service did not accept.
  virtual std::uint64_t rejected() const = 0;
  virtual void close() {}
};

struct TargetOptions {
  Via via = Via::tcp;
  int core = -1;  // of the service; none: not pinned
  bool busy_poll = false;
  std::int64_t lateness_ns = 0;
};

/// What is at the other end of a link. It has subscribed, and must outlive the target.
class LinkTarget : public Target {
 public:
  explicit LinkTarget(Link& link) : link_(link) {}
  bool try_send(const model::EventBatch& batch, std::size_t begin, std::size_t end) override;
  void receive(Arrivals& arrivals) override;
  bool settle(Arrivals& arrivals, std::int64_t timeout_ns) override;
  std::uint64_t rejected() const override;

 private:
  Link& link_;
};

/// Starts what is needed. `compiled` has a plan and must outlive the target. Throws std::runtime_error.
std::unique_ptr<Target> open_target(const dsl::Compiled& compiled, const TargetOptions& options);

}  // namespace tocsin::load
