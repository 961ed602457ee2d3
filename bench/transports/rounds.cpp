#include "bench/transports/rounds.hpp"

#include <fmt/format.h>
#include <utility>

#include "bench/measure/quantile.hpp"

namespace tocsin::bench {
namespace {

using measure::quantile;

std::vector<double> ratios(const Variant& variant, const Variant& beside, double share) {
  std::vector<double> all;
  for (std::size_t round = 0; round < variant.rounds.size(); ++round)
    all.push_back(quantile(variant.rounds[round], share) / quantile(beside.rounds[round], share));
  return all;
}

std::vector<double> all_of(const Variant& variant) {
  std::vector<double> all;
  for (const auto& round : variant.rounds)
    all.insert(all.end(), round.begin(), round.end());
  return all;
}

/// The tenth of them, the median, nine tenths.
std::string spread(const std::vector<double>& values) {
  return fmt::format("{:.2f} {:.2f} {:.2f}", quantile(values, 0.1), quantile(values, 0.5),
                     quantile(values, 0.9));
}

}  // namespace

void play(std::vector<Variant>& variants, int rounds) {
  for (int round = -1; round < rounds; ++round) {  // the first is not counted
    for (Variant& variant : variants) {
      std::vector<double> items;
      const double before = variant.cpu ? variant.cpu() : 0;
      variant.run(items);
      if (round < 0) continue;
      if (variant.cpu) variant.cpu_ns += variant.cpu() - before;
      variant.rounds.push_back(std::move(items));
    }
  }
}

void print_trips(const std::vector<Variant>& variants) {
  fmt::print("{:<34}{:>9}{:>9}{:>9}   ratio within a round, p50: tenth median 9 tenths; p99: the same\n",
             "round trips, µs", "p50", "p99", "p99.9");
  for (const Variant& variant : variants) {
    const auto all = all_of(variant);
    fmt::print("{:<34}{:>9.2f}{:>9.2f}{:>9.2f}", variant.name, quantile(all, 0.5) / 1e3,
               quantile(all, 0.99) / 1e3, quantile(all, 0.999) / 1e3);
    if (variant.beside >= 0) {
      const Variant& beside = variants[static_cast<std::size_t>(variant.beside)];
      const auto p50 = ratios(variant, beside, 0.5), p99 = ratios(variant, beside, 0.99);
      fmt::print("   {};  {}", spread(p50), spread(p99));
    }
    fmt::print("\n");
  }
}

void print_streams(const std::vector<Variant>& variants, std::size_t events) {
  fmt::print("\n{:<34}{:>9}{:>9}{:>12}{:>12}   ratio within a round: tenth median 9 tenths\n",
             "streams, an event", "ns", "best ns", "M events/s", "service's ns");
  for (const Variant& variant : variants) {
    const auto all = all_of(variant);
    fmt::print("{:<34}{:>9.1f}{:>9.1f}{:>12.2f}", variant.name, quantile(all, 0.5), quantile(all, 0.1),
               1e3 / quantile(all, 0.5));
    if (variant.beside >= 0) {
      fmt::print("{:>12.1f}", variant.cpu_ns / static_cast<double>(events * variant.rounds.size()));
      const auto ratio = ratios(variant, variants[static_cast<std::size_t>(variant.beside)], 0.5);
      fmt::print("   {}", spread(ratio));
    }
    fmt::print("\n");
  }
}

}  // namespace tocsin::bench
