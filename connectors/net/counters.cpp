#include "connectors/net/counters.hpp"

#include "connectors/wire/handshake.hpp"

namespace tocsin::connectors::net {

namespace {

struct Words {
  std::string_view name;
  std::string_view code;
};

constexpr std::array<Words, refusals> words = {{
    {"version", wire::code::version},
    {"protocol", wire::code::protocol},
    {"schema", wire::code::schema},
    {"token", wire::code::token},
    {"tls", "tls"},
    {"peer", "peer"},
    {"limit", wire::code::limit},
    {"handshake", wire::code::timeout},
    {"idle", wire::code::timeout},
    {"slow", wire::code::slow},
    {"ring", wire::code::protocol},
    {"shutdown", wire::code::shutdown},
}};

}  // namespace

std::string_view name_of(Refusal refusal) {
  return words[static_cast<std::size_t>(refusal)].name;
}

std::string_view code_of(Refusal refusal) {
  return words[static_cast<std::size_t>(refusal)].code;
}

}  // namespace tocsin::connectors::net
