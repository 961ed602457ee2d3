// What comes over the socket, frame by frame; the ring's part is in frame_session_ring.cpp.
#include "connectors/net/frame_session.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "connectors/net/connection.hpp"
#include "connectors/wire/payload.hpp"

namespace tocsin::connectors::net {

using wire::FrameType;

namespace {

// What a connection keeps for its next bytes; an idle one keeps nothing.
constexpr std::size_t kept_bytes = std::size_t{64} << 10;

/// A reader with another limit, and what the old one holds.
wire::FrameReader with_limit(wire::FrameReader& reader, std::size_t max_frame_bytes) {
  wire::FrameReader other(max_frame_bytes);
  for (auto left = reader.pending(); !left.empty();) {
    const std::span<std::byte> room = other.room();
    const std::size_t bytes = std::min(room.size(), left.size());
    std::copy_n(left.begin(), bytes, room.begin());
    other.filled(bytes);
    left = left.subspan(bytes);
  }
  return other;
}

}  // namespace

FrameSession::FrameSession(Connection& connection, Shared& shared, wire::FrameReader reader)
    : Session(connection, shared, connection.origin().peer),
      reader_(std::move(reader)),
      rejections_(shared.limits().rejections_per_second) {}

void FrameSession::send(const wire::FrameBuffer& frames) {
  connection_.outbox().answer(frames.bytes());
  ++shared_.counters.frames_out;
}

void FrameSession::say_refused(Outbox& outbox, std::string_view code, std::string_view message) {
  wire::FrameBuffer frames;
  frames.append(FrameType::refused, wire::to_json(wire::Refused{std::string(code), std::string(message)}));
  outbox.answer(frames.bytes());
}

void FrameSession::say_end(std::string_view code, std::string_view message, bool at_once) {
  if (!welcome_) return say_refused(connection_.outbox(), code, message);
  if (!at_once) acknowledge();
  wire::FrameBuffer frames;
  frames.append(FrameType::bye, wire::to_json(wire::Bye{std::string(code), std::string(message)}));
  if (at_once) return send(frames);
  connection_.outbox().put_in_order(frames.bytes());
}

void FrameSession::fault(std::string_view message) {
  connection_.refuse(Refusal::protocol, message);
}

/// The next frame, one that was held back first.
wire::Next FrameSession::next(wire::Frame& frame) {
  if (held_) {
    frame = *std::exchange(held_, std::nullopt);
    return wire::Next::frame;
  }
  return reader_.next(frame);
}

/// BYE on a ring means that what is in the ring is to be taken.
bool FrameSession::must_wait(FrameType type) {
  const bool takes_events =
      type == FrameType::events || type == FrameType::watermark || (type == FrameType::bye && ring_);
  return takes_events && shared_.must_hold();
}

Ran FrameSession::run() {
  std::size_t left = shared_.limits().read_bytes;
  while (!ended_) {
    wire::Frame frame;
    switch (next(frame)) {
      case wire::Next::frame:
        if (must_wait(frame.type)) {
          held_ = frame;
          finish_batch();
          return Ran::held;
        }
        handle(frame);
        if (!connection_.is_open()) return Ran::more;
        if (connection_.is_ending()) return Ran::dry;
        continue;
      case wire::Next::fault:
        if (finish_batch()) fault(reader_.fault());
        return Ran::more;
      case wire::Next::need_input: break;
    }
    if (!finish_batch() || left == 0) return Ran::more;
    const std::span<std::byte> room = reader_.room();
    const IoResult result = connection_.read(room);
    switch (result.io) {
      case Io::done: break;
      case Io::again:
        if (reader_.capacity() > kept_bytes) reader_.release();
        if (ring_ && shared_.draining) {
          if (shared_.must_hold()) return Ran::held;
          drain_ring();
        }
        return Ran::dry;
      case Io::failed:  // as at the end, what is complete is taken; the socket will say that it has ended
        if (ring_ && shared_.must_hold()) return Ran::held;
        if (ring_) drain_ring();
        connection_.drop("the connection broke");
        return Ran::dry;
      case Io::end: ended_ = true; continue;
    }
    reader_.filled(result.bytes);
    left -= std::min(left, result.bytes);
  }
  return ended();
}

/// The end of the socket is what BYE would be; but a frame that was begun can't be completed any more.
Ran FrameSession::ended() {
  if (must_wait(FrameType::bye)) return Ran::held;
  if (!welcome_) {
    connection_.refuse(Refusal::handshake, "the connection ended before the handshake did");
  } else if (!reader_.pending().empty()) {
    fault("the connection ended within a frame");
  } else {
    if (ring_) drain_ring();
    if (connection_.is_open()) end();
  }
  return Ran::dry;
}

void FrameSession::handle(const wire::Frame& frame) {
  ++shared_.counters.frames_in;
  if (!welcome_) {
    if (frame.type == FrameType::hello) return hello(frame);
    return fault(fmt::format("the first frame must be HELLO, not {}", wire::name_of(frame.type)));
  }
  switch (frame.type) {
    case FrameType::events:
    case FrameType::watermark:
      if (ring_) return fault(fmt::format("{} goes into the ring", wire::name_of(frame.type)));
      return frame.type == FrameType::events ? events(frame) : watermark(frame);
    case FrameType::subscribe: return take_subscription(frame);
    case FrameType::heartbeat: return;
    case FrameType::bye:
      if (ring_) drain_ring();
      if (connection_.is_open() && finish_batch()) end();
      return;
    default: return fault(fmt::format("{} is not for a client to send now", wire::name_of(frame.type)));
  }
}

void FrameSession::hello(const wire::Frame& frame) {
  const auto hello = wire::parse_hello(frame.text());
  if (!hello) return fault(hello.error);
  client_ = hello->client;
  const auto& token = connection_.origin().token;
  if (token && !token->is(hello->token.value_or(""))) {
    return connection_.refuse(Refusal::token, hello->token ? "the token is wrong" : "a token is needed here");
  }
  if (const auto wrong = wire::compare(hello->types, *shared_.rules->catalog); !wrong.empty()) {
    return connection_.refuse(Refusal::schema, fmt::format("{}", fmt::join(wrong, "; ")));
  }
  if (hello->source_idle_ms) source_.set_idle_timeout(ns_of_ms(*hello->source_idle_ms));
  source_.name(fmt::format("{} ({})", client_.empty() ? "client" : client_, connection_.origin().peer));
  if (hello->transport == wire::Transport::ring && !offer_ring(*hello)) return;
  welcome(*hello);
}

void FrameSession::welcome(const wire::Hello& hello) {
  const NetLimits& limits = shared_.limits();
  wire::Welcome welcome;
  welcome.session = connection_.id();
  welcome.max_frame = limits.max_frame_bytes;
  welcome.window = limits.window_events;
  welcome.heartbeat_ms =
      static_cast<std::uint32_t>(std::max<std::int64_t>(1, limits.idle_timeout_ns / 3'000'000));
  const model::Catalog& catalog = *shared_.rules->catalog;
  may_send_.resize(catalog.types.size());
  for (const auto& declared : hello.types) {
    const model::EventType& type = *catalog.find(declared.name);
    welcome.types.push_back(wire::layout_of(type, catalog));
    may_send_[type.id] = true;
  }
  declared_ = hello.types;
  layouts_ = wire::to_json(wire::Welcome{0, 0, 0, 0, welcome.types, {}});
  for (const auto& rule : shared_.rules->rules)
    welcome.rules.push_back(rule.name);
  wire::FrameBuffer frames;
  frames.append(FrameType::welcome, wire::to_json(welcome));
  send(frames);
  reader_ = with_limit(reader_, limits.max_frame_bytes);
  welcome_ = true;
  if (ring_) tell_ring();
}

void FrameSession::events(const wire::Frame& frame) {
  wire::EventsHead head;
  if (frame.payload.size() < sizeof head) return fault("an EVENTS frame is too short for its head");
  std::memcpy(&head, frame.payload.data(), sizeof head);
  if (head.first != last_ + 1) {
    return fault(fmt::format("the next event is number {}, not {}", last_ + 1, head.first));
  }
  const std::uint32_t window = shared_.limits().window_events;
  if (last_ - acked_ + head.count > window) {
    return fault(fmt::format("more than {} events were sent without waiting for ACK", window));
  }
  const auto checked =
      shared_.checker->check(frame.payload, shared_.options.clock(), shared_.batch, &may_send_);
  last_ += checked.count;
  rejected_ += checked.rejected;
  shared_.counters.rejected += checked.rejected;
  if (checked.rejected > 0) tell_rejected();
  if (!checked.fault.empty()) {
    if (finish_batch()) fault(checked.fault);
    return;
  }
  if (shared_.batch.size() >= shared_.limits().batch_events) finish_batch();
}

/// The first of them in this second; ACK has the number of all.
void FrameSession::tell_rejected() {
  for (const auto& bad : shared_.checker->bad_events()) {
    if (shared_.options.bad_record) {
      shared_.options.bad_record({client_, bad.number, BadKind::malformed, bad.sentence, {}});
    }
    if (!rejections_.allows(shared_.now_ns())) continue;
    shared_.frames.clear();
    wire::append_rejected(shared_.frames, {bad.number, bad.sentence});
    send(shared_.frames);
  }
}

/// Acknowledges it as well, over a ring only where much has gathered.
bool FrameSession::finish_batch() {
  if (!Session::finish_batch()) return false;
  // Over a ring it would be a system call for each event that comes alone, where the event itself needs none.
  if (!ring_ || last_ - acked_ >= shared_.limits().window_events / 4) acknowledge();
  return true;
}

void FrameSession::acknowledge() {
  if (last_ == acked_) return;
  acked_ = last_;
  shared_.frames.clear();
  wire::append(shared_.frames, wire::Ack{acked_, rejected_, shared_.limits().window_events, 0});
  send(shared_.frames);
}

void FrameSession::watermark(const wire::Frame& frame) {
  wire::Watermark watermark;
  if (!wire::read(frame, watermark)) return fault("a WATERMARK frame has 8 bytes");
  if (!finish_batch()) return;
  if (!source_.advance(watermark.time_ns)) {
    connection_.refuse(Refusal::limit, "there are too many sources of events");
  }
}

void FrameSession::take_subscription(const wire::Frame& frame) {
  const auto wishes = wire::parse_subscribe(frame.text());
  if (!wishes) return fault(wishes.error);
  if (!subscribe(*wishes, wishes->with_events ? Form::frames_with_events : Form::frames)) return;
  tell_subscribed();
}

/// In order with the matches, as they are to be read by it.
void FrameSession::tell_subscribed() {
  const model::Catalog& catalog = *shared_.rules->catalog;
  wire::Subscribed subscribed;
  const auto add_type = [&](model::EventTypeId id) {
    const auto& types = subscribed.types;
    if (std::any_of(types.begin(), types.end(), [&](const auto& type) { return type.id == id; })) return;
    subscribed.types.push_back(wire::layout_of(catalog[id], catalog));
  };
  std::uint32_t id = 0;
  for (const RuleOutput& rule : shared_.rules->rules) {
    wire::RuleLayout layout{id++, rule.name, {}, {}, {}};
    if (!subscriber_->wants(rule, false, catalog) && !subscriber_->wants(rule, true, catalog)) continue;
    if (rule.emitted) layout.emits = catalog[*rule.emitted].name;
    if (rule.timeout) layout.on_timeout = catalog[*rule.timeout].name;
    for (const auto& type : {rule.emitted, rule.timeout}) {
      if (type) add_type(*type);
    }
    for (const auto& step : rule.steps) {
      layout.steps.push_back({step.name, catalog[step.type].name});
      if (subscriber_->wishes().with_events) add_type(step.type);
    }
    subscribed.rules.push_back(std::move(layout));
  }
  wire::FrameBuffer frames;
  frames.append(FrameType::subscribed, wire::to_json(subscribed));
  connection_.outbox().put_in_order(frames.bytes());
  ++shared_.counters.frames_out;
}

void FrameSession::rules_changed() {
  if (!welcome_) return;
  const model::Catalog& catalog = *shared_.rules->catalog;
  if (auto wrong = wire::compare(declared_, catalog); !wrong.empty()) {
    return connection_.refuse(Refusal::schema, fmt::format("{}", fmt::join(wrong, "; ")));
  }
  wire::Welcome now;
  for (const auto& type : declared_)
    now.types.push_back(wire::layout_of(*catalog.find(type.name), catalog));
  if (wire::to_json(now) != layouts_) {
    return connection_.refuse(Refusal::schema, "a type that this client sends has changed");
  }
  if (subscriber_) tell_subscribed();
}

/// It has been quiet for a while.
void FrameSession::beat() {
  if (!held_) reader_.release();  // which a frame that waits is a view of
  shared_.frames.clear();
  wire::append(shared_.frames, wire::Heartbeat{});
  send(shared_.frames);
}

}  // namespace tocsin::connectors::net
