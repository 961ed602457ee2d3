// That a rule is to see an event.
#pragma once

#include <cstdint>

#include "engine/model/event.hpp"

namespace tocsin::match {

struct Visit {
  model::EventView event;
  std::uint64_t order;    // its place in the order of processing, which grows from event to event
  std::uint64_t steps;    // bit i: it satisfies the predicate of step i, or, behind the steps, of watch i
                          // (bit 0 for a rule without steps)
  std::uint32_t input;    // which of the rule's inputs its type is
  std::uint32_t key;      // the key's number in the rule's key space, where it has a partition
  std::uint32_t program;  // whose it is, and …
  std::uint32_t place;    // … where it goes back to: for the shard
};

}  // namespace tocsin::match
