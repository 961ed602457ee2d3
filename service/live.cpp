#include "service/live.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include "connectors/late_writer.hpp"
#include "connectors/net/match_hub.hpp"
#include "connectors/net/poller.hpp"
#include "connectors/net/server.hpp"
#include "service/control.hpp"
#include "service/live_inputs.hpp"
#include "service/log.hpp"
#include "service/notify.hpp"
#include "service/outlets.hpp"
#include "service/rule_book.hpp"
#include "service/signals_blocked.hpp"
#include "service/table_files.hpp"

namespace tocsin::service {
namespace {

namespace net = connectors::net;

constexpr std::int64_t second_ns = 1'000'000'000;
/// How long a round sleeps at most: idle sources, the watchdog and outputs are looked at so often.
constexpr std::int64_t longest_sleep_ns = second_ns / 10;
/// How often a service that never sleeps looks at idle sources: its rounds take a tenth of a microsecond.
constexpr std::int64_t busy_tick_ns = 20'000;
/// How long the end waits for rules that are being compiled.
constexpr std::chrono::seconds compilation_patience{1};

std::shared_ptr<const net::Rules> rules_of(const std::shared_ptr<const plan::Plan>& plan) {
  net::Rules rules;
  rules.catalog = std::shared_ptr<const model::Catalog>(plan, &plan->catalog);
  rules.rules = rule_outputs(*plan);
  return std::make_shared<const net::Rules>(std::move(rules));
}

net::ServerOptions server_options(const Config& config) {
  net::ServerOptions options;
  options.limits = config.net.limits;
  options.limits.batch_events = config.engine.limits.batch_events;
  options.slow_subscriber = config.net.slow_subscriber;
  options.idle = config.net.busy_poll ? Idle::spin : Idle::park;
  return options;
}

class Live final : public Ingress, public net::EventTaker {
 public:
  Live(const Config& config, std::shared_ptr<const plan::Plan> plan, const dsl::SourceMap& sources)
      : config_(config),
        one_thread_(config.engine.shards == 1),
        log_(config.log),
        plan_(std::move(plan)),
        hub_(poller_,
             {.one_thread = one_thread_,
              .max_frame_bytes = config.net.limits.max_frame_bytes,
              .delivered =
                  [this](std::int64_t found_ns) { latency_.record(net::steady_now_ns() - found_ns); }},
             rules_of(plan_)),
        outlets_(hub_, config, one_thread_),
        mailbox_(poller_),
        sources_(sources) {}

  int run(const std::function<void(const Ended&)>& tell) {
    start();
    while (!draining_)
      round();
    drain();
    return end(tell);
  }

  // Ingress

  Snapshot snapshot() override {
    Snapshot snapshot;
    snapshot.state = draining_ ? State::draining : ready_ ? State::running : State::starting;
    snapshot.steady_ns = net::steady_now_ns();
    snapshot.started_ns = started_ns_;
    snapshot.plan = plan_;
    snapshot.stats = engine_->stats();
    snapshot.inputs = inputs_->states(snapshot.stats);
    snapshot.net = server_->counters();
    snapshot.connections = server_->connections();
    for (const net::Address& address : server_->addresses())
      snapshot.addresses.push_back(address.text());
    snapshot.bad_records = bad_records_;
    snapshot.reloads = reloads_;
    snapshot.detection = latency_.read();
    return snapshot;
  }

  std::string replace(NewRules rules) override {
    if (draining_) return "the service is draining";
    if (std::string why = inputs_->use(rules.plan); !why.empty()) return why;
    tables_.reset();
    {
      const net::MatchHub::EngineWait wait(hub_);
      const SignalsBlocked on_the_shards;
      engine_->replace(rules.plan);
    }
    plan_ = std::move(rules.plan);
    outlets_.use(plan_);
    if (late_)
      late_.emplace(plan_->catalog, config_.input.type_field, *late_events_);  // where the engine knows it
    control_->taps().use(plan_);
    hub_.replace(rules_of(plan_));
    server_->rules_changed();
    tables_ = std::move(rules.tables);
    tables_->serve(*engine_);
    ++reloads_;
    return {};
  }

  void stop(std::string_view reason) override {
    if (draining_) return;
    log_.info("stopping", {{"by", reason}});
    draining_ = true;
  }

  // EventTaker

  std::optional<std::uint16_t> open_source(std::string_view name,
                                           std::optional<std::int64_t> idle_timeout_ns) override {
    model::SourceOptions options;
    options.lateness_ns = config_.lateness_ns;
    options.awaited = false;
    options.idle_timeout_ns = idle_timeout_ns.value_or(config_.source_idle_ns);
    try {
      return engine_->add_source(options);
    } catch (const std::runtime_error& error) {
      if (may_log())
        log_.warning("no more sources", {{"connection", name}, {"reason", std::string_view(error.what())}});
      return std::nullopt;
    }
  }
  void take(std::uint16_t source, model::EventBatch& batch, std::int64_t found_ns) override {
    engine_->push(source, batch, found_ns);
  }
  void advance(std::uint16_t source, std::int64_t time_ns) override { engine_->advance(source, time_ns); }
  void close_source(std::uint16_t source) override { engine_->close_source(source); }
  void mark(std::int64_t stamp) override { engine_->mark(stamp); }

 private:
  void start() {
    const auto tell = [this](const std::string& sentence) { log_.info(sentence); };
    tables_ = std::make_shared<TableFiles>(plan_, config_.engine.limits.table_rows, tell, tell);
    if (const auto problems = tables_->read_all(); !problems.empty())
      throw std::runtime_error(fmt::format("{}", fmt::join(problems, "\n")));
    start_engine();
    open_connections();
    ControlOptions options;
    options.socket = config_.control;
    options.metrics = config_.metrics;
    options.watch_rules = config_.watch_rules;
    options.drain_ns = config_.drain_ns;
    RuleBook book(config_.rules, config_.params, sources_, plan_, config_.engine.limits.table_rows, tell);
    control_.emplace(options, mailbox_, *this, std::move(book), log_);
    outlets_.show_to(control_->taps());
    tables_->serve(*engine_);
    announce();
  }

  void start_engine() {
    outlets_.use(plan_);
    runtime::EngineOptions options = config_.engine;
    if (!config_.late_output.empty()) {
      late_events_ = open_output(config_.late_output);
      late_.emplace(plan_->catalog, config_.input.type_field, *late_events_);
      options.late = &*late_;
    }
    if (!config_.dead_letter.empty()) dead_letters_ = open_output(config_.dead_letter);
    engine_.emplace(*plan_, options, outlets_);
    connectors::SourceContext context;
    context.dead_letters = dead_letters_.get();
    context.report = [this](const connectors::BadRecord& record) { on_bad_record(record); };
    inputs_.emplace(poller_, config_, plan_, context, log_);
    inputs_->add_to(*engine_);
  }

  void open_connections() {
    net::ServerOptions options = server_options(config_);
    options.dead_letters = dead_letters_.get();
    options.bad_record = [this](const connectors::BadRecord& record) { on_bad_record(record); };
    options.note = [this](const net::ConnectionNote& note) { on_note(note); };
    server_.emplace(poller_, hub_, *this, options);
    net::ListenOptions listen;
    if (!config_.net.tls.key.empty()) {
      auto opened = net::TlsContext::open(config_.net.tls);
      if (!opened) throw std::runtime_error(opened.error);
      listen.tls = std::move(opened.value);
    }
    if (!config_.net.token_file.empty()) {
      auto opened = net::Token::read(config_.net.token_file);
      if (!opened) throw std::runtime_error(opened.error);
      listen.token = std::move(opened.value);
    }
    listen.insecure = config_.net.insecure;
    for (const std::string& text : config_.listen) {
      listen.address = net::parse_address(text).address;
      if (const std::string error = server_->listen(listen); !error.empty()) throw std::runtime_error(error);
    }
  }

  void announce() {
    std::string addresses;
    for (const net::Address& address : server_->addresses())
      addresses += (addresses.empty() ? "" : ",") + address.text();
    const std::string& metrics = control_->metrics_address();
    ready_ = true;
    log_.info("listening", {{"addresses", addresses},
                            {"metrics", metrics.empty() ? "none" : metrics},
                            {"control", config_.control.empty() ? "none" : config_.control},
                            {"rules", plan_->order.size()},
                            {"pid", static_cast<std::uint64_t>(getpid())}});
    if (!config_.ready_file.empty()) write_ready_file(metrics);
    notify_.send(fmt::format("READY=1\nSTATUS=listening at {}", addresses));
  }

  // All at once, so that whoever waits for the file finds it whole.
  void write_ready_file(const std::string& metrics) {
    const std::string half = config_.ready_file + ".new";
    {
      std::ofstream file(half, std::ios::trunc);
      for (const net::Address& address : server_->addresses())
        file << "listen " << address.text() << '\n';
      if (!metrics.empty()) file << "metrics " << metrics << '\n';
      if (!config_.control.empty()) file << "control " << config_.control << '\n';
      if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", half));
    }
    std::filesystem::rename(half, config_.ready_file);
  }

  void round() {
    bool busy = mailbox_.run();
    if (draining_) return;
    if (inputs_->may_read() && !server_->is_blocked()) busy = inputs_read() || busy;
    server_->run_once(busy ? 0 : longest_sleep_ns);
    keep_time();
    if (!outlets_.flush_round()) output_failed();
    if (late_events_) late_events_->flush();
    if (dead_letters_) dead_letters_->flush();
  }

  bool inputs_read() {
    const net::MatchHub::EngineWait wait(hub_);
    return inputs_->read_some(*engine_);
  }

  void keep_time() {
    const std::int64_t now = poller_.now_ns();
    if (config_.net.busy_poll && now - ticked_ns_ < busy_tick_ns) return;
    ticked_ns_ = now;
    {
      const net::MatchHub::EngineWait wait(hub_);
      engine_->tick(now);
    }
    const std::int64_t every = notify_.watchdog_every_ns();
    if (every > 0 && now - watched_ns_ >= every) {
      notify_.send("WATCHDOG=1");
      watched_ns_ = now;
    }
  }

  void output_failed() {
    const connectors::Output& output = *outlets_.output();
    if (!output.pipe_closed()) {
      log_.error("matches can't be written", {{"reason", output.error()}});
      failed_ = true;
    }
    stop("the output");
  }

  // Input, engine, output, one after the other. The input may take half of the time, so that who holds it up
  // does not cost others their last matches.
  void drain() {
    const std::int64_t begin = net::steady_now_ns();
    const std::int64_t deadline = begin + config_.drain_ns;
    const auto in_time = [&] { return net::steady_now_ns() < deadline; };
    notify_.send("STOPPING=1");
    server_->drain(begin + config_.drain_ns / 2);
    while (!server_->input_drained())
      drain_round();
    if (const std::uint64_t cut = server_->counters().inputs_cut; cut > 0)
      log_.warning("connections were still sending, and are cut off", {{"connections", cut}});
    tables_.reset();
    {
      const net::MatchHub::EngineWait wait(hub_);
      engine_->finish();
    }
    outlets_.flush_last();
    server_->finish();
    while (!server_->drained() && in_time())
      drain_round();
    if (const std::uint64_t unsent = server_->unsent_matches(); unsent > 0) {
      log_.error("subscribers did not take all their matches in time", {{"lost", unsent}});
      failed_ = true;
    }
    for (const auto& side : {late_events_.get(), dead_letters_.get()}) {
      if (side != nullptr) side->flush();
    }
  }

  int end(const std::function<void(const Ended&)>& tell) {
    const bool all_ended = control_->stop(compilation_patience);
    if (!all_ended) log_.warning("rules were still being compiled, which is given up");
    if (!config_.ready_file.empty()) std::filesystem::remove(config_.ready_file);
    Ended ended{plan_, engine_->stats(), {}, std::chrono::nanoseconds(net::steady_now_ns() - started_ns_)};
    ended.inputs = inputs_->states(ended.stats);
    ended.inputs.push_back(all_connections(ended));
    log_.info("stopped", {{"events", ended.stats.events}, {"matches", ended.stats.matches}});
    log_.close();
    tell(ended);
    const int code = failed_ ? 1 : 0;
    if (all_ended) return code;
    if (!config_.control.empty()) std::filesystem::remove(config_.control);
    ::_exit(code);
  }

  // All that is not of an input.
  InputState all_connections(const Ended& ended) const {
    InputState all{"connections", bad_records_, server_->counters().bytes_in, false, {}};
    std::vector<runtime::SourceStats> sources = ended.stats.sources;
    sources.push_back(ended.stats.earlier_sources);
    for (const runtime::SourceStats& source : sources) {
      all.counts.events += source.events;
      all.counts.late += source.late;
      all.counts.lateness_needed_ns = std::max(all.counts.lateness_needed_ns, source.lateness_needed_ns);
    }
    for (const InputState& input : ended.inputs) {
      all.counts.events -= input.counts.events;
      all.counts.late -= input.counts.late;
      all.bad_records -= input.bad_records;
    }
    return all;
  }

  void drain_round() {
    mailbox_.run();
    server_->run_once(longest_sleep_ns / 10);
    outlets_.flush_round();
  }

  void on_bad_record(const connectors::BadRecord& record) {
    ++bad_records_;
    if (!may_log()) return;
    log_.warning("bad record",
                 {{"source", record.source}, {"line", record.line}, {"reason", record.message}});
  }

  void on_note(const net::ConnectionNote& note) {
    using What = net::ConnectionNote::What;
    if (note.what != What::refused && log_.level() != LogLevel::debug) return;
    if (!may_log()) return;
    constexpr std::string_view texts[] = {"connection opened", "connection subscribed", "connection refused",
                                          "connection closed"};
    const auto level = note.what == What::refused ? LogLevel::warning : LogLevel::debug;
    log_.write(level, texts[static_cast<std::size_t>(note.what)],
               {{"connection", note.connection},
                {"peer", note.peer},
                {"client", note.client},
                {"code", note.code},
                {"reason", note.message}});
  }

  // Of what peers can cause.
  bool may_log() {
    if (!peer_lines_.pass(net::steady_now_ns())) return false;
    if (const std::uint64_t more = peer_lines_.take_suppressed(); more > 0)
      log_.warning("lines like this were left out", {{"lines", more}});
    return true;
  }

  const Config& config_;
  const bool one_thread_;
  const SignalsBlocked signals_;  // they are the control thread's
  Log log_;
  Notify notify_;
  RateLimit peer_lines_{20, 2};
  std::int64_t started_ns_ = net::steady_now_ns();
  std::int64_t ticked_ns_ = 0;
  std::int64_t watched_ns_ = 0;
  LatencyHistogram latency_;
  net::Poller poller_;
  std::shared_ptr<const plan::Plan> plan_;
  net::MatchHub hub_;
  Outlets outlets_;
  Mailbox mailbox_;
  const dsl::SourceMap& sources_;
  std::unique_ptr<connectors::Output> late_events_;
  std::unique_ptr<connectors::Output> dead_letters_;
  std::optional<connectors::LateWriter> late_;
  std::optional<runtime::Engine> engine_;
  std::shared_ptr<TableFiles> tables_;  // goes before the engine
  std::optional<LiveInputs> inputs_;
  std::optional<net::Server> server_;
  std::optional<Control> control_;
  bool ready_ = false;
  bool draining_ = false;
  bool failed_ = false;
  std::uint64_t bad_records_ = 0;
  std::uint64_t reloads_ = 0;
};

}  // namespace

int serve(const Config& config, dsl::Compiled compiled, const std::function<void(const Ended&)>& tell) {
  auto plan = std::make_shared<const plan::Plan>(std::move(*compiled.plan));
  return Live(config, std::move(plan), compiled.sources).run(tell);
}

}  // namespace tocsin::service
