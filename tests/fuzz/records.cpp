// Any bytes as input, as NDJSON and as CSV, whole and in small pieces: the same events and the same bad
// records either way.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/byte_input.hpp"
#include "connectors/open_source.hpp"
#include "dsl/compile.hpp"
#include "engine/base/assert.hpp"

using namespace tocsin;

namespace {

const model::Catalog& catalog() {
  static const dsl::Compiled compiled = dsl::compile_text("fuzz", R"(
    event A { i: int?, f: float?, b: bool?, s: string?, at: time(ms) @timestamp }
    event B { t: time?, d: duration?, e: enum(x, y)?, n: int[]?, w: string[]? }
  )");
  TOCSIN_ASSERT(compiled.plan.has_value());
  return compiled.plan->catalog;
}

struct Outcome {
  std::size_t events = 0;
  std::size_t bytes = 0;
  std::uint64_t bad = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read_all(std::string_view bytes, connectors::Format format, std::size_t piece) {
  connectors::SourceSpec spec;
  spec.path = "fuzz";
  spec.format = format;
  if (format == connectors::Format::csv) spec.event = "A";
  connectors::SourceContext context;
  context.clock = [] { return std::int64_t{0}; };
  context.lines.max_record_bytes = 256;
  auto source = connectors::open_source(connectors::memory_input(bytes, piece), spec, catalog(), context);
  Outcome outcome;
  if (!source) return outcome;
  model::EventBatch batch;
  model::ReadStatus status = model::ReadStatus::more;
  while (status == model::ReadStatus::more) {
    status = source->read(batch, 16);
    outcome.events += batch.size();
    outcome.bytes += batch.bytes();
    batch.clear();
  }
  outcome.bad = source->bad_records();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto format : {connectors::Format::ndjson, connectors::Format::csv}) {
    TOCSIN_ASSERT(read_all(bytes, format, 4096) == read_all(bytes, format, 3));
  }
  return 0;
}
