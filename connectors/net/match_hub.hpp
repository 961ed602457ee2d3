// Where matches come in and are encoded: once for each form that a subscriber wants, then copied to the
// queues of those who want the rule. A rule that nobody wants costs one load.
//
// With one shard the engine calls on_match() on the ingress thread, and what it encodes goes straight to the
// outboxes. With more, the shard that delivers does, and hands over through a bounded queue; the ingress
// thread is woken and distributes. Where the queue is full that shard waits, unless the ingress thread waits
// for the engine at that moment (EngineWait): both would wait for each other. Then the queue takes more than
// its limit, at most what the batches under way complete.
//
// Who must know that all matches of what was pushed so far are in the outboxes has the engine marked
// (EventTaker::mark()) with a stamp of new_mark(), which goes the way of the matches and so comes behind
// them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "connectors/net/match_encoder.hpp"
#include "connectors/net/poller.hpp"
#include "connectors/net/subscriber.hpp"
#include "engine/base/channel.hpp"
#include "engine/model/match.hpp"

namespace tocsin::connectors::net {

struct HubOptions {
  bool one_thread = true;                              // on_match() is called on the ingress thread
  std::size_t handover_bytes = std::size_t{16} << 20;  // matches on their way to the ingress thread
  std::size_t max_frame_bytes = std::size_t{4} << 20;
  /// Gets the stamp of each batch (marks are below 0, and not among them), once its matches are in the
  /// outboxes; may be empty. On the engine's thread where none of them had to be handed over, else on the
  /// ingress thread.
  std::function<void(std::int64_t stamp)> delivered = {};
};

class MatchHub final : public model::MatchSink {
 public:
  MatchHub(Poller& poller, const HubOptions& options, std::shared_ptr<const Rules> rules);
  ~MatchHub() override;

  /// On the engine's thread: encodes.
  void on_match(const model::MatchView& match) override;
  void on_batch(std::int64_t stamp) override;

  // The rest is for the ingress thread.

  /// Other rules from the next match on. No match may be under way in the engine; those in the hand-over are
  /// distributed first, by the rules that made them.
  void replace(std::shared_ptr<const Rules> rules);
  const std::shared_ptr<const Rules>& rules() const;

  void add(Subscriber& subscriber);
  void remove(Subscriber& subscriber);
  /// Puts what a shard handed over into the outboxes, until a blocking one is full. Returns how
  /// many matches.
  std::size_t distribute();
  /// All of it, also where a blocking one is full. The engine is at rest.
  void distribute_all();
  /// The stamp of a mark that is to be made now.
  std::int64_t new_mark() { return -++marks_; }
  /// It has come back, and all matches before it are in the outboxes.
  bool is_reached(std::int64_t mark) const { return -mark <= marks_reached_; }
  /// distribute() would do something.
  bool can_distribute() const;
  /// No events should be given to the engine now: a blocking subscriber, or the hand-over, is full.
  bool is_full() const;

  /// While one exists the ingress thread may be waiting for the engine (push, finish, its destructor): the
  /// shard that delivers does not wait for it.
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
  void put(const EncodedMatch& match);
  void end_batch(std::int64_t stamp);
  std::size_t distribute(bool all);
  bool has_full_subscriber() const;
  void hand_over(std::unique_ptr<EncodedMatch> match);
  std::unique_ptr<EncodedMatch> fresh();
  void join(Subscriber& subscriber);
  void count_forms(std::uint32_t key);

  HubOptions options_;
  std::unique_ptr<MatchEncoder> encoder_;            // of the thread that calls on_match()
  std::unique_ptr<std::atomic<FormMask>[]> wanted_;  // by key
  EncodedMatch scratch_;                             // with one thread
  bool handed_over_ = false;                         // something of the batch; of the shard that delivers

  std::int64_t marks_ = 0;
  std::int64_t marks_reached_ = 0;
  std::vector<Subscriber*> subscribers_;
  std::vector<std::vector<Subscriber*>> by_key_;
  std::vector<Subscriber*> blocking_;  // those whose policy is block

  Wake wake_;
  Queue<std::unique_ptr<EncodedMatch>> queue_;
  Queue<std::unique_ptr<EncodedMatch>> used_;  // the way back, so that nothing is allocated
  ProducerToken queue_token_;
  ProducerToken used_token_;
  Signal room_;  // for the shard that delivers
  // These two also say to ThreadSanitizer, which does not know the fences of the queue, that what was put in
  // is seen by who takes it out: changed before, and read after.
  std::atomic<std::size_t> under_way_bytes_ = 0;
  std::atomic<std::uint32_t> returned_ = 0;
  std::atomic<int> engine_waits_ = 0;
};

}  // namespace tocsin::connectors::net
