// A C++20 face of tocsin.h: the same calls, with owners, views and exceptions. What fails throws Error; what
// has just not happened yet is a result (false, or nothing). Text and views live as tocsin.h says: until the
// next call with their client. A client belongs to one thread at a time.
//
//   tocsin::Client client("till 7");
//   const tocsin::Type payment = client.declare("Payment");
//   const tocsin::Field card = client.field(payment, "card", "string"), at = client.field(payment, "at",
//   "time"); client.connect("unix:/run/tocsin.sock"); client.begin(payment).set(card, "4711").set(at,
//   now_ns).commit(); client.subscribe(); while (auto match = client.poll(1000)) std::cout << match->rule()
//   << '\n'; client.close();
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tocsin.h>
#include <type_traits>
#include <vector>

namespace tocsin {

class Error : public std::runtime_error {
 public:
  Error(tocsin_status status, const char* sentence, const char* code)
      : std::runtime_error(sentence), status_(status), code_(code) {}
  tocsin_status status() const { return status_; }
  /// The protocol's, where the server ended or refused the connection; else empty.
  const std::string& code() const { return code_; }

 private:
  tocsin_status status_;
  std::string code_;
};

struct Type {
  int number = -1;
};
struct Field {
  int number = -1;
};

/// A field's value as it came.
class Value {
 public:
  explicit Value(tocsin_value value) : value_(value) {}
  tocsin_kind kind() const { return value_.kind; }
  bool is_null() const { return value_.kind == TOCSIN_NULL; }
  /// int, bool, time, duration; of an enum the index of its label.
  std::int64_t integer() const { return value_.integer; }
  double number() const { return value_.number; }
  /// A string, or an enum's label.
  std::string_view text() const { return {value_.text, value_.size}; }
  /// Of an array.
  std::size_t size() const { return value_.size; }
  Value operator[](std::size_t index) const { return Value(tocsin_element(value_, index)); }

 private:
  tocsin_value value_;
};

class Event {
 public:
  explicit Event(const tocsin_event* event) : event_(event) {}
  std::string_view type() const { return tocsin_event_type(event_); }
  std::int64_t time_ns() const { return tocsin_event_time(event_); }
  std::size_t size() const { return tocsin_event_size(event_); }
  std::string_view name(std::size_t field) const { return tocsin_event_field(event_, field); }
  Value operator[](std::size_t field) const { return Value(tocsin_event_value(event_, field)); }
  /// Null where there is no such field.
  Value operator[](const char* name) const { return Value(tocsin_event_get(event_, name)); }

 private:
  const tocsin_event* event_;
};

class Match {
 public:
  explicit Match(const tocsin_match* match) : match_(match) {}
  std::string_view rule() const { return tocsin_match_rule(match_); }
  std::int64_t time_ns() const { return tocsin_match_time(match_); }
  std::uint64_t trigger() const { return tocsin_match_trigger(match_); }
  std::uint32_t ordinal() const { return tocsin_match_ordinal(match_); }
  bool is_timeout() const { return tocsin_match_is_timeout(match_) != 0; }
  bool is_cut() const { return tocsin_match_is_cut(match_) != 0; }
  std::optional<Event> emitted() const { return event_of(tocsin_match_emitted(match_)); }
  /// Events listed: their numbers, their steps' names and, where asked for, themselves.
  std::size_t size() const { return tocsin_match_size(match_); }
  std::uint64_t number(std::size_t index) const { return tocsin_match_number(match_, index); }
  std::string_view step(std::size_t index) const { return tocsin_match_step(match_, index); }
  std::optional<Event> event(std::size_t index) const { return event_of(tocsin_match_event(match_, index)); }

 private:
  static std::optional<Event> event_of(const tocsin_event* event) {
    return event == nullptr ? std::nullopt : std::optional(Event(event));
  }
  const tocsin_match* match_;
};

struct Subscription {
  std::optional<std::vector<std::string>> rules = {};  // none: all
  std::optional<std::vector<std::string>> types = {};
  tocsin_policy policy = TOCSIN_SERVER_DEFAULT;
  std::uint64_t queue_bytes = 0;  // 0: the server's default
  bool with_events = false;
};

/// As tocsin_tls; empty texts are its NULL.
struct Tls {
  std::string ca_file = {};
  std::string certificate_file = {};
  std::string key_file = {};
  std::string server_name = {};
  bool unverified = false;
};

class Client {
 public:
  explicit Client(const std::string& name) : client_(tocsin_new(name.c_str())) {
    if (!client_) throw std::bad_alloc();
  }

  void set_token(const std::string& token) { check(tocsin_set_token(get(), token.c_str())); }
  void set_timeout_ms(int timeout_ms) { check(tocsin_set_timeout(get(), timeout_ms)); }
  void set_source_idle_ms(std::int64_t idle_ms) { check(tocsin_set_source_idle(get(), idle_ms)); }
  void set_tls(const Tls& tls) {
    const auto text = [](const std::string& of) { return of.empty() ? nullptr : of.c_str(); };
    const tocsin_tls all{.ca_file = text(tls.ca_file),
                         .certificate_file = text(tls.certificate_file),
                         .key_file = text(tls.key_file),
                         .server_name = text(tls.server_name),
                         .unverified = tls.unverified ? 1 : 0};
    check(tocsin_set_tls(get(), &all));
  }
  void use_ring(std::uint64_t ring_bytes = 0, tocsin_idle idle = TOCSIN_SLEEP) {
    check(tocsin_use_ring(get(), ring_bytes, idle));
  }
  Type declare(const std::string& type) { return {number(tocsin_declare(get(), type.c_str()))}; }
  Field field(Type type, const std::string& name, const std::string& field_type) {
    return {number(tocsin_field(get(), type.number, name.c_str(), field_type.c_str()))};
  }
  void connect(const std::string& address) { check(tocsin_connect(get(), address.c_str())); }
  int descriptor() const { return tocsin_descriptor(get()); }

  /// An event as it is made: set its fields, then commit. One at a time.
  class Builder {
   public:
    /// Numbers, bool, text (or an enum's label), spans of numbers, of bool's bytes and of texts.
    template <class T>
    Builder& set(Field field, const T& value) {
      const int f = field.number;
      if constexpr (std::same_as<T, bool>) {
        client_.check(tocsin_set_bool(client_.get(), f, value ? 1 : 0));
      } else if constexpr (std::integral<T>) {
        client_.check(tocsin_set_int(client_.get(), f, static_cast<std::int64_t>(value)));
      } else if constexpr (std::floating_point<T>) {
        client_.check(tocsin_set_float(client_.get(), f, static_cast<double>(value)));
      } else if constexpr (std::convertible_to<T, std::string_view>) {
        const std::string_view text = value;
        client_.check(tocsin_set_string(client_.get(), f, text.data(), text.size()));
      } else if constexpr (std::convertible_to<T, std::span<const std::int64_t>>) {
        const std::span<const std::int64_t> all = value;
        client_.check(tocsin_set_ints(client_.get(), f, all.data(), all.size()));
      } else if constexpr (std::convertible_to<T, std::span<const double>>) {
        const std::span<const double> all = value;
        client_.check(tocsin_set_floats(client_.get(), f, all.data(), all.size()));
      } else if constexpr (std::convertible_to<T, std::span<const unsigned char>>) {
        const std::span<const unsigned char> all = value;
        client_.check(tocsin_set_bools(client_.get(), f, all.data(), all.size()));
      } else {
        const std::span<const std::string_view> all = value;
        std::vector<const char*> texts;
        std::vector<std::size_t> sizes;
        for (const std::string_view each : all) {
          texts.push_back(each.data());
          sizes.push_back(each.size());
        }
        client_.check(tocsin_set_strings(client_.get(), f, texts.data(), sizes.data(), all.size()));
      }
      return *this;
    }
    void commit() { client_.check(tocsin_commit(client_.get())); }

   private:
    friend class Client;
    explicit Builder(Client& client) : client_(client) {}
    Client& client_;
  };
  Builder begin(Type type) {
    check(tocsin_begin(get(), type.number));
    return Builder(*this);
  }

  /// False where the time did not suffice.
  bool flush(int timeout_ms = 5000) { return in_time(tocsin_flush(get(), timeout_ms)); }
  bool wait_acknowledged(int timeout_ms = 5000) {
    return in_time(tocsin_wait_acknowledged(get(), timeout_ms));
  }
  void watermark(std::int64_t time_ns) { check(tocsin_watermark(get(), time_ns)); }

  tocsin_counts counts() const {
    tocsin_counts counts;
    tocsin_get_counts(get(), &counts);
    return counts;
  }
  struct Rejection {
    std::uint64_t number = 0;
    std::string sentence;
  };
  std::optional<Rejection> next_rejection() {
    Rejection rejection;
    const char* sentence = nullptr;
    if (tocsin_next_rejection(get(), &rejection.number, &sentence) == 0) return std::nullopt;
    rejection.sentence = sentence;
    return rejection;
  }

  void subscribe(const Subscription& subscription = {}) {
    const auto rules = pointers(subscription.rules);
    const auto types = pointers(subscription.types);
    const tocsin_subscription wishes{
        .rules = subscription.rules ? rules.data() : nullptr,
        .rule_count = rules.size() - 1,
        .types = subscription.types ? types.data() : nullptr,
        .type_count = types.size() - 1,
        .policy = subscription.policy,
        .queue_bytes = subscription.queue_bytes,
        .with_events = subscription.with_events ? 1 : 0,
    };
    check(tocsin_subscribe(get(), &wishes));
  }
  /// Nothing where none came in time.
  std::optional<Match> poll(int timeout_ms) {
    const tocsin_match* match = nullptr;
    if (!in_time(tocsin_poll(get(), timeout_ms, &match))) return std::nullopt;
    return Match(match);
  }
  std::vector<std::string> rules() const {
    std::vector<std::string> names;
    while (const char* name = tocsin_rule(get(), names.size()))
      names.emplace_back(name);
    return names;
  }

  void close() { check(tocsin_close(get())); }
  tocsin_client* get() const { return client_.get(); }

 private:
  struct Free {
    void operator()(tocsin_client* client) const { tocsin_free(client); }
  };
  void check(int status) const {
    if (status < 0)
      throw Error(static_cast<tocsin_status>(status), tocsin_error(get()), tocsin_error_code(get()));
  }
  int number(int result) const { return check(result), result; }
  bool in_time(tocsin_status status) const {
    if (status == TOCSIN_TIMEOUT) return false;
    check(status);
    return true;
  }
  /// Of the names, and one more, so that there is always somewhere to point to.
  static std::vector<const char*> pointers(const std::optional<std::vector<std::string>>& names) {
    std::vector<const char*> result;
    if (names) {
      for (const std::string& name : *names)
        result.push_back(name.c_str());
    }
    result.push_back(nullptr);
    return result;
  }

  std::unique_ptr<tocsin_client, Free> client_;
};

}  // namespace tocsin
