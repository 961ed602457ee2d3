// Test files as text: a rule file, events, and the matches or errors that must come of them.
//
//   # What must hold, in a line.
//   matcher: grouped                        (optional: the matcher that a rule must get)
//   options: lateness=5s sources=2          (optional; sources take turns of three events)
//   rules:
//     … rule text …
//   table blocklist.csv:                    (for each table that is read from a file: what it holds)
//     ip,score
//     10.0.0.1,5
//   events:
//     {"type":"A","at":1,"x":3}             (a line each; times as json.hpp says)
//   matches:
//     {"rule":"r","seqs":[1,2]}             (a line each, in order; the keys given must agree)
//   errors:
//     3:14: unknown field 'z' of A          (instead of events and matches; lines count from `rules:`)
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/oracle/runs.hpp"

namespace tocsin::oracle {

struct Script {
  std::string purpose;
  std::string rules;
  std::string matcher;  // empty: any
  std::int64_t lateness_ns = 0;
  unsigned sources = 1;
  std::map<std::string, std::string> tables;  // by path: what is in the file
  std::vector<std::string> events;
  std::vector<std::string> matches;
  std::vector<std::string> errors;
};

/// Throws std::runtime_error with a sentence on a malformed file.
Script parse_script(const std::string& text);
/// The inverse.
std::string print(const Script& script);

/// Compiles the rules; compares the errors, or the matches of the oracle and of the engine under `setups`.
/// Empty, or what is wrong.
std::string check(const Script& script, const std::vector<Setup>& setups);

std::string read_text(const std::string& path);

}  // namespace tocsin::oracle
