// Any text as a rule file: it compiles or gives diagnostics, in bounded time; what parses prints to text that
// parses to the same; what compiles can be run.
#include <cstddef>
#include <cstdint>
#include <string>

#include "dsl/compile.hpp"
#include "dsl/parse.hpp"
#include "engine/base/assert.hpp"
#include "engine/runtime/engine.hpp"

using namespace tocsin;

namespace {

class Discard final : public model::MatchSink {
  void on_match(const model::MatchView&) override {}
};

dsl::Parsed parse(std::string text) {
  dsl::SourceMap sources;
  sources.files.push_back({"fuzz", std::move(text)});
  return dsl::parse(sources, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const dsl::Parsed parsed = parse(text);
  if (!dsl::has_errors(parsed.diagnostics)) {
    const dsl::Parsed again = parse(dsl::ast::print(parsed.file));
    TOCSIN_ASSERT(!dsl::has_errors(again.diagnostics));
    TOCSIN_ASSERT(dsl::ast::dump(again.file) == dsl::ast::dump(parsed.file));
  }

  dsl::CompileOptions options;
  options.read_file = [](const std::string&) { return std::nullopt; };
  const dsl::Compiled compiled = dsl::compile_text("fuzz", text, options);
  TOCSIN_ASSERT(compiled.plan.has_value() != dsl::has_errors(compiled.diagnostics));
  dsl::render(compiled.diagnostics, compiled.sources, true);
  if (compiled.plan) {
    plan::dump(*compiled.plan);
    runtime::explain(*compiled.plan, {});
    Discard discard;
    runtime::Engine engine(*compiled.plan, {}, discard);
    engine.finish();
  }
  return 0;
}
