#pragma once

#include <cstdint>

namespace tocsin {

/// What a thread does when it has nothing to do: burn its core, give way, or sleep until it is woken.
enum class Idle : std::uint8_t { spin, yield, park };

}  // namespace tocsin
