#include "connectors/net/connection.hpp"

#include <algorithm>
#include <array>
#include <sys/epoll.h>
#include <utility>

#include "connectors/net/frame_session.hpp"
#include "connectors/net/line_session.hpp"

namespace tocsin::connectors::net {

Connection::Connection(Shared& shared, std::unique_ptr<Stream> stream, Origin origin)
    : shared_(shared),
      id_(++shared.connections_made),
      stream_(std::move(stream)),
      origin_(std::move(origin)),
      outbox_(*this),
      opening_(std::min(shared.limits().max_handshake_bytes, shared.limits().max_frame_bytes)),
      deadline_(shared.poller, *this),
      opened_ns_(shared.now_ns()),
      heard_ns_(opened_ns_),
      wrote_ns_(opened_ns_),
      beat_ns_(opened_ns_) {
  note(ConnectionNote::What::opened);
  arm();
  take_turn();
}

Connection::~Connection() {
  if (!is_gone()) gone("the server closed it");
  shared_.poller.remove(fd(), *this);
  std::erase(shared_.ready, this);
  std::erase(shared_.with_output, this);
  std::erase(shared_.with_ring, this);
  std::erase(shared_.ending, this);
}

void Connection::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    writable_ = true;
    has_output();
  }
  hung_up_ |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if ((events & EPOLLIN) != 0 || hung_up_) {
    readable_ = true;
    is_drained_ = false;
    take_turn();
  }
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) broken("it hung up");
}

void Connection::take_turn() {
  if (std::exchange(in_turn, true)) return;
  shared_.ready.push_back(this);
}

void Connection::has_output() {
  if (std::exchange(with_output, true)) return;
  shared_.with_output.push_back(this);
}

IoResult Connection::read(std::span<std::byte> to) {
  // A read that would find nothing is a system call between an event and its match.
  if (is_drained_) {
    is_drained_ = readable_ = false;
    return {Io::again};
  }
  const IoResult result = stream_->read(to);
  is_drained_ = result.io == Io::done && result.was_all && !hung_up_;
  if (stream_->keeps_back()) has_output();  // TLS answers by itself
  if (result.io == Io::done) {
    bytes_in_ += result.bytes;
    shared_.counters.bytes_in += result.bytes;
    heard_ns_ = shared_.now_ns();
  } else {
    readable_ = false;
  }
  if (result.io == Io::failed && stream_->tls_failed() && phase_ == Phase::opening) {
    ++shared_.counters.refused[static_cast<std::size_t>(Refusal::tls)];
    note(ConnectionNote::What::refused, code_of(Refusal::tls), stream_->error());
  }
  return result;
}

bool Connection::rests() const {
  return is_open() && (input_stopped_ || ending_ || outbox_.control_bytes() > shared_.limits().control_bytes);
}

bool Connection::run() {
  if (!readable_ || is_gone()) return false;
  if (rests()) return false;
  Ran ran;
  switch (phase_) {
    case Phase::opening: ran = open(); break;
    case Phase::open: ran = session_->run(); break;
    default: ran = discard();
  }
  held_ = ran == Ran::held;
  if (ran != Ran::more) readable_ = held_;
  if (broken_ && ran == Ran::dry && is_open()) gone("it hung up");
  if (shared_.draining && ran == Ran::dry && is_open()) stop_input();
  if (!is_gone()) arm();
  return !held_;
}

/// Finds out what it speaks.
Ran Connection::open() {
  while (true) {
    switch (wire::opening_of(opening_.pending())) {
      case wire::Opening::need_input: break;
      case wire::Opening::other_version:
        refuse(Refusal::version, "this server speaks version 1 of the protocol");
        return Ran::more;
      case wire::Opening::tls:
        // Else it would be waited for its first line, while it waits for an answer.
        refuse(Refusal::tls, "this address speaks no TLS");
        return Ran::more;
      case wire::Opening::frames:
        opening_.skip(wire::preface.size());
        session_ = std::make_unique<FrameSession>(*this, shared_, std::move(opening_));
        phase_ = Phase::open;
        return session_->run();
      case wire::Opening::lines:
        outbox_.use_lines();
        session_ = std::make_unique<LineSession>(*this, shared_, opening_.pending());
        opening_ = wire::FrameReader(0);
        phase_ = Phase::open;
        return session_->run();
    }
    const IoResult result = read(opening_.room());
    if (result.io == Io::done) {
      opening_.filled(result.bytes);
    } else {
      if (result.io == Io::end && !opening_.pending().empty()) {  // a short line without its end
        outbox_.use_lines();
        session_ = std::make_unique<LineSession>(*this, shared_, opening_.pending());
        phase_ = Phase::open;
        return session_->run();
      }
      if (result.io != Io::again) gone(stream_->error());
      opening_.release();  // who has said nothing keeps no memory
      return Ran::dry;
    }
  }
}

/// What comes behind the end is of no account, but has to be read for the end to arrive.
Ran Connection::discard() {
  std::array<std::byte, 16384> unread;
  for (std::size_t left = shared_.limits().read_bytes; left > 0;) {
    const IoResult result = stream_->read(unread);
    if (result.io == Io::done) {
      left -= std::min(left, result.bytes);
      continue;
    }
    readable_ = false;
    if (result.io == Io::failed || (result.io == Io::end && phase_ == Phase::lingering)) gone({});
    return Ran::dry;
  }
  return Ran::more;
}

void Connection::write() {
  if (is_gone()) return;
  if (session_) session_->write_ring();
  if (is_open() && outbox_.overflowed()) {
    refuse(Refusal::slow, "matches came faster than this subscriber reads them");
  }
  if (broken_) {
    outbox_.clear();
    return closed_if_written();
  }
  if (!writable_) return;
  const IoResult result = outbox_.write(*stream_);
  if (result.bytes > 0) wrote_ns_ = shared_.now_ns();
  bytes_out_ += result.bytes;
  shared_.counters.bytes_out += result.bytes;
  writable_ = result.io != Io::again;
  if (result.io == Io::failed) return broken(stream_->error());
  closed_if_written();
  if (wants_turn()) take_turn();
  if (!is_gone()) arm();
}

/// Nobody reads what is written. What was sent before may still be read and taken.
void Connection::broken(std::string_view why) {
  if (std::exchange(broken_, true)) return;
  if (session_) session_->unsubscribe();
  outbox_.clear();
  if (input_stopped()) return gone(why);
  readable_ = true;
  take_turn();
}

void Connection::note(ConnectionNote::What what, std::string_view code, std::string_view message) const {
  if (!shared_.options.note) return;
  const std::string_view client = session_ ? std::string_view(session_->client()) : std::string_view();
  shared_.options.note({what, id_, origin_.peer, client, code, message});
}

void Connection::refuse(Refusal refusal, std::string_view message) {
  if (!is_open()) return;
  // What came before is good, and must not be left to the next connection.
  if (session_ && !shared_.batch.empty() && !session_->finish_batch()) return;
  ++shared_.counters.refused[static_cast<std::size_t>(refusal)];
  note(ConnectionNote::What::refused, code_of(refusal), message);
  if (session_) session_->leave();
  outbox_.drop_all();
  if (session_) {
    session_->say_end(code_of(refusal), message, true);
  } else {
    FrameSession::say_refused(outbox_, code_of(refusal), message);
  }
  begin_closing();
}

void Connection::finish(std::string_view code, std::string_view message) {
  if (!is_open()) return;
  if (session_) {
    session_->leave();
    session_->say_end(code, message, false);
  }
  begin_closing();
}

void Connection::await_end() {
  ending_ = true;
  shared_.ending.push_back(this);
}

void Connection::begin_closing() {
  phase_ = Phase::closing;
  wrote_ns_ = shared_.now_ns();
  has_output();
  readable_ = true;  // what is still unread is passed over
  take_turn();
  arm();
}

void Connection::closed_if_written() {
  if (phase_ != Phase::closing) return;
  if (broken_) return gone({});
  if (!outbox_.empty() || stream_->keeps_back()) return;
  stream_->shutdown();
  phase_ = Phase::lingering;
  wrote_ns_ = shared_.now_ns();
  readable_ = true;
  take_turn();
}

void Connection::drop(std::string_view why) {
  if (!is_gone()) gone(why);
}

void Connection::gone(std::string_view why) {
  if (session_) session_->leave();
  phase_ = Phase::gone;
  shared_.counters.matches_out += outbox_.matches();
  shared_.counters.matches_dropped += outbox_.dropped();
  ++shared_.counters.closed;
  deadline_.cancel();
  note(ConnectionNote::What::closed, {}, why);
}

void Connection::stop_input() {
  if (std::exchange(input_stopped_, true) || !is_open()) return;
  if (session_ && !session_->is_handshaking()) {
    session_->source().close();
  } else {
    refuse(Refusal::shutdown, "the server stops");
  }
}

void Connection::rules_changed() {
  if (session_ && is_open()) session_->rules_changed();
}

ConnectionInfo Connection::info() const {
  ConnectionInfo info;
  info.id = id_;
  info.peer = origin_.peer;
  info.form = !is_open() ? "closing" : "opening";
  info.bytes_in = bytes_in_;
  info.bytes_out = bytes_out_;
  info.matches = outbox_.matches();
  info.dropped = outbox_.dropped();
  info.queued_bytes = outbox_.queued_bytes();
  if (!session_) return info;
  if (is_open()) info.form = session_->form();
  info.client = session_->client();
  info.events = session_->source().events();
  info.rejected = session_->rejected();
  info.subscribed = session_->is_subscribed();
  return info;
}

}  // namespace tocsin::connectors::net
