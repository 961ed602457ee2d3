// What comes from the server.
#include <algorithm>
#include <cstring>

#include "client/client.hpp"
#include "client/run_until.hpp"
#include "connectors/wire/payload.hpp"

namespace tocsin::client {

namespace {

constexpr std::size_t most_rejections = 1000;

}  // namespace

/// One read of the socket, and all frames that it completes.
tocsin_status Client::read(bool& worked) {
  const std::span<std::byte> room = reader_.room();
  std::size_t bytes = 0;
  const bool with_ring = hello_.transport == wire::Transport::ring && !rings_;
  last_read_ = now_;
  switch (with_ring ? socket_.read(room, bytes, descriptors_) : socket_.read(room, bytes)) {
    case Io::done: break;
    case Io::again: return TOCSIN_OK;
    case Io::ended: return end(TOCSIN_BROKEN, "the server closed the connection");
    case Io::failed: return end(TOCSIN_BROKEN, "the connection broke: " + socket_.error());
  }
  worked = true;
  last_heard_ = now_;
  reader_.filled(bytes);
  wire::Frame frame;
  wire::Next next = reader_.next(frame);
  for (; next == wire::Next::frame; next = reader_.next(frame)) {
    if (const auto status = take(frame); status != TOCSIN_OK) return status;
  }
  if (next == wire::Next::fault) return end(TOCSIN_PROTOCOL, "the server sent no frame: " + reader_.fault());
  return TOCSIN_OK;
}

/// Takes matches from the ring until it is empty, or so many bytes have come. What is wrong with it, or
/// empty.
std::string Client::read_ring(bool& worked, std::size_t most_bytes) {
  wire::RingConsumer& in = rings_->in();
  for (std::size_t bytes = 0; bytes < most_bytes;) {
    const auto record = in.next();
    if (!record) break;
    worked = true;
    last_heard_ = now_;
    const std::size_t size = record->payload.size();
    bytes += wire::frame_bytes(size);
    if (record->type == wire::FrameType::match) {
      record->payload.copy_to(inbox_.append(record->type, size));
    } else if (wire::Dropped dropped; record->type == wire::FrameType::dropped && size == sizeof dropped) {
      record->payload.copy_to(reinterpret_cast<std::byte*>(&dropped));
      dropped_ = dropped.matches;
    } else {
      return "it carries MATCH and DROPPED only";
    }
  }
  in.release();
  return std::string(rings_->fault());
}

tocsin_status Client::take(const wire::Frame& frame) {
  using wire::FrameType;
  const auto wrong = [&] {
    return end(TOCSIN_PROTOCOL, "the server sent a wrong " + std::string(wire::name_of(frame.type)));
  };
  if (!welcome_ && frame.type != FrameType::welcome && frame.type != FrameType::refused) return wrong();
  switch (frame.type) {
    case FrameType::welcome: return welcome_ ? wrong() : take_welcome(frame.text());
    case FrameType::refused: {
      const auto refused = wire::parse_refused(frame.text());
      return refused ? end(TOCSIN_REFUSED, refused->message, refused->code) : wrong();
    }
    case FrameType::bye: {
      const auto bye = wire::parse_bye(frame.text());
      if (!bye) return wrong();
      return end(TOCSIN_CLOSED, bye->message.empty() ? "the connection is closed" : bye->message, bye->code);
    }
    case FrameType::ack: return take_ack(frame);
    case FrameType::rejected: {
      wire::Rejected rejected;
      if (!wire::read(frame, rejected)) return wrong();
      take_rejected(rejected);
      return TOCSIN_OK;
    }
    case FrameType::dropped: {
      wire::Dropped dropped;
      if (!wire::read(frame, dropped)) return wrong();
      dropped_ = dropped.matches;
      return TOCSIN_OK;
    }
    case FrameType::subscribed:
      ++subscriptions_;
      if (rings_ || inbox_is_empty()) return take_subscribed(frame.text());
      inbox_.append(frame.type, frame.text());
      return TOCSIN_OK;
    case FrameType::match:
      if (rings_) return wrong();
      inbox_.append(frame.type, frame.text());
      return TOCSIN_OK;
    case FrameType::ring: return rings_ ? wrong() : take_ring(frame.text());
    case FrameType::heartbeat: return TOCSIN_OK;
    default: return wrong();
  }
}

/// The layout of a type to be sent, as this library works it out: the server's must be the same. Empty, or
/// what is wrong.
std::string Client::take_layout(const wire::TypeDeclaration& declared, const wire::TypeLayout& layout) {
  if (layout.name != declared.name) return "another type than " + declared.name;
  auto type = wire::type_of(layout, sent_catalog_);
  if (!type) return type.error;
  SentType sent{std::move(*type.value), {}};
  for (const auto& field : declared.fields) {
    const auto index = sent.type.find(field.name);
    if (!index) return "no field '" + field.name + "' of " + declared.name;
    sent.fields.push_back(*index);
  }
  sent_types_.push_back(std::move(sent));
  return "";
}

tocsin_status Client::take_welcome(std::string_view json) {
  auto welcome = wire::parse_welcome(json);
  if (!welcome) return end(TOCSIN_PROTOCOL, "the server sent a wrong " + welcome.error);
  std::string wrong = welcome->types.size() == hello_.types.size() ? "" : "another number of types";
  for (std::size_t i = 0; wrong.empty() && i < hello_.types.size(); ++i)
    wrong = take_layout(hello_.types[i], welcome->types[i]);
  if (!wrong.empty()) return end(TOCSIN_PROTOCOL, "the server's WELCOME has " + wrong);
  welcome_ = std::move(*welcome.value);
  rule_names_ = welcome_->rules;
  credit_end_ = welcome_->window;
  most_payload_ = welcome_->max_frame;
  return TOCSIN_OK;
}

tocsin_status Client::take_ring(std::string_view json) {
  const auto told = wire::parse_ring(json);
  if (!told) return end(TOCSIN_PROTOCOL, "the server sent a wrong " + told.error);
  if (hello_.transport != wire::Transport::ring) return end(TOCSIN_PROTOCOL, "the server sent a wrong RING");
  std::string wrong;
  rings_ = Rings::open(std::move(descriptors_), *told, welcome_->max_frame, idle_, wrong);
  descriptors_.clear();
  if (!rings_) return end(TOCSIN_BROKEN, std::move(wrong));
  most_payload_ = rings_->most_payload();
  return TOCSIN_OK;
}

tocsin_status Client::take_ack(const wire::Frame& frame) {
  wire::Ack ack;
  if (!wire::read(frame, ack) || ack.number < ack_.number || ack.number > numbered_) {
    return end(TOCSIN_PROTOCOL, "the server acknowledged what was not sent");
  }
  ack_ = ack;
  credit_end_ = ack.number + ack.window;
  return TOCSIN_OK;
}

void Client::take_rejected(const wire::Rejected& rejected) {
  if (rejections_.size() >= most_rejections) rejections_.pop_front();
  rejections_.emplace_back(rejected.number, std::string(rejected.sentence));
}

tocsin_status Client::take_subscribed(std::string_view json) {
  auto subscribed = wire::parse_subscribed(json);
  if (!subscribed) return end(TOCSIN_PROTOCOL, "the server sent a wrong " + subscribed.error);
  // Matches that come by the ring are not in order with this: those of rules that are no longer there may
  // still come. The server does not use an id again for something else, so what was known stays.
  model::Catalog catalog = rings_ ? catalog_ : model::Catalog{};
  for (const auto& layout : subscribed->types) {
    auto type = wire::type_of(layout, catalog);
    if (!type) return end(TOCSIN_PROTOCOL, "the server's SUBSCRIBED has " + type.error);
    if (layout.id >= catalog.types.size()) catalog.types.resize(std::size_t{layout.id} + 1);
    catalog.types[layout.id] = std::move(*type.value);
  }
  checker_.reset();
  catalog_ = std::move(catalog);
  checker_ = std::make_unique<wire::EventChecker>(catalog_);
  if (!rings_) rules_.clear();
  rule_names_.clear();
  for (auto& rule : subscribed->rules) {
    rule_names_.push_back(rule.name);
    rules_[rule.id] = std::move(rule);
  }
  return TOCSIN_OK;
}

tocsin_status Client::take_event(model::EventView view, tocsin_event& event) {
  const std::size_t id = view.type();
  if (id >= catalog_.types.size() || catalog_.types[id].name.empty()) {
    return end(TOCSIN_PROTOCOL, "the server sent an event of an unknown type");
  }
  if (auto wrong = checker_->check_one(std::span(view.bytes(), view.size())); !wrong.empty()) {
    return end(TOCSIN_PROTOCOL, "the server sent a wrong event: " + wrong);
  }
  event = {view, &catalog_.types[id], &catalog_};
  return TOCSIN_OK;
}

tocsin_status Client::take_match(const wire::Frame& frame) {
  std::string wrong;
  if (!wire::read_match(frame.payload, match_.frame, wrong)) {
    return end(TOCSIN_PROTOCOL, "the server sent a wrong match: " + wrong);
  }
  const auto rule = rules_.find(match_.frame.head.rule);
  if (rule == rules_.end()) return end(TOCSIN_PROTOCOL, "the server sent a match of an unknown rule");
  match_.rule = &rule->second;
  match_.emitted = {};
  match_.events.resize(match_.frame.events.size());
  if (match_.frame.emitted) {
    if (const auto status = take_event(match_.frame.emitted, match_.emitted); status != TOCSIN_OK)
      return status;
  }
  for (std::size_t i = 0; i < match_.events.size(); ++i) {
    if (const auto status = take_event(match_.frame.events[i], match_.events[i]); status != TOCSIN_OK)
      return status;
  }
  ++matches_;
  return TOCSIN_OK;
}

bool Client::knows_rule(const wire::Frame& match) const {
  std::uint32_t id = 0;
  if (match.payload.size() < sizeof id) return true;  // which is no match at all
  std::memcpy(&id, match.payload.data(), sizeof id);
  return rules_.contains(id);
}

tocsin_status Client::subscribe(const wire::Subscribe& wishes) {
  if (const auto status = ready(); status != TOCSIN_OK) return status;
  out_.append(wire::FrameType::subscribe, wire::to_json(wishes));
  const std::uint64_t before = subscriptions_;
  return run_until(deadline(), [&] { return subscriptions_ != before; });
}

tocsin_status Client::poll(Deadline deadline, const tocsin_match*& match) {
  match = nullptr;
  while (true) {
    if (inbox_is_empty()) {
      inbox_.clear();
      inbox_read_ = 0;
      if (const auto status = ready(); status != TOCSIN_OK) return status;
      const auto status = run_until(deadline, [&] { return !inbox_is_empty(); });
      if (status != TOCSIN_OK) return status;
    }
    wire::Frame frame;
    std::string fault;
    wire::frame_at(inbox_.bytes().subspan(inbox_read_), SIZE_MAX, frame, fault);  // it was one as it came
    const bool is_match = frame.type == wire::FrameType::match;
    if (rings_ && is_match && !knows_rule(frame)) {  // the socket is about to tell what it is
      const std::uint64_t before = subscriptions_;
      const auto status = run_until(deadline, [&] { return subscriptions_ != before; });
      if (status != TOCSIN_OK) return status;
      continue;
    }
    inbox_read_ += wire::frame_bytes(frame.payload.size());
    const auto status = is_match ? take_match(frame) : take_subscribed(frame.text());
    if (status != TOCSIN_OK) return status;
    if (!is_match) continue;
    match = &match_;
    return TOCSIN_OK;
  }
}

const char* Client::rule(std::size_t index) const {
  return index < rule_names_.size() ? rule_names_[index].c_str() : nullptr;
}

}  // namespace tocsin::client
