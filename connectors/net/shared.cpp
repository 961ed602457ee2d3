#include "connectors/net/shared.hpp"

#include <utility>

#include "connectors/ndjson_decoder.hpp"

namespace tocsin::connectors::net {

Shared::Shared(Poller& the_poller, MatchHub& the_hub, EventTaker& the_taker, ServerOptions the_options)
    : poller(the_poller), hub(the_hub), taker(the_taker), options(std::move(the_options)) {
  take_rules();
}

void Shared::take_rules() {
  std::shared_ptr<const Rules> next = hub.rules();
  checker = std::make_unique<wire::EventChecker>(*next->catalog);
  decoder = std::move(ndjson_decoder(*next->catalog, {}, options.clock).value);
  rules = std::move(next);  // only now, as the old ones were in use until here
}

bool Shared::must_hold() {
  const bool full = hub.is_full();
  if (full && !blocked) ++counters.blocks;
  blocked = full;
  return full;
}

}  // namespace tocsin::connectors::net
