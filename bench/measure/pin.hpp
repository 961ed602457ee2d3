// Which cores a thread may run on.
#pragma once

#include <vector>

namespace tocsin::measure {

/// The cores that the calling thread may use, by number.
std::vector<int> usable_cores();
/// Keeps the calling thread on this core. False where the system won't.
bool pin_to(int core);

}  // namespace tocsin::measure
