// The table, and the makers of those settings that are like no other.
#include "service/settings.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>
#include <thread>

#include "service/setting_makers.hpp"
#include "service/values.hpp"

namespace tocsin::service {
namespace {

using namespace makers;

constexpr std::uint64_t most_cores = 4096;
constexpr unsigned most_shards = 256;

void set_param(Config& config, const std::string& given) {
  auto [name, value] = parse_assignment(given);
  const auto at = std::find_if(config.params.begin(), config.params.end(),
                               [&, &param = name](const auto& p) { return p.first == param; });
  if (at != config.params.end()) {
    at->second = std::move(value);
  } else {
    config.params.emplace_back(std::move(name), std::move(value));
  }
}

Setting params() {
  Setting setting =
      make({"params", "--set", "NAME=VALUE", "Give a param of the rules its value (repeatable)", "Options"},
           Kind::assignments);
  setting.take = set_param;
  setting.show = [](const Config& config) {
    Texts shown;
    for (const auto& [name, value] : config.params)
      shown.push_back(fmt::format("{} = {}", toml_string(name), toml_string(value)));
    return shown;
  };
  return setting;
}

Setting columns() {
  Setting setting = make({"input.columns", "--columns", "A,B,…",
                          "Names of the columns of CSV without a header (as --event)", "Input"},
                         Kind::list);
  setting.separator = ';';
  setting.take = [](Config& config, const std::string& given) {
    config.input.columns.push_back(parse_list(given));
  };
  setting.show = [](const Config& config) {
    Texts shown;
    for (const auto& names : config.input.columns)
      shown.push_back(toml_string(fmt::format("{}", fmt::join(names, ","))));
    return shown;
  };
  return setting;
}

Setting separator() {
  Setting setting = make(
      {"input.separator", "--separator", "CHARACTER", "Between the columns of CSV; tab for a tab", "Input"},
      Kind::text);
  setting.take = [](Config& config, const std::string& given) {
    config.input.separator = parse_separator(given);
  };
  setting.show = [](const Config& config) {
    if (!config.input.separator) return Texts{};
    return Texts{toml_string(std::string(1, *config.input.separator))};
  };
  return setting;
}

Setting shards() {
  Setting setting = make({"engine.shards", "--shards", "N=1",
                          "Threads that match, each with its own partitions; auto: one a core", "Engine"},
                         Kind::number);
  setting.take = [](Config& config, const std::string& given) {
    config.engine.shards = given == "auto" ? std::clamp(std::thread::hardware_concurrency(), 1u, most_shards)
                                           : static_cast<unsigned>(parse_number(given, 1, most_shards));
  };
  setting.show = [](const Config& config) { return Texts{std::to_string(config.engine.shards)}; };
  return setting;
}

Setting cores() {
  Setting setting = make(
      {"engine.cores", "--cores", "0,1,…", "Pin shard i to the i-th of these cores", "Engine"}, Kind::list);
  setting.take = [](Config& config, const std::string& given) {
    for (const std::string& core : parse_list(given))
      config.engine.cores.push_back(static_cast<int>(parse_number(core, 0, most_cores)));
  };
  setting.show = [](const Config& config) {
    Texts shown;
    for (const int core : config.engine.cores)
      shown.push_back(std::to_string(core));
    return shown;
  };
  return setting;
}

#define AT(place)                \
  [](Config & config) -> auto& { \
    return config.place;         \
  }

void add_service(std::vector<Setting>& all) {
  all.push_back(list({"rules", "RULES", "...", "Rule files", ""}, AT(rules), checked_path));
  all.push_back(
      list({"listen", "--listen", "ADDRESS",
            "Take connections at tcp:HOST:PORT or unix:PATH, until a signal (repeatable)", "Service"},
           AT(listen), checked_address));
  all.push_back(
      text({"control", "--control", "PATH", "Unix socket for reload, rules, top, tap, stop", "Service"},
           AT(control), checked_path));
  all.push_back(text(
      {"metrics", "--metrics", "ADDRESS", "HTTP at tcp:HOST:PORT: /metrics, /healthz, /readyz", "Service"},
      AT(metrics), checked_tcp));
  all.push_back(boolean({"metrics_public", "--metrics-public", "",
                         "Let --metrics be an address that others than this machine reach", "Service"},
                        AT(metrics_public)));
  all.push_back(text({"ready_file", "--ready-file", "FILE",
                      "Write the addresses there once they take connections", "Service"},
                     AT(ready_file), checked_path));
  all.push_back(
      boolean({"watch_rules", "--watch-rules", "", "Reload when a rule file has changed", "Service"},
              AT(watch_rules)));
  all.push_back(duration(
      {"drain", "--drain", "DURATION=10s", "How long SIGTERM waits for what is under way", "Service"},
      AT(drain_ns)));
  all.push_back(params());
}

void add_inputs(std::vector<Setting>& all) {
  using connectors::Format;
  all.push_back(
      list({"input.from", "--input,-i", "SPEC",
            "A file, - for stdin, gen:payments or gen:ticks; .zst is unpacked (repeatable)", "Input"},
           AT(input.specs), checked_input));
  all.push_back(choice(
      {"input.format", "--format", "FORMAT", "ndjson or csv; without it the file's name says it", "Input"},
      AT(input.format), std::array<Choice<Format>, 2>{{{"ndjson", Format::ndjson}, {"csv", Format::csv}}}));
  all.push_back(list({"input.event", "--event", "TYPE",
                      "Every record is an event of this type (once, or once for each input)", "Input"},
                     AT(input.events)));
  all.push_back(text({"input.type_field", "--type-field", "NAME",
                      "The field that names the event's type, unless --event does", "Input"},
                     AT(input.type_field)));
  all.push_back(columns());
  all.push_back(separator());
  all.push_back(
      number({"input.seed", "--seed", "N", "Of a generator: the same seed gives the same events", "Input"},
             AT(input.generator.seed), 0));
  all.push_back(number({"input.count", "--count", "N", "Of a generator: how many events", "Input"},
                       AT(input.generator.count), 0));
  all.push_back(duration({"input.lateness", "--lateness", "DURATION",
                          "How late events may come; they are put in order (0)", "Input"},
                         AT(lateness_ns)));
  all.push_back(
      duration({"input.source_idle", "--source-idle", "DURATION=1s",
                "A connection silent for so long no longer holds event time back; 0: it does", "Service"},
               AT(source_idle_ns)));
  all.push_back(text(
      {"input.late_output", "--late-output", "FILE", "Where events go that came late, as NDJSON", "Input"},
      AT(late_output), checked_path));
  all.push_back(
      text({"input.dead_letter", "--dead-letter", "FILE", "Where bad lines go, as they came", "Input"},
           AT(dead_letter), checked_path));
}

void add_outputs(std::vector<Setting>& all) {
  all.push_back(text({"output.to", "--output,-o", "FILE", "Where matches go instead of stdout", "Output"},
                     AT(output.path), checked_path));
  all.push_back(boolean(
      {"output.with_events", "--with-events", "", "Write each match with its events, by step", "Output"},
      AT(output.with_events)));
  all.push_back(
      choice({"output.stats", "--stats", "table",
              "Counters of rules and inputs at the end, on stderr; --stats=json", "Output"},
             AT(stats),
             std::array<Choice<StatsForm>, 3>{
                 {{"table", StatsForm::table}, {"json", StatsForm::json}, {"none", StatsForm::none}}}));
}

void add_engine(std::vector<Setting>& all) {
  using runtime::Idle;
  using runtime::MatcherChoice;
  all.push_back(shards());
  all.push_back(cores());
  all.push_back(choice(
      {"engine.idle", "--idle", "park", "What a shard does that has no work: spin, yield, park", "Engine"},
      AT(engine.idle),
      std::array<Choice<Idle>, 3>{{{"spin", Idle::spin}, {"yield", Idle::yield}, {"park", Idle::park}}}));
  all.push_back(
      number({"engine.batch", "--batch", "N", "Events in one batch", ""}, AT(engine.limits.batch_events), 1));
  all.push_back(
      choice({"engine.matcher", "--matcher", "automatic", "The matcher of every rule that it can serve", ""},
             AT(engine.matcher),
             std::array<Choice<MatcherChoice>, 3>{{{"automatic", MatcherChoice::automatic},
                                                   {"grouped", MatcherChoice::grouped},
                                                   {"arena", MatcherChoice::arena}}}));
  all.push_back(boolean(
      {"engine.predicate_index", "--no-predicate-index", "", "Try every condition on every event", ""},
      AT(engine.predicate_index)));
}

template <class Get>
void add_limit(std::vector<Setting>& all, const std::string& key, const std::string& flag,
               const std::string& help, Get get) {
  Config defaults;
  all.push_back(number(
      {"limits." + key, "--limit-" + flag, fmt::format("N={}", get(defaults)), help, "Limits"}, get, 1));
}

void add_limits(std::vector<Setting>& all) {
  add_limit(all, "runs", "runs",
            "Events that a rule's unfinished runs hold on a shard; beyond it the oldest go",
            AT(engine.limits.run_nodes_per_rule));
  add_limit(all, "window_events", "window-events",
            "Events that a rule's windows hold on a shard; beyond it the oldest go",
            AT(engine.limits.window_events_per_rule));
  add_limit(all, "window_keys", "window-keys",
            "Keys whose windows a rule keeps on a shard; beyond it those go that are idle longest",
            AT(engine.limits.window_keys_per_rule));
  add_limit(all, "matches", "matches", "Matches of one rule that one event may complete",
            AT(engine.limits.matches_per_event));
  add_limit(all, "reorder", "reorder", "Events held back by --lateness", AT(engine.limits.reorder_events));
  add_limit(all, "table_rows", "table-rows", "Rows of a table; of a table of events the oldest go",
            AT(engine.limits.table_rows));
  add_limit(all, "batches", "batches", "Batches on their way to the shards",
            AT(engine.limits.batches_in_flight));
}

void add_net(std::vector<Setting>& all) {
  using connectors::wire::Policy;
  constexpr std::uint64_t gib = std::uint64_t{1} << 30;
  const auto bytes = [&](const char* key, const char* help, auto get, std::uint64_t least,
                         std::uint64_t most) {
    all.push_back(size({key, "", "", help, ""}, get, least, most));
  };
  bytes("net.max_frame", "The largest frame", AT(net.limits.max_frame_bytes), 4096, gib);
  bytes("net.max_line", "The longest line of a connection that speaks NDJSON", AT(net.limits.max_line_bytes),
        256, gib);
  all.push_back(number({"net.max_connections", "", "", "Connections at once", ""},
                       AT(net.limits.max_connections), 1, 1'000'000));
  all.push_back(
      duration({"net.handshake_timeout", "", "", "How long a connection may take to say what it speaks", ""},
               AT(net.limits.handshake_timeout_ns)));
  all.push_back(duration({"net.idle_timeout", "", "", "After which a silent connection is closed", ""},
                         AT(net.limits.idle_timeout_ns)));
  bytes("net.queue", "What waits for a subscriber, unless it asks otherwise", AT(net.limits.queue_bytes),
        4096, 16 * gib);
  bytes("net.max_queue", "What a subscriber may ask for", AT(net.limits.max_queue_bytes), 4096, 16 * gib);
  all.push_back(
      choice({"net.slow_subscriber", "", "",
              "What becomes of a subscriber whose queue is full and who named no policy: drop_oldest, "
              "block, disconnect",
              ""},
             AT(net.slow_subscriber),
             std::array<Choice<Policy>, 3>{{{"drop_oldest", Policy::drop_oldest},
                                            {"block", Policy::block},
                                            {"disconnect", Policy::disconnect}}}));
  all.push_back(number({"net.window", "", "", "Events that a client may have sent unacknowledged", ""},
                       AT(net.limits.window_events), 1, 1u << 30));
  bytes("net.ring", "A shared-memory ring, unless the client asks otherwise", AT(net.limits.ring_bytes), 4096,
        gib);
  bytes("net.max_ring", "The largest ring that a client may ask for", AT(net.limits.max_ring_bytes), 4096,
        gib);
  all.push_back(
      boolean({"net.busy_poll", "--busy-poll", "", "Never sleep while waiting for connections", "Service"},
              AT(net.busy_poll)));
  all.push_back(boolean({"net.insecure", "--insecure", "",
                         "Listen where others than this machine reach it without TLS and token", "Service"},
                        AT(net.insecure)));
  all.push_back(text({"net.token_file", "", "", "A file with the token that clients must send", ""},
                     AT(net.token_file), checked_path));
  all.push_back(text({"net.tls_certificate", "", "", "A PEM file with the service's certificate chain", ""},
                     AT(net.tls.certificate), checked_path));
  all.push_back(
      text({"net.tls_key", "", "", "A PEM file with its private key", ""}, AT(net.tls.key), checked_path));
  all.push_back(
      text({"net.tls_clients", "", "", "A PEM file with the authorities that sign client certificates", ""},
           AT(net.tls.clients), checked_path));
}

void add_log(std::vector<Setting>& all) {
  all.push_back(choice({"log.level", "--log-level", "info", "debug, info, warning, error", "Service"},
                       AT(log.level),
                       std::array<Choice<LogLevel>, 4>{{{"debug", LogLevel::debug},
                                                        {"info", LogLevel::info},
                                                        {"warning", LogLevel::warning},
                                                        {"error", LogLevel::error}}}));
  all.push_back(choice(
      {"log.format", "--log-format", "text", "text or json: one object a line", "Service"}, AT(log.format),
      std::array<Choice<LogFormat>, 2>{{{"text", LogFormat::text}, {"json", LogFormat::json}}}));
  all.push_back(
      text({"log.file", "--log-file", "FILE", "Where the service's log goes instead of stderr", "Service"},
           AT(log.file), checked_path));
  all.push_back(
      boolean({"log.quiet", "--quiet,-q", "",
               "No progress, warnings and totals on stderr; of a service only errors in its log", "Output"},
              AT(log.quiet)));
}

#undef AT

}  // namespace

std::string Setting::variable() const {
  std::string name = "TOCSIN_" + key;
  for (char& c : name)
    c = c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string Setting::name() const {
  return flag.empty() ? key : flag.substr(0, flag.find(','));
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> table = [] {
    std::vector<Setting> all;
    add_service(all);
    add_inputs(all);
    add_outputs(all);
    add_engine(all);
    add_limits(all);
    add_net(all);
    add_log(all);
    return all;
  }();
  return table;
}

const Setting* find_setting(std::string_view key) {
  const auto& all = settings();
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const Setting& setting) { return setting.key == key; });
  return at == all.end() ? nullptr : &*at;
}

std::string toml_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace tocsin::service
