// Where matches come in and are encoded: once for each form that a subscriber wants, then copied to the
// queues of those who want the rule. A rule that nobody wants costs one load.
//
// With one shard the engine calls on_match() on the ingress thread, and what it encodes goes straight to the
// outboxes. With more, its egress thread does, and hands over through a bounded queue; the ingress thread is
// woken and distributes. Where the queue is full the egress thread waits, unless the ingress thread waits for
// the engine at that moment (EngineWait): both would wait for each other. Then the queue takes more than its
// limit, at most what the batches under way complete.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "connectors/match_writer.hpp"
#include "connectors/net/poller.hpp"
#include "engine/model/match.hpp"

namespace tocsin::connectors::net {

/// What is served: types, and rules by id. Replaced as a whole when the rules change.
struct Rules {
  std::shared_ptr<const model::Catalog> catalog;
  std::vector<RuleOutput> rules;  // by id in MatchView; label values must live as long as `catalog`
};

struct HubOptions {
  bool one_thread = true;  // on_match() is called on the ingress thread
  std::size_t handover_bytes = std::size_t{16} << 20;
};

class Subscriber;

class MatchHub final : public model::MatchSink {
 public:
  MatchHub(Poller& poller, const HubOptions& options, std::shared_ptr<const Rules> rules);
  ~MatchHub() override;

  /// On the engine's thread: encodes.
  void on_match(const model::MatchView& match) override;

  // The rest is for the ingress thread.

  /// Other rules from the next match on. No match may be under way in the engine; those in the hand-over are
  /// distributed first, by the rules that made them.
  void replace(std::shared_ptr<const Rules> rules);
  const std::shared_ptr<const Rules>& rules() const;

  void add(Subscriber& subscriber);
  void remove(Subscriber& subscriber);
  /// Puts what the egress thread handed over into the outboxes, until a blocking one is full. Returns how
  /// many matches.
  std::size_t distribute();
  /// No events should be given to the engine now: a blocking subscriber, or the hand-over, is full.
  bool is_full() const;

  /// While one exists the ingress thread may be waiting for the engine (push, finish, replace): the egress
  /// thread does not wait for it.
  class EngineWait {
   public:
    explicit EngineWait(MatchHub& hub);
    ~EngineWait();
    EngineWait(const EngineWait&) = delete;
    EngineWait& operator=(const EngineWait&) = delete;

   private:
    MatchHub& hub_;
  };

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::connectors::net
