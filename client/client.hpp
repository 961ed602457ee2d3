// One connection to a server, as the C functions of tocsin.h use it: what is to be sent gathers in a batch of
// events and a buffer of frames; what has come and is in order (matches, and what describes them) waits in an
// inbox. Every call that may wait goes through run_until(): write what can be written, read what has come,
// look whether what is waited for is there, sleep.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/rings.hpp"
#include "client/socket.hpp"
#include "client/tocsin.h"
#include "connectors/wire/event_check.hpp"
#include "connectors/wire/frame.hpp"
#include "connectors/wire/handshake.hpp"
#include "connectors/wire/match_frame.hpp"
#include "engine/model/batch.hpp"

struct tocsin_event {
  tocsin::model::EventView view;
  const tocsin::model::EventType* type = nullptr;
  const tocsin::model::Catalog* catalog = nullptr;
};

struct tocsin_match {
  tocsin::connectors::wire::Match frame;
  const tocsin::connectors::wire::RuleLayout* rule = nullptr;
  tocsin_event emitted;
  std::vector<tocsin_event> events;
};

namespace tocsin::client {

namespace wire = connectors::wire;

class Client {
 public:
  explicit Client(std::string name) { hello_.client = std::move(name); }

  const std::string& error() const { return error_; }
  const std::string& error_code() const { return code_; }
  tocsin_status fail(tocsin_status status, std::string sentence);

  tocsin_status set_token(std::string token);
  tocsin_status set_source_idle(std::int64_t idle_ms);
  tocsin_status set_tls(TlsOptions options);
  tocsin_status use_ring(std::uint64_t ring_bytes, Idle idle);
  void set_timeout(int timeout_ms) { timeout_ms_ = timeout_ms; }
  int declare(std::string type);
  int add_field(int type, std::string name, std::string field_type);
  tocsin_status connect(std::string_view address);
  int descriptor() const { return socket_.descriptor(); }

  tocsin_status begin(int type);
  /// The field's index in its type, if the event begun has it and it is of one of the kinds for which
  /// `fits(type)` holds; else a negative status.
  template <class Fits>
  std::int64_t field_of(int field, Fits fits);
  tocsin_status set(int field, const model::Value& value);
  tocsin_status set_text(int field, std::string_view text);
  tocsin_status set_array(int field, model::Kind element, std::vector<model::Value>& elements);
  /// Elements of an array to be set, empty; kept from event to event.
  std::vector<model::Value>& elements() { return elements_.clear(), elements_; }
  tocsin_status commit();
  tocsin_status flush(Deadline deadline);
  tocsin_status wait_acknowledged(Deadline deadline);
  tocsin_status watermark(std::int64_t time_ns);

  tocsin_counts counts() const;
  bool next_rejection(std::uint64_t& number, const char*& sentence);

  tocsin_status subscribe(const wire::Subscribe& wishes);
  tocsin_status poll(Deadline deadline, const tocsin_match*& match);
  const char* rule(std::size_t index) const;

  tocsin_status close();
  Deadline deadline() const { return Deadline::after_ms(timeout_ms_); }

 private:
  struct SentType {
    model::EventType type;
    std::vector<std::uint32_t> fields;  // declared ones, by number: index in the type
  };

  bool is_fresh() const { return !welcome_ && ended_ == TOCSIN_OK; }
  tocsin_status ready();
  tocsin_status end(tocsin_status status, std::string sentence, std::string code = "");

  template <class Done>
  tocsin_status run_until(Deadline deadline, Done done);
  tocsin_status write(bool& worked);
  tocsin_status read(bool& worked);
  std::string read_ring(bool& worked, std::size_t most_bytes);
  tocsin_status take(const wire::Frame& frame);
  tocsin_status take_welcome(std::string_view json);
  std::string take_layout(const wire::TypeDeclaration& declared, const wire::TypeLayout& layout);
  tocsin_status take_ring(std::string_view json);
  tocsin_status take_ack(const wire::Frame& frame);
  void take_rejected(const wire::Rejected& rejected);
  tocsin_status take_subscribed(std::string_view json);
  tocsin_status take_match(const wire::Frame& frame);
  bool knows_rule(const wire::Frame& frame) const;
  tocsin_status take_event(model::EventView view, tocsin_event& event);
  void frame_events();
  bool put_events(std::size_t end);
  bool can_skip_socket() const;
  void beat();
  bool has_unsent() const { return framed_ < batch_.size() || written_ < out_.size() || watermark_; }
  bool inbox_is_empty() const { return inbox_read_ == inbox_.size(); }

  wire::Hello hello_;
  int timeout_ms_ = 5000;
  std::string error_;
  std::string code_;
  tocsin_status ended_ = TOCSIN_OK;  // else: why the connection is gone
  std::string end_error_;
  std::string end_code_;

  Socket socket_;
  wire::FrameReader reader_{std::size_t{64} << 20};
  std::optional<wire::Welcome> welcome_;
  std::vector<std::string> rule_names_;
  std::optional<TlsOptions> tls_;
  Idle idle_ = Idle::park;
  std::vector<wire::Descriptor> descriptors_;  // that came before the frame that tells of them
  std::unique_ptr<Rings> rings_;
  Deadline::Clock::time_point now_;  // as of the last look at the clock
  Deadline::Clock::time_point last_sent_;
  Deadline::Clock::time_point last_heard_;
  Deadline::Clock::time_point last_read_;  // of the socket

  model::Catalog sent_catalog_;  // of the enumerations only
  std::vector<SentType> sent_types_;
  const SentType* begun_ = nullptr;
  model::EventBatch event_;  // the one begun
  model::EventWriter writer_{event_};
  std::vector<model::Value> elements_;
  model::EventBatch batch_;                // committed events
  std::size_t framed_ = 0;                 // of these, in frames already
  std::size_t most_payload_ = 0;           // of a frame with events
  std::optional<std::int64_t> watermark_;  // that the ring has yet to take
  wire::FrameBuffer out_;
  std::size_t written_ = 0;  // bytes of it
  std::uint64_t committed_ = 0;
  std::uint64_t numbered_ = 0;    // events in frames so far
  std::uint64_t credit_end_ = 0;  // the last number that may be sent now
  wire::Ack ack_;
  std::deque<std::pair<std::uint64_t, std::string>> rejections_;
  std::string rejection_;  // the one given last

  wire::FrameBuffer inbox_;
  std::size_t inbox_read_ = 0;
  bool closing_ = false;
  std::uint64_t subscriptions_ = 0;                            // SUBSCRIBED frames that have come
  std::unordered_map<std::uint32_t, wire::RuleLayout> rules_;  // by id
  model::Catalog catalog_;                                     // of events that come, by id
  std::unique_ptr<wire::EventChecker> checker_;
  tocsin_match match_;
  std::uint64_t matches_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace tocsin::client
