// Variants that take turns in short rounds within one run, as the machine is shared: ratios are taken within
// a round.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tocsin::bench {

struct Variant {
  std::string name;
  int beside = -1;                                      // the variant that its ratio is to
  std::function<void(std::vector<double>& items)> run;  // adds its times in ns of this round
  std::vector<std::vector<double>> rounds = {};
  std::function<double()> cpu = {};  // ns so far of the service's process
  double cpu_ns = 0;                 // in the rounds that count
};

/// Runs all in turn, so many rounds and one before that is not counted.
void play(std::vector<Variant>& variants, int rounds);

/// A table with a row a variant. Of a stream a round has one time, of one event; it has `events`.
void print_trips(const std::vector<Variant>& variants);
void print_streams(const std::vector<Variant>& variants, std::size_t events);

}  // namespace tocsin::bench
