// Any bytes as what a client sends that speaks lines, into a whole connection with an engine behind it: whole
// and in small pieces, with pauses between them and answers that are taken a few bytes at a time, the same
// events are taken and the same lines refused; what is answered is JSON, a line each. Bytes that begin as
// frames do are taken as such.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>

#include "connectors/net/connection.hpp"
#include "dsl/compile.hpp"
#include "engine/base/assert.hpp"
#include "engine/runtime/engine.hpp"

using namespace tocsin;
using namespace tocsin::connectors::net;

namespace {

const plan::Plan& plan() {
  static const dsl::Compiled compiled = dsl::compile_text("fuzz", R"(
    event A { i: int?, s: string?, at: time(ms) @timestamp }
    event B { e: enum(x, y)?, w: string[]?, f: float? }
    rule r { from A[i > 0] emit M { s: s } }
    rule all { match b: B }
  )");
  TOCSIN_ASSERT(compiled.plan.has_value());
  return *compiled.plan;
}

std::shared_ptr<const Rules> rules() {
  static const auto made = [] {
    auto rules = std::make_shared<Rules>();
    rules->catalog = std::shared_ptr<const model::Catalog>(std::shared_ptr<void>(), &plan().catalog);
    for (const plan::Rule& rule : plan().rules) {
      auto& output = rules->rules.emplace_back();
      output.name = rule.name;
      if (rule.emit) output.emitted = rule.emit->type;
      for (const plan::Step& step : rule.steps)
        output.steps.push_back({step.name, step.types.front()});
    }
    return rules;
  }();
  return made;
}

/// What the client sends, and what it got. It sends at most `piece` bytes at once and reads as many, and in
/// between there is nothing for it to do, where they are few.
class Bytes final : public Stream {
 public:
  Bytes(std::string_view bytes, std::size_t piece) : Stream(Descriptor()), rest_(bytes), piece_(piece) {}

  IoResult read(std::span<std::byte> to) override {
    if (piece_ < 100 && (pause_ = !pause_)) return {Io::again, 0};
    if (rest_.empty()) return {Io::end, 0};
    const std::size_t size = std::min({to.size(), rest_.size(), piece_});
    std::memcpy(to.data(), rest_.data(), size);
    rest_.remove_prefix(size);
    return {Io::done, size};
  }
  IoResult write(std::span<const std::span<const std::byte>> pieces) override {
    std::size_t taken = 0;
    for (const auto& piece : pieces) {
      const std::size_t size = std::min(piece.size(), piece_ - std::min(piece_, taken));
      got.append(reinterpret_cast<const char*>(piece.data()), size);
      taken += size;
    }
    return {taken > 0 ? Io::done : Io::again, taken};
  }
  void shutdown() override {}
  bool all_sent() const { return rest_.empty(); }

  std::string got;

 private:
  std::string_view rest_;
  std::size_t piece_;
  bool pause_ = false;
};

class Taker final : public EventTaker {
 public:
  explicit Taker(MatchHub& hub) : engine_(plan(), {}, hub) {}

  std::optional<std::uint16_t> open_source(std::string_view, std::optional<std::int64_t>) override {
    return engine_.add_source({.awaited = false});
  }
  void take(std::uint16_t source, model::EventBatch& batch, std::int64_t) override {
    for (std::size_t i = 0; i < batch.size(); ++i)
      events.append(reinterpret_cast<const char*>(batch[i].bytes()), batch[i].size());
    engine_.push(source, batch);
  }
  void advance(std::uint16_t source, std::int64_t time_ns) override { engine_.advance(source, time_ns); }
  void close_source(std::uint16_t source) override { engine_.close_source(source); }
  void mark(std::int64_t stamp) override { engine_.mark(stamp); }

  std::string events;

 private:
  runtime::Engine engine_;
};

struct Outcome {
  std::string events;
  std::uint64_t lines = 0;
  std::uint64_t rejected = 0;
  std::array<std::uint64_t, refusals> refused{};
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void check_answers(std::string_view got) {
  simdjson::dom::parser parser;
  while (!got.empty()) {
    const std::size_t end = got.find('\n');
    if (end == std::string_view::npos) return;  // it was cut off
    simdjson::dom::object object;
    TOCSIN_ASSERT(parser.parse(std::string(got.substr(0, end))).get(object) == simdjson::SUCCESS);
    got.remove_prefix(end + 1);
  }
}

Outcome talk(std::string_view bytes, std::size_t piece) {
  ServerOptions options;
  options.limits.max_line_bytes = 300;
  options.limits.max_frame_bytes = 4096;
  options.limits.batch_events = 4;
  options.limits.read_bytes = 1000;
  options.clock = [] { return std::int64_t{0}; };
  Poller poller;
  MatchHub hub(poller, {.one_thread = true, .max_frame_bytes = options.limits.max_frame_bytes}, rules());
  Taker taker(hub);
  Shared shared(poller, hub, taker, options);
  auto stream = std::make_unique<Bytes>(bytes, piece);
  Bytes& client = *stream;
  Connection connection(shared, std::move(stream), {"fuzz", nullptr, false});
  // What is left to do when all is sent and nothing moves is what a subscriber waits for.
  std::size_t still = 0;
  while (!connection.is_gone() && still < 4) {
    const std::size_t got = client.got.size();
    const bool all_sent = client.all_sent();
    connection.on_ready(EPOLLIN | EPOLLOUT);
    connection.run();
    connection.write();
    still = all_sent && client.got.size() == got ? still + 1 : 0;
  }
  const bool lines = connection.session() != nullptr && connection.session()->form() == "lines";
  if (lines) check_answers(client.got);
  return {taker.events, shared.counters.lines_in, shared.counters.rejected, shared.counters.refused};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = talk(bytes, SIZE_MAX);
  const Outcome pieces = talk(bytes, 7);
  // Who asks to be disconnected for reading slowly is, sooner or later.
  const auto slow = static_cast<std::size_t>(Refusal::slow);
  if (whole.refused[slow] + pieces.refused[slow] == 0) TOCSIN_ASSERT(whole == pieces);
  return 0;
}
