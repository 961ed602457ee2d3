#include "bench/transports/served.hpp"

#include <fmt/format.h>
#include <stdexcept>

#include "bench/transports/raw.hpp"

namespace tocsin::bench {
namespace {

constexpr const char* rules = R"(
event Tick { symbol: string, price: float, volume: int }
rule spike {
  from Tick[price > 95]
  emit Spike { symbol, price }
}
)";

double price_of(std::size_t event, std::size_t every) {
  return (event + 1) % every == 0 ? 99.5 : static_cast<double>(event % 9500) / 100;
}

}  // namespace

dsl::Compiled filter_rule() {
  dsl::Compiled result = dsl::compile_text("transports.tocsin", rules);
  if (!result.plan) throw std::runtime_error(dsl::render(result.diagnostics, result.sources, false));
  return result;
}

model::EventBatch ticks_of(const model::Catalog& catalog, std::size_t every) {
  model::EventBatch batch;
  model::EventWriter writer(batch);
  const model::EventType& type = *catalog.find("Tick");
  for (std::size_t i = 0; i < flow; ++i) {
    writer.begin(type);
    writer.set_string(0, fmt::format("SYM{:03}", i % 500));
    writer.set_float(1, price_of(i, every));
    writer.set_int(2, static_cast<std::int64_t>(i % 1000));
    writer.commit(0, 0, 0);
  }
  return batch;
}

std::string lines_of_ticks() {
  std::string lines;
  for (std::size_t i = 0; i < flow; ++i)
    lines += fmt::format("{{\"type\":\"Tick\",\"symbol\":\"SYM{:03}\",\"price\":{:.2f},\"volume\":{}}}\n",
                         i % 500, price_of(i, matching_every), i % 1000);
  return lines;
}

Served::Served(const dsl::Compiled& rules, Via via, int core, bool busy)
    : server_(rules, {.core = core, .busy_poll = busy}), via_(via) {
  ::clock_getcpuclockid(server_.pid(), &cpu_clock_);
}

const connectors::net::Address& Served::address() const {
  return via_ == Via::tcp ? server_.tcp() : server_.unix_socket();
}

void Served::connect(const model::Catalog& catalog) {
  link_ = std::make_unique<load::Link>(catalog,
                                       load::LinkOptions{.address = address(), .ring = via_ == Via::shm});
  link_->subscribe(wire::Policy::block);
  server_.pause();
}

void Served::connect_lines() {
  socket_ = load::connected(address());
  const std::string_view wish = "{\"subscribe\":{\"policy\":\"block\"}}\n";
  send_all(socket_.get(), std::as_bytes(std::span(wish)));
  check(lines_until(1, "{\"subscribed\""), "subscribed");
  server_.pause();
}

bool Served::lines_until(std::size_t count, std::string_view begin) {
  std::array<char, 4096> bytes;
  while (count > 0) {
    const auto got = read_some(socket_.get(), std::as_writable_bytes(std::span(bytes)), false);
    lines_.append(bytes.data(), got);
    std::size_t at = 0;
    for (std::size_t end; (end = lines_.find('\n', at)) != std::string::npos; at = end + 1) {
      if (!std::string_view(lines_).substr(at).starts_with(begin) || count == 0) return false;
      --count;
    }
    lines_.erase(0, at);
  }
  return lines_.empty();
}

double Served::cpu_ns() const {
  timespec time{};
  ::clock_gettime(cpu_clock_, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

}  // namespace tocsin::bench
