// One accepted socket: finds out what it speaks, lends its bytes to the session, keeps the times, and ends
// it:
//
//   opening → open → closing (what it has still to get is written) → lingering (it reads that, and goes) →
//   gone
//
// A refused client is not cut off at once: closing a socket with unread input would reset the connection, and
// the client would never read why. Tested in tests/net/server_test.cpp and others there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "connectors/net/connection_info.hpp"
#include "connectors/net/outbox.hpp"
#include "connectors/net/poller.hpp"
#include "connectors/net/session.hpp"
#include "connectors/net/shared.hpp"
#include "connectors/net/stream.hpp"
#include "connectors/wire/frame.hpp"

namespace tocsin::connectors::net {

/// Where it came from.
struct Origin {
  std::string peer;
  std::shared_ptr<const Token> token;  // that it must show; null: none
  bool is_unix = false;
};

class Connection final : public Pollable, public Outbox::Owner {
 public:
  Connection(Shared& shared, std::unique_ptr<Stream> stream, Origin origin);
  ~Connection() override;

  void on_ready(std::uint32_t events) override;
  void has_output() override;

  /// Has run() called in the next round.
  void take_turn();
  /// Reads and handles its share of a round. True where there was something to do.
  bool run();
  /// Writes what goes.
  void write();

  /// Ends it and says why; what waits in its queue is dropped.
  void refuse(Refusal refusal, std::string_view message);
  /// Ends it in order: what waits is written first.
  void finish(std::string_view code, std::string_view message);
  /// No more input is read; it is finished as soon as its last matches are in the outbox, by the server.
  void await_end();
  /// It is gone already, or its peer is.
  void drop(std::string_view why);
  /// No more input is read; its source is closed.
  void stop_input();

  /// For sessions: the next bytes. After anything but Io::done there are none for now, or for ever.
  IoResult read(std::span<std::byte> to);
  /// It has shown that it is alive by other ways than its socket.
  void heard() { heard_ns_ = shared_.now_ns(); }
  std::int64_t heard_ns() const { return heard_ns_; }
  Outbox& outbox() { return outbox_; }
  const Outbox& outbox() const { return outbox_; }
  int fd() const { return stream_->fd(); }
  const Origin& origin() const { return origin_; }
  std::uint64_t id() const { return id_; }

  bool is_open() const { return phase_ <= Phase::open; }
  bool is_gone() const { return phase_ == Phase::gone; }
  bool wants_turn() const { return readable_ && !is_gone() && !rests(); }
  /// Its input is not read: it is over, or the answers to it are not read.
  bool rests() const;
  bool input_stopped() const { return input_stopped_ || ending_ || !is_open(); }
  bool is_ending() const { return ending_ && is_open(); }
  Session* session() const { return session_.get(); }
  void rules_changed();
  ConnectionInfo info() const;
  void note(ConnectionNote::What what, std::string_view code = {}, std::string_view message = {}) const;
  bool in_turn = false;      // in Shared::ready
  bool with_output = false;  // in Shared::with_output

 private:
  enum class Phase : std::uint8_t { opening, open, closing, lingering, gone };

  class Deadline final : public Timer {
   public:
    Deadline(Poller& poller, Connection& connection) : Timer(poller), connection_(connection) {}

   private:
    void on_time() override { connection_.on_time(); }
    Connection& connection_;
  };

  Ran open();
  Ran discard();
  void broken(std::string_view why);
  void begin_closing();
  void closed_if_written();
  void gone(std::string_view why);
  void on_time();
  void arm();
  std::int64_t idle_deadline_ns() const;
  std::int64_t beat_deadline_ns() const;
  std::int64_t deadline_ns() const;

  Shared& shared_;
  std::uint64_t id_;
  std::unique_ptr<Stream> stream_;
  Origin origin_;
  Outbox outbox_;
  wire::FrameReader opening_;  // until it is known what it speaks
  std::unique_ptr<Session> session_;
  Deadline deadline_;
  Phase phase_ = Phase::opening;
  bool readable_ = true;
  bool is_drained_ = false;  // the last read took all there was; what comes then is an edge
  bool hung_up_ = false;     // its peer writes no more, which is to be read like all else
  bool writable_ = true;
  bool held_ = false;           // in its last turn
  bool broken_ = false;         // nothing can be written any more
  bool input_stopped_ = false;  // nothing more is read
  bool ending_ = false;         // nothing more is read, as its client has said so
  std::int64_t opened_ns_;
  std::int64_t heard_ns_;
  std::int64_t wrote_ns_;  // what was taken off the outbox
  std::int64_t beat_ns_;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
};

}  // namespace tocsin::connectors::net
