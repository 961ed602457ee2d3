// A client's own state: set-up, events on their way out, the end. What comes in is in client_receive.cpp.
#include "client/client.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "client/run_until.hpp"
#include "connectors/wire/payload.hpp"

namespace tocsin::client {

using model::Kind;

namespace {

// A batch goes out when it comes to one of these; each costs the server a look and an ACK.
constexpr std::size_t batch_events = 1024;
constexpr std::size_t batch_bytes = std::size_t{64} << 10;
// Frames that wait for the socket; beyond it events stay in the batch.
constexpr std::size_t most_out_bytes = std::size_t{1} << 20;
// With rings the socket has little to say: while calls have nothing to wait for it is looked at so often.
constexpr auto socket_every = std::chrono::milliseconds(10);

bool is_number(Kind kind) {
  return kind == Kind::integer || kind == Kind::time || kind == Kind::duration;
}

}  // namespace

tocsin_status Client::fail(tocsin_status status, std::string sentence) {
  error_ = std::move(sentence);
  code_.clear();
  return status;
}

/// Whether there is a connection to work with.
tocsin_status Client::ready() {
  if (ended_ != TOCSIN_OK) {
    error_ = end_error_;
    code_ = end_code_;
    return ended_;
  }
  return welcome_ ? TOCSIN_OK : fail(TOCSIN_INVALID, "the client is not connected");
}

tocsin_status Client::end(tocsin_status status, std::string sentence, std::string code) {
  if (rings_) {  // what the server has written before it went is good
    bool more = true;
    if (status != TOCSIN_PROTOCOL) read_ring(more, rings_->in_capacity());
    rings_.reset();
  }
  socket_.close();
  ended_ = status;
  end_error_ = std::move(sentence);
  end_code_ = std::move(code);
  error_ = end_error_;
  code_ = end_code_;
  return status;
}

tocsin_status Client::set_token(std::string token) {
  if (!is_fresh()) return fail(TOCSIN_INVALID, "the token must be set before connecting");
  hello_.token = std::move(token);
  return TOCSIN_OK;
}

tocsin_status Client::set_source_idle(std::int64_t idle_ms) {
  if (!is_fresh() || idle_ms < 0) {
    return fail(TOCSIN_INVALID, "the idle time must be set before connecting, and not be negative");
  }
  hello_.source_idle_ms = idle_ms;
  return TOCSIN_OK;
}

tocsin_status Client::set_tls(TlsOptions options) {
  if (!is_fresh()) return fail(TOCSIN_INVALID, "TLS must be set up before connecting");
  tls_ = std::move(options);
  return TOCSIN_OK;
}

tocsin_status Client::use_ring(std::uint64_t ring_bytes, Idle idle) {
  if (!is_fresh()) return fail(TOCSIN_INVALID, "a ring must be asked for before connecting");
  hello_.transport = wire::Transport::ring;
  hello_.wake = wire::Wake::socket;
  hello_.ring_bytes.reset();
  if (ring_bytes > 0) hello_.ring_bytes = ring_bytes;
  idle_ = idle;
  return TOCSIN_OK;
}

int Client::declare(std::string type) {
  if (!is_fresh()) return fail(TOCSIN_INVALID, "types must be declared before connecting");
  hello_.types.push_back({std::move(type), {}});
  return static_cast<int>(hello_.types.size() - 1);
}

int Client::add_field(int type, std::string name, std::string field_type) {
  if (!is_fresh()) return fail(TOCSIN_INVALID, "fields must be declared before connecting");
  if (type < 0 || static_cast<std::size_t>(type) >= hello_.types.size()) {
    return fail(TOCSIN_INVALID, "no type with this number was declared");
  }
  model::Catalog enumerations;
  if (!wire::parse_type(field_type, enumerations)) {
    return fail(TOCSIN_INVALID, "'" + field_type + "' is no type of a field");
  }
  auto& fields = hello_.types[static_cast<std::size_t>(type)].fields;
  fields.push_back({std::move(name), std::move(field_type)});
  return static_cast<int>(fields.size() - 1);
}

tocsin_status Client::connect(std::string_view address) {
  if (!is_fresh()) return fail(TOCSIN_INVALID, "the client is connected, or was; make another");
  const bool wants_ring = hello_.transport == wire::Transport::ring;
  if (wants_ring && !address.starts_with("unix:")) {
    return fail(TOCSIN_INVALID, "a ring needs a Unix socket, unix:PATH, and not " + std::string(address));
  }
  if (tls_ && !address.starts_with("tls:")) {
    return fail(TOCSIN_INVALID, "TLS was set up, and " + std::string(address) + " is no tls:HOST:PORT");
  }
  const Deadline until = deadline();
  if (auto wrong = socket_.connect(address, tls_.value_or(TlsOptions{}), until); !wrong.empty()) {
    return end(TOCSIN_BROKEN, std::move(wrong));
  }
  std::size_t bytes = 0;
  if (socket_.write(std::as_bytes(std::span(wire::preface)), bytes) != Io::done ||
      bytes != wire::preface.size()) {
    return end(TOCSIN_BROKEN, "the connection broke: " + socket_.error());
  }
  out_.append(wire::FrameType::hello, wire::to_json(hello_));
  last_sent_ = last_heard_ = Deadline::Clock::now();
  const auto status = run_until(until, [&] { return welcome_ && (rings_ || !wants_ring); });
  if (status == TOCSIN_TIMEOUT) return end(TOCSIN_BROKEN, "the server did not answer in time");
  return status;
}

tocsin_status Client::begin(int type) {
  if (const auto status = ready(); status != TOCSIN_OK) return status;
  if (type < 0 || static_cast<std::size_t>(type) >= sent_types_.size()) {
    return fail(TOCSIN_INVALID, "no type with this number was declared");
  }
  begun_ = &sent_types_[static_cast<std::size_t>(type)];
  event_.clear();
  writer_.begin(begun_->type);
  return TOCSIN_OK;
}

template <class Fits>
std::int64_t Client::field_of(int field, Fits fits) {
  if (begun_ == nullptr) return fail(TOCSIN_INVALID, "no event was begun");
  if (field < 0 || static_cast<std::size_t>(field) >= begun_->fields.size()) {
    return fail(TOCSIN_INVALID, "no field with this number was declared for " + begun_->type.name);
  }
  const std::uint32_t index = begun_->fields[static_cast<std::size_t>(field)];
  const model::Field& of = begun_->type.fields[index];
  if (!fits(of.type)) {
    return fail(TOCSIN_INVALID, "field '" + of.name + "' of " + begun_->type.name + " is " +
                                    model::to_string(of.type, sent_catalog_));
  }
  return index;
}

tocsin_status Client::set(int field, const model::Value& value) {
  const auto index = field_of(field, [&](const model::Type& type) {
    return type.kind == value.kind || (is_number(type.kind) && is_number(value.kind));
  });
  if (index < 0) return static_cast<tocsin_status>(index);
  if (value.kind == Kind::floating && !std::isfinite(value.f)) {
    return fail(TOCSIN_INVALID, "a float must be finite");
  }
  writer_.set(static_cast<std::uint32_t>(index), value);
  return TOCSIN_OK;
}

tocsin_status Client::set_text(int field, std::string_view text) {
  const auto index = field_of(field, [](const model::Type& type) {
    return type.kind == Kind::string || type.kind == Kind::enumeration;
  });
  if (index < 0) return static_cast<tocsin_status>(index);
  if (text.size() > welcome_->max_frame)
    return fail(TOCSIN_INVALID, "the text is larger than a frame may be");
  const auto at = static_cast<std::uint32_t>(index);
  const model::Type& type = begun_->type.fields[at].type;
  if (type.kind == Kind::string) {
    writer_.set_string(at, text);
    return TOCSIN_OK;
  }
  const auto& labels = sent_catalog_.enumerations[type.enumeration].labels;
  const auto label = std::find(labels.begin(), labels.end(), text);
  if (label == labels.end()) {
    return fail(TOCSIN_INVALID,
                "'" + std::string(text) + "' is no label of " + model::to_string(type, sent_catalog_));
  }
  writer_.set_int(at, label - labels.begin());
  return TOCSIN_OK;
}

tocsin_status Client::set_array(int field, Kind element, std::vector<model::Value>& elements) {
  const auto index = field_of(field, [&](const model::Type& type) {
    return type.kind == Kind::array &&
           (type.element == element || (is_number(type.element) && is_number(element)));
  });
  if (index < 0) return static_cast<tocsin_status>(index);
  std::size_t bytes = 8 * elements.size();
  for (const model::Value& each : elements) {
    if (element == Kind::string) bytes += each.size;
    if (element == Kind::floating && !std::isfinite(each.f))
      return fail(TOCSIN_INVALID, "a float must be finite");
  }
  if (bytes > welcome_->max_frame) return fail(TOCSIN_INVALID, "the array is larger than a frame may be");
  writer_.set_array(static_cast<std::uint32_t>(index), elements);
  return TOCSIN_OK;
}

tocsin_status Client::commit() {
  if (const auto status = ready(); status != TOCSIN_OK) return status;
  if (begun_ == nullptr) return fail(TOCSIN_INVALID, "no event was begun");
  const SentType& sent = *std::exchange(begun_, nullptr);
  for (std::uint32_t i = 0; i < sent.type.fields.size(); ++i) {
    if (sent.type.fields[i].type.nullable || writer_.is_set(i)) continue;
    return fail(TOCSIN_INVALID,
                "field '" + sent.type.fields[i].name + "' of " + sent.type.name + " is not set");
  }
  writer_.commit(0, 0, 0);
  if (event_[0].size() + sizeof(wire::EventsHead) > most_payload_) {
    return fail(TOCSIN_INVALID, most_payload_ < welcome_->max_frame
                                    ? "the event is larger than the ring"
                                    : "the event is larger than a frame may be");
  }
  if (batch_.size() - framed_ >= batch_events || batch_.bytes() >= batch_bytes) {
    if (const auto status = flush(deadline()); status != TOCSIN_OK) return status;
  }
  batch_.append(event_[0]);
  ++committed_;
  return TOCSIN_OK;
}

/// Puts committed events into frames, as far as the server takes more; with rings this sends them.
void Client::frame_events() {
  if (rings_ && rings_->is_full()) return;
  if (watermark_) {  // what was committed before it has gone
    if (!rings_->put_watermark(*watermark_)) return;
    watermark_.reset();
  }
  const std::size_t good_payload = rings_ ? rings_->good_payload() : most_payload_;
  const std::uint64_t numbered = numbered_;
  while (framed_ < batch_.size() && numbered_ < credit_end_ && out_.size() < most_out_bytes) {
    std::size_t end = framed_;
    std::size_t bytes = sizeof(wire::EventsHead);
    do {
      bytes += batch_[end++].size();
    } while (end < batch_.size() && numbered_ + (end - framed_) < credit_end_ &&
             bytes + batch_[end].size() <= good_payload);
    if (!put_events(end)) break;
    numbered_ += end - framed_;
    framed_ = end;
  }
  if (rings_) {
    rings_->publish();
    if (numbered_ != numbered) last_sent_ = now_;
  }
  if (framed_ == batch_.size()) {
    batch_.clear();
    framed_ = 0;
  }
}

bool Client::put_events(std::size_t end) {
  if (rings_) return rings_->put_events(numbered_ + 1, batch_, framed_, end);
  wire::append_events(out_, numbered_ + 1, batch_, framed_, end);
  return true;
}

/// With rings a call that has what it waits for makes no system call: the socket, which has acknowledgements
/// and the end, is left for later where there is still credit enough.
bool Client::can_skip_socket() const {
  return rings_ && now_ < last_read_ + socket_every && credit_end_ - numbered_ > welcome_->window / 4;
}

tocsin_status Client::flush(Deadline deadline) {
  if (const auto status = ready(); status != TOCSIN_OK) return status;
  return run_until(deadline, [&] { return !has_unsent(); });
}

tocsin_status Client::wait_acknowledged(Deadline deadline) {
  if (const auto status = ready(); status != TOCSIN_OK) return status;
  return run_until(deadline, [&] { return ack_.number == committed_; });
}

tocsin_status Client::watermark(std::int64_t time_ns) {
  const Deadline until = deadline();
  if (const auto status = flush(until); status != TOCSIN_OK) return status;
  if (rings_) {
    watermark_ = time_ns;
  } else {
    wire::append(out_, wire::Watermark{time_ns});
  }
  return flush(until);
}

void Client::beat() {
  now_ = Deadline::Clock::now();
  // What waits for room in the ring may do so for long, and the server hears nothing of it.
  const bool waits = rings_ ? written_ < out_.size() : has_unsent();
  if (!welcome_ || waits || welcome_->heartbeat_ms == 0) return;
  const auto next = last_sent_ + std::chrono::milliseconds(welcome_->heartbeat_ms);
  if (now_ >= next) wire::append(out_, wire::Heartbeat{});
}

tocsin_status Client::write(bool& worked) {
  if (welcome_) frame_events();
  while (written_ < out_.size()) {
    std::size_t bytes = 0;
    switch (socket_.write(out_.bytes().subspan(written_), bytes)) {
      case Io::done: break;
      case Io::again: return TOCSIN_OK;
      default: return TOCSIN_BROKEN;  // what the server said last, if anything, is yet to be read
    }
    written_ += bytes;
    worked = true;
    last_sent_ = now_;
  }
  out_.clear();
  written_ = 0;
  return TOCSIN_OK;
}

tocsin_counts Client::counts() const {
  return {.committed = committed_,
          .sent = numbered_,
          .acknowledged = ack_.number,
          .rejected = ack_.rejected,
          .matches = matches_,
          .dropped = dropped_};
}

bool Client::next_rejection(std::uint64_t& number, const char*& sentence) {
  if (rejections_.empty()) return false;
  number = rejections_.front().first;
  rejection_ = std::move(rejections_.front().second);
  rejections_.pop_front();
  sentence = rejection_.c_str();
  return true;
}

tocsin_status Client::close() {
  const Deadline until = deadline();
  closing_ = true;
  if (const auto status = flush(until); status != TOCSIN_OK) return status;
  out_.append(wire::FrameType::bye, wire::to_json(wire::Bye{std::string(wire::code::done), ""}));
  const auto status = run_until(until, [] { return false; });
  if (status != TOCSIN_CLOSED || end_code_ != wire::code::done) return status;
  if (ack_.number != committed_) return fail(TOCSIN_CLOSED, "the server ended without taking all events");
  error_.clear();
  code_.clear();
  return TOCSIN_OK;
}

}  // namespace tocsin::client
