#include "engine/plan/expr_hash.hpp"

#include <bit>

#include "engine/base/hash.hpp"

namespace tocsin::plan {

namespace {

std::uint64_t hash_one(const Expr& expr, std::uint64_t seed) {
  seed = hash_mix(static_cast<std::uint64_t>(expr.op) << 32 | expr.ref.field, seed);
  if (expr.op == Op::constant) {
    seed = hash_mix(static_cast<std::uint64_t>(expr.constant.i), seed);
    seed = hash_mix(std::bit_cast<std::uint64_t>(expr.constant.f), seed);
    seed = hash_bytes(expr.constant.s, seed);
  }
  for (const std::string& pattern : expr.patterns)
    seed = hash_bytes(pattern, seed);
  return hash_of(expr.args, seed);
}

}  // namespace

std::uint64_t hash_of(const std::vector<Expr>& conjuncts, std::uint64_t seed) {
  seed = hash_mix(conjuncts.size(), seed);
  for (const Expr& conjunct : conjuncts)
    seed = hash_one(conjunct, seed);
  return seed;
}

}  // namespace tocsin::plan
