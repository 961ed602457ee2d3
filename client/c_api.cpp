// The C functions: arguments to the client's own types, and nothing thrown across the border.
#include <cstring>
#include <new>

#include "client/client.hpp"

using tocsin::client::Client;
using tocsin::client::Deadline;
using tocsin::model::Kind;
using tocsin::model::Value;
namespace wire = tocsin::connectors::wire;

struct tocsin_client {
  explicit tocsin_client(std::string name) : client(std::move(name)) {}
  Client client;
};

namespace {

/// What `body` returns. The only exception that can come is that there is no memory.
template <class Body>
auto guarded(tocsin_client* client, Body body) -> decltype(body(client->client)) {
  using Result = decltype(body(client->client));
  if (client == nullptr) return static_cast<Result>(TOCSIN_INVALID);
  try {
    return body(client->client);
  } catch (...) {
    return static_cast<Result>(TOCSIN_NO_MEMORY);
  }
}

std::string text_or_empty(const char* text) {
  return text == nullptr ? "" : text;
}

tocsin_status missing(Client& client) {
  return client.fail(TOCSIN_INVALID, "an argument is null");
}

std::optional<std::vector<std::string>> names(const char* const* list, size_t count) {
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> result;
  for (size_t i = 0; i < count; ++i)
    result.emplace_back(text_or_empty(list[i]));
  return result;
}

tocsin_value value_of(const Value& value, const tocsin_event* event, const tocsin::model::Type* type) {
  tocsin_value result{};
  switch (value.kind) {
    case Kind::null: return result;
    case Kind::boolean: result.kind = TOCSIN_BOOL; break;
    case Kind::integer: result.kind = TOCSIN_INT; break;
    case Kind::time: result.kind = TOCSIN_TIME; break;
    case Kind::duration: result.kind = TOCSIN_DURATION; break;
    case Kind::floating:
      result.kind = TOCSIN_FLOAT;
      result.number = value.f;
      return result;
    case Kind::string:
      result.kind = TOCSIN_STRING;
      result.text = value.s;
      result.size = value.size;
      return result;
    case Kind::enumeration: {
      const auto& labels = event->catalog->enumerations[type->enumeration].labels;
      const std::string& label = labels[static_cast<std::size_t>(value.i)];
      result.kind = TOCSIN_ENUM;
      result.text = label.data();
      result.size = label.size();
      break;
    }
    case Kind::array:
      result.kind = TOCSIN_ARRAY;
      result.element = value_of({.i = 0, .size = 0, .kind = value.element}, nullptr, nullptr).kind;
      result.data = value.array;
      result.size = value.size;
      return result;
  }
  result.integer = value.i;
  return result;
}

Kind kind_of(tocsin_kind kind) {
  switch (kind) {
    case TOCSIN_BOOL: return Kind::boolean;
    case TOCSIN_FLOAT: return Kind::floating;
    case TOCSIN_STRING: return Kind::string;
    case TOCSIN_TIME: return Kind::time;
    case TOCSIN_DURATION: return Kind::duration;
    default: return Kind::integer;
  }
}

/// Sets an array of `count` elements that `element_at` gives.
template <class ElementAt>
tocsin_status set_array(tocsin_client* client, int field, Kind kind, const void* values, size_t count,
                        ElementAt element_at) {
  return guarded(client, [&](Client& to) {
    if (values == nullptr && count > 0) return missing(to);
    auto& elements = to.elements();
    for (size_t i = 0; i < count; ++i)
      elements.push_back(element_at(i));
    return to.set_array(field, kind, elements);
  });
}

}  // namespace

const char* tocsin_version(void) {
  return TOCSIN_CLIENT_VERSION;
}

tocsin_client* tocsin_new(const char* name) {
  try {
    return new tocsin_client(text_or_empty(name));
  } catch (...) {
    return nullptr;
  }
}

void tocsin_free(tocsin_client* client) {
  delete client;
}

const char* tocsin_error(const tocsin_client* client) {
  return client == nullptr ? "there is no client" : client->client.error().c_str();
}

const char* tocsin_error_code(const tocsin_client* client) {
  return client == nullptr ? "" : client->client.error_code().c_str();
}

tocsin_status tocsin_set_token(tocsin_client* client, const char* token) {
  return guarded(client, [&](Client& to) { return token == nullptr ? missing(to) : to.set_token(token); });
}

tocsin_status tocsin_set_timeout(tocsin_client* client, int timeout_ms) {
  return guarded(client, [&](Client& to) {
    to.set_timeout(timeout_ms);
    return TOCSIN_OK;
  });
}

tocsin_status tocsin_set_source_idle(tocsin_client* client, int64_t idle_ms) {
  return guarded(client, [&](Client& to) { return to.set_source_idle(idle_ms); });
}

tocsin_status tocsin_set_tls(tocsin_client* client, const tocsin_tls* tls) {
  return guarded(client, [&](Client& to) {
    if (tls == nullptr) return missing(to);
    return to.set_tls({.ca_file = text_or_empty(tls->ca_file),
                       .certificate_file = text_or_empty(tls->certificate_file),
                       .key_file = text_or_empty(tls->key_file),
                       .server_name = text_or_empty(tls->server_name),
                       .unverified = tls->unverified != 0});
  });
}

tocsin_status tocsin_use_ring(tocsin_client* client, uint64_t ring_bytes, tocsin_idle idle) {
  return guarded(client, [&](Client& to) {
    switch (idle) {
      case TOCSIN_SLEEP: return to.use_ring(ring_bytes, tocsin::Idle::park);
      case TOCSIN_YIELD: return to.use_ring(ring_bytes, tocsin::Idle::yield);
      case TOCSIN_SPIN: return to.use_ring(ring_bytes, tocsin::Idle::spin);
    }
    return to.fail(TOCSIN_INVALID, "there is no such way to be idle");
  });
}

int tocsin_declare(tocsin_client* client, const char* type) {
  return guarded(client, [&](Client& to) { return type == nullptr ? missing(to) : to.declare(type); });
}

int tocsin_field(tocsin_client* client, int type, const char* name, const char* field_type) {
  return guarded(client, [&](Client& to) -> int {
    if (name == nullptr || field_type == nullptr) return missing(to);
    return to.add_field(type, name, field_type);
  });
}

tocsin_status tocsin_connect(tocsin_client* client, const char* address) {
  return guarded(client, [&](Client& to) { return address == nullptr ? missing(to) : to.connect(address); });
}

int tocsin_descriptor(const tocsin_client* client) {
  return client == nullptr ? -1 : client->client.descriptor();
}

tocsin_status tocsin_begin(tocsin_client* client, int type) {
  return guarded(client, [&](Client& to) { return to.begin(type); });
}

tocsin_status tocsin_set_int(tocsin_client* client, int field, int64_t value) {
  return guarded(client, [&](Client& to) { return to.set(field, Value::integer(value)); });
}

tocsin_status tocsin_set_float(tocsin_client* client, int field, double value) {
  return guarded(client, [&](Client& to) { return to.set(field, Value::floating(value)); });
}

tocsin_status tocsin_set_bool(tocsin_client* client, int field, int value) {
  return guarded(client, [&](Client& to) { return to.set(field, Value::boolean(value != 0)); });
}

tocsin_status tocsin_set_string(tocsin_client* client, int field, const char* text, size_t size) {
  return guarded(client, [&](Client& to) {
    if (text == nullptr && size > 0) return missing(to);
    return to.set_text(field, {text, size});
  });
}

tocsin_status tocsin_set_ints(tocsin_client* client, int field, const int64_t* values, size_t count) {
  return set_array(client, field, Kind::integer, values, count,
                   [&](size_t i) { return Value::integer(values[i]); });
}

tocsin_status tocsin_set_floats(tocsin_client* client, int field, const double* values, size_t count) {
  return set_array(client, field, Kind::floating, values, count,
                   [&](size_t i) { return Value::floating(values[i]); });
}

tocsin_status tocsin_set_bools(tocsin_client* client, int field, const unsigned char* values, size_t count) {
  return set_array(client, field, Kind::boolean, values, count,
                   [&](size_t i) { return Value::boolean(values[i] != 0); });
}

tocsin_status tocsin_set_strings(tocsin_client* client, int field, const char* const* texts,
                                 const size_t* sizes, size_t count) {
  const void* both = texts == nullptr || sizes == nullptr ? nullptr : texts;
  return set_array(client, field, Kind::string, both, count, [&](size_t i) {
    return Value::string({texts[i], sizes[i]});
  });
}

tocsin_status tocsin_commit(tocsin_client* client) {
  return guarded(client, [](Client& to) { return to.commit(); });
}

tocsin_status tocsin_flush(tocsin_client* client, int timeout_ms) {
  return guarded(client, [&](Client& to) { return to.flush(Deadline::after_ms(timeout_ms)); });
}

tocsin_status tocsin_wait_acknowledged(tocsin_client* client, int timeout_ms) {
  return guarded(client, [&](Client& to) { return to.wait_acknowledged(Deadline::after_ms(timeout_ms)); });
}

tocsin_status tocsin_watermark(tocsin_client* client, int64_t time_ns) {
  return guarded(client, [&](Client& to) { return to.watermark(time_ns); });
}

void tocsin_get_counts(const tocsin_client* client, tocsin_counts* counts) {
  if (counts != nullptr) *counts = client == nullptr ? tocsin_counts{} : client->client.counts();
}

int tocsin_next_rejection(tocsin_client* client, uint64_t* number, const char** sentence) {
  if (client == nullptr || number == nullptr || sentence == nullptr) return 0;
  return client->client.next_rejection(*number, *sentence) ? 1 : 0;
}

tocsin_status tocsin_subscribe(tocsin_client* client, const tocsin_subscription* subscription) {
  return guarded(client, [&](Client& to) {
    wire::Subscribe wishes;
    if (subscription != nullptr) {
      switch (subscription->policy) {
        case TOCSIN_SERVER_DEFAULT: break;
        case TOCSIN_DROP_OLDEST: wishes.policy = wire::Policy::drop_oldest; break;
        case TOCSIN_BLOCK: wishes.policy = wire::Policy::block; break;
        case TOCSIN_DISCONNECT: wishes.policy = wire::Policy::disconnect; break;
        default: return to.fail(TOCSIN_INVALID, "there is no such policy");
      }
      wishes.rules = names(subscription->rules, subscription->rule_count);
      wishes.types = names(subscription->types, subscription->type_count);
      if (subscription->queue_bytes > 0) wishes.queue_bytes = subscription->queue_bytes;
      wishes.with_events = subscription->with_events != 0;
    }
    return to.subscribe(wishes);
  });
}

tocsin_status tocsin_poll(tocsin_client* client, int timeout_ms, const tocsin_match** match) {
  return guarded(client, [&](Client& to) {
    return match == nullptr ? missing(to) : to.poll(Deadline::after_ms(timeout_ms), *match);
  });
}

const char* tocsin_match_rule(const tocsin_match* match) {
  return match->rule->name.c_str();
}
int64_t tocsin_match_time(const tocsin_match* match) {
  return match->frame.head.at_ns;
}
uint64_t tocsin_match_trigger(const tocsin_match* match) {
  return match->frame.head.trigger_seq;
}
uint32_t tocsin_match_ordinal(const tocsin_match* match) {
  return match->frame.head.ordinal;
}
int tocsin_match_is_timeout(const tocsin_match* match) {
  return (match->frame.head.flags & wire::match_flag::timeout) != 0 ? 1 : 0;
}
int tocsin_match_is_cut(const tocsin_match* match) {
  return (match->frame.head.flags & wire::match_flag::cut) != 0 ? 1 : 0;
}
const tocsin_event* tocsin_match_emitted(const tocsin_match* match) {
  return match->emitted.view ? &match->emitted : nullptr;
}
size_t tocsin_match_size(const tocsin_match* match) {
  return match->frame.entries.size();
}
uint64_t tocsin_match_number(const tocsin_match* match, size_t index) {
  return match->frame.entries[index].seq;
}
const char* tocsin_match_step(const tocsin_match* match, size_t index) {
  const std::uint32_t step = match->frame.entries[index].step;
  return step < match->rule->steps.size() ? match->rule->steps[step].name.c_str() : "";
}
const tocsin_event* tocsin_match_event(const tocsin_match* match, size_t index) {
  return index < match->events.size() ? &match->events[index] : nullptr;
}

const char* tocsin_event_type(const tocsin_event* event) {
  return event->type->name.c_str();
}
int64_t tocsin_event_time(const tocsin_event* event) {
  return event->view.time_ns();
}
size_t tocsin_event_size(const tocsin_event* event) {
  return event->type->fields.size();
}
const char* tocsin_event_field(const tocsin_event* event, size_t field) {
  return event->type->fields[field].name.c_str();
}
tocsin_value tocsin_event_value(const tocsin_event* event, size_t field) {
  const auto& of = event->type->fields[field];
  return value_of(event->view.get(of, static_cast<std::uint32_t>(field)), event, &of.type);
}
tocsin_value tocsin_event_get(const tocsin_event* event, const char* name) {
  const auto field = name == nullptr ? std::nullopt : event->type->find(name);
  return field ? tocsin_event_value(event, *field) : tocsin_value{};
}
tocsin_value tocsin_element(tocsin_value array, size_t index) {
  Value of;
  of.array = static_cast<const std::byte*>(array.data);
  of.size = static_cast<std::uint32_t>(array.size);
  of.kind = Kind::array;
  of.element = kind_of(array.element);
  return value_of(tocsin::model::element_of(of, static_cast<std::uint32_t>(index)), nullptr, nullptr);
}

const char* tocsin_rule(const tocsin_client* client, size_t index) {
  return client == nullptr ? nullptr : client->client.rule(index);
}

tocsin_status tocsin_close(tocsin_client* client) {
  return guarded(client, [](Client& to) { return to.close(); });
}
