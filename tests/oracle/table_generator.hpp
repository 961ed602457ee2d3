// Random look-ups in tables of events, added to rules that are made already.
#pragma once

#include "tests/oracle/generator.hpp"

namespace tocsin::oracle {

/// Gives some rules of `test` a table of their own, over a declared type or what an earlier rule emits, and
/// lets them look into it: where they filter, at steps, in `not`, and in what they emit.
void add_tables(Dice& dice, Case& test);

}  // namespace tocsin::oracle
