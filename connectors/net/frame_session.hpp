// A connection that speaks frames: handshake, events with their window and acknowledgements, watermarks,
// subscription, orderly end. Over a ring it is the same session: the ring carries events and matches, the
// socket all else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "connectors/net/ring_link.hpp"
#include "connectors/net/session.hpp"
#include "connectors/wire/frame.hpp"
#include "connectors/wire/handshake.hpp"

namespace tocsin::connectors::net {

class FrameSession final : public Session {
 public:
  /// `reader` stands behind the preface.
  FrameSession(Connection& connection, Shared& shared, wire::FrameReader reader);

  Ran run() override;
  bool finish_batch() override;
  void say_end(std::string_view code, std::string_view message, bool at_once) override;
  void rules_changed() override;
  bool is_handshaking() const override { return !welcome_; }
  std::string_view form() const override { return ring_ ? "ring" : "frames"; }
  std::uint64_t rejected() const override { return rejected_; }
  void beat() override;
  bool run_ring() override;
  bool has_ring() const override { return ring_ != nullptr; }
  void begin_wait() override;
  bool may_sleep(bool takes_events) override;
  void end_wait() override { ring_->end_wait(); }
  void write_ring() override;

  /// A client that has not said what it speaks, or not yet been welcomed.
  static void say_refused(Outbox& outbox, std::string_view code, std::string_view message);

 private:
  wire::Next next(wire::Frame& frame);
  Ran ended();
  bool must_wait(wire::FrameType type);
  void drain_ring();
  void handle(const wire::Frame& frame);
  void hello(const wire::Frame& frame);
  void welcome(const wire::Hello& hello);
  bool offer_ring(const wire::Hello& hello);
  void tell_ring();
  void wake_client();
  void events(const wire::Frame& frame);
  void watermark(const wire::Frame& frame);
  void take_subscription(const wire::Frame& frame);
  void tell_subscribed();
  void tell_rejected();
  void acknowledge();
  void fault(std::string_view message);
  void send(const wire::FrameBuffer& frames);

  wire::FrameReader reader_;
  std::optional<wire::Frame> held_;  // came while no events may be taken
  std::unique_ptr<RingLink> ring_;
  bool welcome_ = false;
  bool ended_ = false;  // nothing more comes over the socket
  std::vector<wire::TypeDeclaration> declared_;
  std::vector<bool> may_send_;  // these types, by id
  std::string layouts_;         // of these types, as WELCOME told them
  std::uint64_t last_ = 0;      // number of the last event taken
  std::uint64_t acked_ = 0;     // the same as told
  std::uint64_t rejected_ = 0;
  RateLimit rejections_;
};

}  // namespace tocsin::connectors::net
