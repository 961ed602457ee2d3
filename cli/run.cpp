// `tocsin run`: rules and inputs in, matches out. Reads the source that holds event time back most, pushes
// what it gives into the engine, and writes what comes out, until all inputs end or a signal says stop.
#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <unistd.h>

#include "cli/bad_lines.hpp"
#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/rules.hpp"
#include "cli/setting_options.hpp"
#include "cli/signals.hpp"
#include "connectors/late_writer.hpp"
#include "service/config.hpp"
#include "service/inputs.hpp"
#include "service/live.hpp"
#include "service/match_output.hpp"
#include "service/signals_blocked.hpp"
#include "service/table_files.hpp"
#include "service/text.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

using Clock = std::chrono::steady_clock;

// On a terminal that does not show the matches, too.
bool has_progress(const Config& config) {
  const bool shows_matches = config.output.path.empty() && isatty(STDOUT_FILENO) == 1;
  return stderr_is_terminal() && !shows_matches && !config.log.quiet;
}

void print_stats(StatsForm form, const RunReport& report) {
  if (form == StatsForm::table) print_stats_table(report);
  if (form == StatsForm::json) print_stats_json(report);
}

// The log has the totals of a service; what is left to say is what --stats asks for.
void report_service(const Config& config, const Ended& ended) {
  RunReport report;
  report.plan = ended.plan.get();
  report.stats = ended.stats;
  report.elapsed = ended.elapsed;
  for (const InputState& input : ended.inputs)
    report.inputs.push_back({input.name, input.bad_records, input.counts});
  print_stats(config.stats, report);
}

std::string_view name_of(int signal) {
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

class Run {
 public:
  Run(const Config& config, const plan::Plan& plan)
      : config_(config),
        plan_(plan),
        progress_(has_progress(config)),
        bad_lines_(progress_, config.log.quiet),
        output_(open_output(config.output.path)) {}

  int operator()() {
    const auto started = Clock::now();
    std::optional<runtime::Engine> engine;
    const auto tell = [this](const std::string& sentence) {
      progress_.clear();
      say(sentence);
    };
    const auto tell_news = config_.log.quiet ? TableFiles::Tell([](const std::string&) {}) : tell;
    TableFiles tables(std::make_shared<const plan::Plan>(plan_), config_.engine.limits.table_rows, tell,
                      tell_news);
    const std::vector<std::string> problems = tables.read_all();
    for (const std::string& problem : problems)
      say(problem);
    if (!problems.empty()) return exit_failed;
    if (!open()) return exit_fine;
    // One shard runs on this thread, which writes what a batch gave; more have a thread that writes.
    runtime::EngineOptions engine_options = config_.engine;
    const bool one_thread = engine_options.shards == 1;
    MatchOutput matches(plan_, *output_, config_.output, !one_thread);
    std::optional<connectors::LateWriter> late;
    if (!config_.late_output.empty()) {
      late_events_ = open_output(config_.late_output);
      late.emplace(plan_.catalog, config_.input.type_field, *late_events_);
      engine_options.late = &*late;
    }
    {
      const SignalsBlocked on_the_shards;
      engine.emplace(plan_, engine_options, matches);
    }
    for (std::size_t id = 0; id < sources_.size(); ++id)
      engine->add_source({.lateness_ns = config_.lateness_ns});
    tables.serve(*engine);
    while (open_ > 0 && StopSignals::requested() == 0 && !matches.failed()) {
      read_once(*engine);
      if (one_thread && !output_->flush()) break;
      if (progress_.due()) show_progress(engine->stats());
    }
    engine->finish();
    output_->flush();
    for (const auto& side : {dead_letters_.get(), late_events_.get()}) {
      if (side != nullptr) side->flush();
    }
    progress_.clear();
    return conclude(*engine, Clock::now() - started);
  }

 private:
  // False where a signal came before all inputs were there.
  bool open() {
    connectors::SourceContext context;
    context.report = [this](const connectors::BadRecord& record) { bad_lines_.report(record); };
    if (!config_.dead_letter.empty()) {
      dead_letters_ = open_output(config_.dead_letter);
      context.dead_letters = dead_letters_.get();
    }
    try {
      sources_ = open_inputs(config_.input, plan_.catalog, context);
    } catch (const std::runtime_error&) {
      const int signal = StopSignals::requested();
      if (signal == 0) throw;
      say(fmt::format("stopped by {} before all inputs were open", name_of(signal)));
      return false;
    }
    open_ = sources_.size();
    return true;
  }

  void read_once(runtime::Engine& engine) {
    const std::uint16_t id = engine.slowest_source();
    const model::ReadStatus status = sources_[id]->read(batch_, config_.engine.limits.batch_events);
    if (!batch_.empty()) engine.push(id, batch_);
    if (late_events_) late_events_->flush();
    if (status == model::ReadStatus::more) return;
    if (status == model::ReadStatus::failed) input_failed(*sources_[id]);
    engine.close_source(id);
    --open_;
  }

  void input_failed(const model::Source& source) {
    progress_.clear();
    say(source.error());
    exit_code_ = exit_failed;
  }

  void show_progress(const runtime::Stats& stats) {
    ProgressState state{stats.events, stats.matches, 0, 0};
    const bool known = std::all_of(sources_.begin(), sources_.end(),
                                   [](const auto& source) { return source->bytes_total() > 0; });
    for (const auto& source : sources_) {
      state.bytes_read += source->bytes_read();
      state.bytes_total += known ? source->bytes_total() : 0;
    }
    progress_.show(state);
  }

  int conclude(const runtime::Engine& engine, Clock::duration elapsed) {
    if (output_->pipe_closed()) return exit_fine;  // whoever read the matches has enough
    for (const auto& written : {output_.get(), dead_letters_.get(), late_events_.get()}) {
      if (written == nullptr || !written->failed()) continue;
      say(written->error());
      exit_code_ = exit_failed;
    }
    RunReport report;
    report.plan = &plan_;
    report.stats = engine.stats();
    report.limits = config_.engine.limits;
    report.late_output = config_.late_output;
    report.elapsed = elapsed;
    for (std::size_t id = 0; id < sources_.size(); ++id)
      report.inputs.push_back({sources_[id]->name(), sources_[id]->bad_records(), report.stats.sources[id]});
    if (!config_.log.quiet) {
      bad_lines_.print_summary(config_.dead_letter);
      print_losses(report);
      if (const int signal = StopSignals::requested(); signal != 0) {
        say(fmt::format("stopped by {}; all that was read is matched", name_of(signal)));
      }
      print_totals(report);
    }
    print_stats(config_.stats, report);
    return exit_code_;
  }

  const Config& config_;
  const plan::Plan& plan_;
  StopSignals signals_;
  Progress progress_;
  BadLines bad_lines_;
  std::unique_ptr<connectors::Output> output_;
  std::unique_ptr<connectors::Output> dead_letters_;  // outlives the sources
  std::unique_ptr<connectors::Output> late_events_;
  Sources sources_;
  std::size_t open_ = 0;  // of the sources
  model::EventBatch batch_;
  int exit_code_ = exit_fine;
};

// Puts stdin where nothing gives events.
void complete(Config& config) {
  if (!config.input.specs.empty() || config.is_service()) return;
  if (isatty(STDIN_FILENO) == 1) {
    throw UsageError("no input: give --input FILE, pipe events to stdin, or try --input gen:payments");
  }
  config.input.specs.emplace_back("-");
}

int run(SettingOptions& options) {
  if (!read_layers(options)) return exit_failed;
  Config config = config_of(options);
  complete(config);
  dsl::Compiled compiled = compile_rules({config.rules, config.params});
  if (!compiled.plan) {
    fmt::print(stderr, "{}\n", summary(compiled.diagnostics));
    return exit_failed;
  }
  if (config.is_service())
    return serve(config, std::move(compiled), [&](const Ended& ended) { report_service(config, ended); });
  return Run(config, *compiled.plan)();
}

}  // namespace

Command add_run(CLI::App& app) {
  CLI::App* command = app.add_subcommand("run", "Run rules over events and write the matches as NDJSON");
  command->group("Commands");
  const auto options = std::make_shared<SettingOptions>();
  add_settings(*command, *options);
  command->footer(
      "Matches go to stdout, one JSON object a line; everything else goes to stderr. SIGINT and SIGTERM end "
      "the\n"
      "reading; what was read is still matched.\n"
      "\n"
      "With --listen it is a service: events and subscribers come over connections, and it goes on until "
      "SIGTERM.\n"
      "\n"
      "Examples:\n"
      "  tocsin run fraud.tocsin --input payments.ndjson > alerts.ndjson\n"
      "  tocsin run fraud.tocsin --input payments.csv.zst --event Payment --lateness 5s --stats\n"
      "  tail -F auth.ndjson | tocsin run ssh.tocsin --with-events\n"
      "  tocsin run fraud.tocsin --input gen:payments --seed 7 --count 1_000_000 --shards auto\n"
      "  tocsin run fraud.tocsin --listen tcp:127.0.0.1:7007 --control /run/tocsin/control.sock\n"
      "\n"
      "Exit code 0, also where bad lines were passed over; 1 where rules are wrong or an input can't be "
      "read; 2\n"
      "where the command line is wrong.");
  return {command, [options] { return run(*options); }};
}

}  // namespace tocsin::cli
