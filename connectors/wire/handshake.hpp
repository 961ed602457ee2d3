// The payloads that are JSON: what a connection begins and ends with, and subscriptions. Set-up, not the hot
// path. Depth is bounded here and size by the frame's limit; members that nobody knows are passed over, so
// that later versions can say more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/schema.hpp"

namespace tocsin::connectors::wire {

/// What parsing gives: the thing, or a sentence that says why not.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string error;  // without full stop

  explicit operator bool() const { return value.has_value(); }
  const T* operator->() const { return &*value; }
  const T& operator*() const { return *value; }
};

/// Codes of REFUSED and BYE. Clients compare them, so they stay as they are.
namespace code {
inline constexpr std::string_view version = "version";    // the preface is of another version
inline constexpr std::string_view protocol = "protocol";  // bytes that are no frame, a frame out of its order
inline constexpr std::string_view schema = "schema";      // types, fields or rules are not as the client said
inline constexpr std::string_view token = "token";        // none, or a wrong one
inline constexpr std::string_view tls = "tls";            // no TLS where it is needed, or no certificate
inline constexpr std::string_view peer = "peer";          // another user at a Unix socket
inline constexpr std::string_view limit = "limit";        // too many connections, too much asked for
inline constexpr std::string_view timeout = "timeout";    // the handshake took too long, or silence did
inline constexpr std::string_view slow = "slow";          // a queue with the policy disconnect is full
inline constexpr std::string_view shutdown = "shutdown";  // the server stops
inline constexpr std::string_view done = "done";          // a client's own end
}  // namespace code

struct FieldDeclaration {
  std::string name;
  std::string type;  // as rule files write it: `float`, `string?`, `enum(a, b)`, `int[]`
};

struct TypeDeclaration {
  std::string name;
  std::vector<FieldDeclaration> fields;
};

enum class Transport : std::uint8_t { socket, ring };
/// How the server wakes a client that sleeps while its rings have nothing for it: by the futex of its flag,
/// or by a HEARTBEAT over the socket, for a client that waits for both at once.
enum class Wake : std::uint8_t { futex, socket };

struct Hello {
  std::string client;  // as logs shall call it
  std::optional<std::string> token;
  Transport transport = Transport::socket;
  std::optional<std::uint64_t> ring_bytes;     // of each ring
  Wake wake = Wake::futex;                     // with rings
  std::optional<std::int64_t> source_idle_ms;  // silent for so long, it stops holding event time back
  std::vector<TypeDeclaration> types;          // of the events that it will send
};

/// Where the fields of a type lie in its events (engine/model/event.hpp).
struct FieldLayout {
  std::string name;
  std::string type;
  std::uint32_t slot = 0;  // byte offset in the event
};

struct TypeLayout {
  std::string name;
  model::EventTypeId id = 0;
  std::uint32_t fixed_size = 0;
  std::optional<std::uint32_t> timestamp;  // index of the field that carries event time
  std::vector<FieldLayout> fields;
};

struct Welcome {
  std::uint64_t session = 0;
  std::uint64_t max_frame = 0;     // bytes of payload
  std::uint32_t window = 0;        // events
  std::uint32_t heartbeat_ms = 0;  // send one where nothing else was sent for so long
  std::vector<TypeLayout> types;   // those that the client named, in its order
  std::vector<std::string> rules;
};

struct Refused {
  std::string code;
  std::string message;
};

enum class Policy : std::uint8_t { drop_oldest, block, disconnect };

struct Subscribe {
  std::optional<std::vector<std::string>> rules = {};  // none: all
  std::optional<std::vector<std::string>> types = {};  // emitted; none: all, and matches without one too
  std::optional<Policy> policy = {};                   // none: the server's default
  std::optional<std::uint64_t> queue_bytes = {};
  bool with_events = false;
};

struct StepLayout {
  std::string name;  // empty: it has none
  std::string type;
};

struct RuleLayout {
  std::uint32_t id = 0;
  std::string name;
  std::optional<std::string> emits;
  std::optional<std::string> on_timeout;  // what a timeout emits
  std::vector<StepLayout> steps;          // by index; those of a filter are one
};

struct Subscribed {
  std::vector<TypeLayout> types;  // emitted ones; where events were asked for, those of the steps too
  std::vector<RuleLayout> rules;
};

struct Bye {
  std::string code;
  std::string message;
};

struct Ring {
  std::uint64_t in_bytes = 0;   // client to server
  std::uint64_t out_bytes = 0;  // server to client
};

std::string to_json(const Hello& hello);
std::string to_json(const Welcome& welcome);
std::string to_json(const Refused& refused);
std::string to_json(const Subscribe& subscribe);
std::string to_json(const Subscribed& subscribed);
std::string to_json(const Bye& bye);
std::string to_json(const Ring& ring);

Parsed<Hello> parse_hello(std::string_view json);
Parsed<Welcome> parse_welcome(std::string_view json);
Parsed<Refused> parse_refused(std::string_view json);
Parsed<Subscribe> parse_subscribe(std::string_view json);
Parsed<Subscribed> parse_subscribed(std::string_view json);
Parsed<Bye> parse_bye(std::string_view json);
Parsed<Ring> parse_ring(std::string_view json);

/// Whether events as `hello` declares them are events of this catalog: a sentence for every type and field
/// that is not; none where all fit. A field may be declared without the `?` that the catalog gives it; every
/// field that is not nullable must be declared. The first 100 of them. Quadratic in the fields of a type.
std::vector<std::string> compare(const std::vector<TypeDeclaration>& types, const model::Catalog& catalog);

/// The layout of a type, as WELCOME and SUBSCRIBED tell it.
TypeLayout layout_of(const model::EventType& type, const model::Catalog& catalog);
/// The type that a peer told the layout of; enumerations are added to the catalog. Its places are worked out
/// here: an error where the peer has others, as "another layout of Payment".
Parsed<model::EventType> type_of(const TypeLayout& layout, model::Catalog& catalog);

/// Reads a type as model::to_string writes it; enumerations are added to the catalog. Nothing where it is
/// none.
std::optional<model::Type> parse_type(std::string_view text, model::Catalog& catalog);

}  // namespace tocsin::connectors::wire
