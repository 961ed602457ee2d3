// File descriptors, closed when they go: the ring's, which has all that is needed.
#pragma once

#include "connectors/wire/ring_memory.hpp"

namespace tocsin::connectors::net {

using wire::Descriptor;

}  // namespace tocsin::connectors::net
