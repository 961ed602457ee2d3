// The engine as a library: rules from text, events by hand, a call for each match.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "dsl/compile.hpp"
#include "engine/plan/continuation.hpp"
#include "engine/runtime/engine.hpp"

namespace {

using namespace tocsin;

constexpr std::string_view rules = R"(
event Login { user: string, ok: bool, at: time @timestamp }

rule guessed {
  match f: Login[not ok]{3..} -> s: Login[ok]
  partition by user
  within 1m
  emit Guessed { user, failures: count(f) }
}
)";

std::shared_ptr<const plan::Plan> compile(std::string_view text) {
  dsl::Compiled compiled = dsl::compile_text("embed.tocsin", std::string(text));
  if (compiled.plan) return std::make_shared<const plan::Plan>(std::move(*compiled.plan));
  std::fputs(dsl::render(compiled.diagnostics, compiled.sources).c_str(), stderr);
  return nullptr;
}

class Printer final : public model::MatchSink {
 public:
  void use(std::shared_ptr<const plan::Plan> plan) { plan_ = std::move(plan); }

  void on_match(const model::MatchView& match) override {
    std::printf("%s:", plan_->rules[match.rule].name.c_str());
    const model::EventType& type = plan_->catalog[match.emitted.type()];
    for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
      const model::Value value = match.emitted.get(type.fields[i], i);
      if (value.kind == model::Kind::string) {
        std::printf(" %s=%.*s", type.fields[i].name.c_str(), static_cast<int>(value.size), value.s);
      } else {
        std::printf(" %s=%lld", type.fields[i].name.c_str(), static_cast<long long>(value.i));
      }
    }
    std::printf("\n");
  }

 private:
  std::shared_ptr<const plan::Plan> plan_;
};

class Logins {
 public:
  Logins(runtime::Engine& engine, const model::EventType& type)
      : engine_(engine), type_(type), source_(engine.add_source()) {}

  void push(std::string_view user, bool ok) {
    model::EventWriter writer(batch_);
    writer.begin(type_);
    writer.set_string(*type_.find("user"), user);
    writer.set_int(*type_.find("ok"), ok);
    writer.commit(seconds_++ * 1'000'000'000, 0, 0);
    engine_.push(source_, batch_);
  }

 private:
  runtime::Engine& engine_;
  const model::EventType& type_;
  const std::uint16_t source_;
  model::EventBatch batch_;
  std::int64_t seconds_ = 0;
};

}  // namespace

int main() {
  const auto plan = compile(rules);
  if (!plan) return 1;
  Printer printer;
  printer.use(plan);
  runtime::Engine engine(*plan, {}, printer);
  Logins logins(engine, *plan->catalog.find("Login"));
  for (int i = 0; i < 3; ++i)
    logins.push("ann", false);

  // Another rule, while runs are under way: the one that stays keeps them.
  const auto more = compile(std::string(rules) + "rule failed { from Login[not ok] emit Failed { user } }\n");
  if (!more) return 1;
  const auto next = std::make_shared<const plan::Plan>(plan::continued(*plan, *more));
  engine.replace(next);
  printer.use(next);
  logins.push("bob", false);
  logins.push("ann", true);
  engine.finish();
}
