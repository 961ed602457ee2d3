#include "engine/match/window_sums.hpp"

namespace tocsin::match {

void FloatSum::count(double value, std::uint32_t step) {
  (std::isnan(value) ? nan : infinite[value < 0]) += step;
}

void WindowSum::add_square(std::uint64_t* words, double value, bool out) {
  if (std::isfinite(value)) reinterpret_cast<Compensated*>(words)->add_square(value, out);
}

}  // namespace tocsin::match
