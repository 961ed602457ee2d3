#include "service/live_inputs.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tocsin::service {
namespace {

// Opened so that reading never waits: of stdin anew, as its flags are shared with whoever gave it to us.
connectors::net::Descriptor open_pipe(const std::string& path) {
  const std::string real = path == "-" ? "/proc/self/fd/0" : path;
  connectors::net::Descriptor fd(::open(real.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd && path == "-") {  // a socket can't be opened anew
    fd = connectors::net::Descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    if (fd) ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  }
  if (!fd) throw std::runtime_error(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  return fd;
}

bool is_pipe(const std::string& path) {
  struct stat info {};
  const bool there = (path == "-" ? ::fstat(STDIN_FILENO, &info) : ::stat(path.c_str(), &info)) == 0;
  return there &&
         (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || (path == "-" && isatty(STDIN_FILENO) == 1));
}

}  // namespace

struct LiveInputs::Input final : connectors::net::Pollable {
  void on_ready(std::uint32_t) override { ready = true; }

  std::unique_ptr<model::Source> source;
  connectors::net::Descriptor pipe;  // of pipes
  std::uint16_t id = 0;
  bool ready = true;  // reading may give something
  bool open = true;
  runtime::SourceStats counts;  // once it is closed: another may have its id
};

LiveInputs::LiveInputs(connectors::net::Poller& poller, const Config& config,
                       std::shared_ptr<const plan::Plan> plan, const connectors::SourceContext& context,
                       Log& log)
    : poller_(poller), config_(config), plan_(std::move(plan)), log_(log) {
  for (std::size_t index = 0; index < config.input.specs.size(); ++index) {
    const std::string& spec = config.input.specs[index];
    auto input = std::make_unique<Input>();
    std::unique_ptr<connectors::ByteInput> bytes;
    if (!is_generator(spec) && is_pipe(spec)) {
      if (reads_header(config.input, index)) {
        throw std::runtime_error(fmt::format(
            "{}: a service does not wait for the header line of a pipe; give input.columns", spec));
      }
      input->pipe = open_pipe(spec);
      input->ready = false;  // before a writer has come, reading would say that it is the end
      const std::string name = spec == "-" ? "stdin" : spec;
      bytes = connectors::decompressed(connectors::descriptor_input(input->pipe.get(), name), name);
      if (!poller_.add(input->pipe.get(), *input))
        throw std::runtime_error(fmt::format("cannot wait for {}: {}", name, std::strerror(errno)));
    }
    input->source = open_input(config.input, index, plan_->catalog, context, std::move(bytes));
    inputs_.push_back(std::move(input));
  }
}

LiveInputs::~LiveInputs() {
  for (const auto& input : inputs_) {
    if (input->pipe) poller_.remove(input->pipe.get(), *input);
  }
}

void LiveInputs::add_to(runtime::Engine& engine) {
  for (const auto& input : inputs_) {
    model::SourceOptions options;
    options.lateness_ns = config_.lateness_ns;
    if (input->pipe) {
      options.awaited = false;
      options.idle_timeout_ns = config_.source_idle_ns;
    }
    input->id = engine.add_source(options);
  }
}

bool LiveInputs::may_read() const {
  return std::any_of(inputs_.begin(), inputs_.end(),
                     [](const auto& input) { return input->open && input->ready; });
}

bool LiveInputs::read_some(runtime::Engine& engine) {
  bool more = false;
  for (const auto& input : inputs_) {
    if (!input->open || !input->ready) continue;
    if (!input->pipe && engine.slowest_source() != input->id) continue;
    read(engine, *input);
    more = more || (input->open && input->ready);
  }
  return more;
}

void LiveInputs::read(runtime::Engine& engine, Input& input) {
  const std::uint64_t before = input.source->bytes_read();
  const std::int64_t found_ns = connectors::net::steady_now_ns();
  const model::ReadStatus status = input.source->read(batch_, config_.engine.limits.batch_events);
  if (input.pipe && batch_.empty() && input.source->bytes_read() == before) input.ready = false;
  if (!batch_.empty()) engine.push(input.id, batch_, found_ns);
  if (status == model::ReadStatus::more) return;
  if (status == model::ReadStatus::failed) {
    log_.error("an input failed", {{"input", input.source->name()}, {"reason", input.source->error()}});
  } else {
    log_.info("an input has ended", {{"input", input.source->name()}});
  }
  close(engine, input);
}

std::string LiveInputs::use(std::shared_ptr<const plan::Plan> plan) {
  for (auto at = inputs_.begin(); at != inputs_.end(); ++at) {
    if (!(*at)->open) continue;
    std::string why = (*at)->source->use(plan->catalog);
    if (why.empty()) continue;
    while (at != inputs_.begin()) {
      if ((*--at)->open) (*at)->source->use(plan_->catalog);
    }
    return why + "; the input is open still";
  }
  plan_ = std::move(plan);
  return {};
}

void LiveInputs::close(runtime::Engine& engine, Input& input) {
  engine.close_source(input.id);
  input.counts = engine.stats().sources[input.id];
  input.open = false;
  if (input.pipe) poller_.remove(input.pipe.get(), input);
}

std::vector<InputState> LiveInputs::states(const runtime::Stats& stats) const {
  std::vector<InputState> states;
  for (const auto& input : inputs_) {
    states.push_back({input->source->name(), input->source->bad_records(), input->source->bytes_read(),
                      input->open, input->open ? stats.sources[input->id] : input->counts});
  }
  return states;
}

}  // namespace tocsin::service
