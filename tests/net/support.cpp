#include "tests/net/support.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace tocsin::connectors::net::test {

namespace {

using model::Kind;

std::shared_ptr<const Rules> make_rules(bool one_more_field) {
  auto catalog = std::make_shared<model::Catalog>();
  model::EventType payment;
  payment.name = "Payment";
  payment.fields = {
      {"card", {.kind = Kind::string}}, {"amount", {.kind = Kind::floating}}, {"at", {.kind = Kind::time}}};
  payment.timestamp = 2;
  if (one_more_field) payment.fields.push_back({"country", {.kind = Kind::string, .nullable = true}});
  payment.layout();
  model::EventType alert;
  alert.name = "Alert";
  alert.id = 1;
  alert.derived = true;
  alert.fields = {{"card", {.kind = Kind::string}}};
  alert.layout();
  catalog->types = {payment, alert};
  auto made = std::make_shared<Rules>();
  made->catalog = catalog;
  made->rules = {{.name = "big", .steps = {{"pay", 0}}, .emitted = 1},
                 {.name = "other", .steps = {{"pay", 0}}}};
  return made;
}

void write_payment(model::EventBatch& batch, std::string_view card, double amount) {
  static const auto served = rules();
  model::EventWriter writer(batch);
  writer.begin((*served->catalog)[0]);
  writer.set_string(0, card);
  writer.set_float(1, amount);
  writer.set_int(2, 1'000'000'000);
  writer.commit(0, 0, 0);
}

}  // namespace

std::shared_ptr<const Rules> rules() {
  return make_rules(false);
}

std::shared_ptr<const Rules> other_rules() {
  return make_rules(true);
}

std::optional<std::uint16_t> Engine::open_source(std::string_view name,
                                                 std::optional<std::int64_t> idle_timeout_ns) {
  std::size_t id = 0;
  while (id < open_.size() && open_[id])
    ++id;
  if (id >= max_sources) return std::nullopt;
  open_.resize(std::max(open_.size(), id + 1));
  open_[id] = true;
  log.push_back(fmt::format("open {} {}", id, name.substr(0, name.find(' '))));
  if (idle_timeout_ns) log.back() += fmt::format(" idle {}", *idle_timeout_ns);
  return static_cast<std::uint16_t>(id);
}

void Engine::mark(std::int64_t stamp) {
  if (!holds) return hub_.on_batch(stamp);
  held_.emplace_back([this, stamp] { hub_.on_batch(stamp); });
}

void Engine::deliver() {
  for (const auto& call : std::exchange(held_, {}))
    call();
}

void Engine::match(std::uint32_t rule, model::EventView event) {
  if (holds) {
    auto kept = std::make_shared<model::EventBatch>();
    kept->append(event);
    held_.emplace_back([this, rule, kept] { report(rule, (*kept)[0]); });
  } else {
    report(rule, event);
  }
}

void Engine::report(std::uint32_t rule, model::EventView event) {
  model::EventBatch made;
  const model::MatchedEvent matched{0, event};
  model::MatchView view{rule, event.time_ns(), event.seq(), {&matched, 1}, {}, false, 0};
  if (rule == 0) {
    model::EventWriter writer(made);
    writer.begin((*rules_->catalog)[1]);
    writer.set_string(0, event.load_text((*rules_->catalog)[0].fields[0].slot));
    writer.commit(event.time_ns(), event.seq(), model::Origin{rule, 0, false});
    view.emitted = made[0];
  }
  hub_.on_match(view);
}

void Engine::take(std::uint16_t source, model::EventBatch& batch, std::int64_t found_ns) {
  CHECK(found_ns > 0);
  REQUIRE(open_.at(source));
  const auto& fields = (*rules_->catalog)[0].fields;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch.header(i).seq = ++seq_;
    const double amount = batch[i].load_float(fields[1].slot);
    if (keep_events) {
      events.push_back(fmt::format("{}:{}:{}", source, batch[i].load_text(fields[0].slot), amount));
    }
    ++taken;
    if (amount > 100) match(0, batch[i]);
    if (amount < 0) match(1, batch[i]);
  }
  batch.clear();
}

void Engine::report(std::string_view card) {
  model::EventBatch batch;
  write_payment(batch, card, 200);
  batch.header(0).seq = ++seq_;
  match(0, batch[0]);
}

void Engine::advance(std::uint16_t source, std::int64_t time_ns) {
  log.push_back(fmt::format("advance {} {}", source, time_ns));
}

void Engine::close_source(std::uint16_t source) {
  open_.at(source) = false;
  log.push_back(fmt::format("close {}", source));
}

TemporaryDirectory::TemporaryDirectory() {
  char name[] = "/tmp/tocsin-net-XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, std::string_view content,
                                      unsigned mode) const {
  const std::string path = file(name);
  std::ofstream(path, std::ios::binary) << content;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  return path;
}

Service::Service(const ServerOptions& options, const ListenOptions& listen, const HubOptions& hub_options)
    : hub(poller, hub_options, rules()), engine(hub, rules()), server(poller, hub, engine, options) {
  ListenOptions at = listen;
  at.address = parse_address("tcp:127.0.0.1:0").address;
  REQUIRE(server.listen(at) == "");
  at.tls = nullptr;
  at.address = parse_address("unix:" + directory.file("socket")).address;
  REQUIRE(server.listen(at) == "");
}

void Service::until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) FAIL("what was waited for has not come within 10 s");
    server.run_once(1'000'000);
  }
}

void Service::rounds(int count) {
  for (int i = 0; i < count; ++i)
    server.run_once(0);
}

Descriptor connect_to(const Address& address) {
  sockaddr_storage name{};
  socklen_t size = 0;
  if (address.kind == Address::Kind::tcp) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(name);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    ::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr);
    size = sizeof v4;
  } else {
    auto& local = reinterpret_cast<sockaddr_un&>(name);
    local.sun_family = AF_UNIX;
    std::strncpy(local.sun_path, address.path.c_str(), sizeof local.sun_path - 1);
    size = sizeof local;
  }
  Descriptor fd(::socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0);
  return fd;
}

void ReceivedFrame::REQUIRE_PAYLOAD(bool good) {
  REQUIRE(good);
}

void Client::send(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EPIPE || errno == ECONNRESET) return;
      REQUIRE(errno == EAGAIN);
      service_.server.run_once(1'000'000);
      continue;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

bool Client::receive() {
  if (closed_) return false;
  char piece[65536];
  const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, MSG_DONTWAIT);
  if (got > 0) {
    received_.append(piece, static_cast<std::size_t>(got));
    return true;
  }
  closed_ = got == 0 || (errno != EAGAIN && errno != EINTR);
  return false;
}

void Client::shut_down_writing() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void Client::send_frame(wire::FrameType type, std::string_view json) {
  wire::FrameBuffer frames;
  frames.append(type, json);
  send(frames);
}

void Client::hello(const wire::Hello& hello) {
  send(std::string_view(wire::preface.data(), wire::preface.size()));
  send_frame(wire::FrameType::hello, wire::to_json(hello));
}

std::optional<ReceivedFrame> Client::next() {
  while (true) {
    wire::Frame frame;
    std::string fault;
    ReceivedFrame result;
    result.words.resize(received_.size() / 8 + 1);
    std::memcpy(result.words.data(), received_.data(), received_.size());
    const auto bytes = std::as_bytes(std::span(result.words)).first(received_.size());
    const wire::Next next = wire::frame_at(bytes, 1 << 26, frame, fault);
    REQUIRE_MESSAGE(next != wire::Next::fault, fault);
    if (next == wire::Next::frame) {
      result.type = frame.type;
      result.size = frame.payload.size();
      result.words.erase(result.words.begin());
      received_.erase(0, wire::frame_bytes(result.size));
      if (result.type == wire::FrameType::heartbeat) continue;
      return result;
    }
    if (closed_) {
      CHECK(received_.empty());
      return std::nullopt;
    }
    service_.until([&] { return receive() || closed_; });
  }
}

ReceivedFrame Client::expect(wire::FrameType type) {
  auto frame = next();
  REQUIRE(frame);
  REQUIRE_MESSAGE(frame->type == type, wire::name_of(frame->type) << " came: " << frame->text());
  return std::move(*frame);
}

wire::Welcome Client::welcome() {
  return *wire::parse_welcome(expect(wire::FrameType::welcome).text());
}

wire::Refused Client::refused() {
  auto refused = *wire::parse_refused(expect(wire::FrameType::refused).text());
  CHECK(!next());
  close();  // else the server waits a while for it to go
  return refused;
}

wire::Bye Client::bye() {
  auto bye = *wire::parse_bye(expect(wire::FrameType::bye).text());
  CHECK(!next());
  close();
  return bye;
}

void Client::send_payments(std::uint64_t first, const std::vector<std::pair<std::string, double>>& payments) {
  wire::FrameBuffer frames;
  append_payments(frames, first, payments);
  send(frames);
}

wire::Subscribed Client::subscribe(const wire::Subscribe& wishes) {
  send_frame(wire::FrameType::subscribe, wire::to_json(wishes));
  return *wire::parse_subscribed(expect(wire::FrameType::subscribed).text());
}

std::string Client::match_card() {
  const ReceivedFrame frame = expect(wire::FrameType::match);
  wire::Match match;
  std::string error;
  REQUIRE_MESSAGE(wire::read_match(frame.payload(), match, error), error);
  static const auto served = rules();
  return match.emitted ? std::string(match.emitted.load_text((*served->catalog)[1].fields[0].slot)) : "";
}

std::optional<std::string> Client::line() {
  while (true) {
    if (const auto end = received_.find('\n'); end != std::string::npos) {
      std::string text = received_.substr(0, end);
      received_.erase(0, end + 1);
      return text;
    }
    if (closed_) return std::nullopt;
    service_.until([&] { return receive() || closed_; });
  }
}

wire::Hello payments_hello() {
  wire::Hello hello;
  hello.client = "test";
  hello.types = {{"Payment", {{"card", "string"}, {"amount", "float"}, {"at", "time"}}}};
  return hello;
}

wire::Hello reader_hello() {
  wire::Hello hello;
  hello.client = "reader";
  return hello;
}

Producer::Producer(Service& service, const Address& address) : Client(service, address) {
  hello(payments_hello());
  welcome();
}

Reader::Reader(Service& service, const wire::Subscribe& wishes) : client(service, service.unix_socket()) {
  client.hello(reader_hello());
  client.welcome();
  subscribed = client.subscribe(wishes);
}

std::uint64_t report_until_full(Service& service, std::size_t bytes) {
  std::uint64_t reported = 0;
  while (service.server.counters().queued_bytes < bytes) {
    REQUIRE(reported < 1'000'000);
    for (int i = 0; i < 100; ++i)
      service.engine.report(fmt::format("{:06}", ++reported));
    service.rounds(1);
  }
  return reported;
}

void append_payments(wire::FrameBuffer& out, std::uint64_t first,
                     const std::vector<std::pair<std::string, double>>& payments) {
  model::EventBatch batch;
  for (const auto& [card, amount] : payments)
    write_payment(batch, card, amount);
  wire::append_events(out, first, batch, 0, batch.size());
}

std::string payment_line(std::string_view card, double amount) {
  return fmt::format("{{\"type\":\"Payment\",\"card\":\"{}\",\"amount\":{},\"at\":1}}\n", card, amount);
}

}  // namespace tocsin::connectors::net::test
