// Files, pipes and generators of a live service, read in between and never waited for. They are the engine's
// first sources. A file or generator is read while it holds event time back most; a pipe is like a
// connection: read whenever it has something.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/net/descriptor.hpp"
#include "connectors/net/poller.hpp"
#include "engine/runtime/engine.hpp"
#include "service/config.hpp"
#include "service/inputs.hpp"
#include "service/log.hpp"
#include "service/snapshot.hpp"

namespace tocsin::service {

class LiveInputs {
 public:
  /// Opens all of them. Throws std::runtime_error with a sentence where one can't be opened. `plan` is kept
  /// as long as its types are read.
  LiveInputs(connectors::net::Poller& poller, const Config& config, std::shared_ptr<const plan::Plan> plan,
             const connectors::SourceContext& context, Log& log);
  ~LiveInputs();
  LiveInputs(const LiveInputs&) = delete;
  LiveInputs& operator=(const LiveInputs&) = delete;

  /// Adds them to the engine, before any other source.
  void add_to(runtime::Engine& engine);
  /// False where read_some() would find nothing.
  bool may_read() const;
  /// Takes one batch from some of them. True where there is more to be had at once.
  bool read_some(runtime::Engine& engine);
  /// From the next event on the types are those of `plan`. An empty string, or a sentence that says why an
  /// input can't go on with them; then nothing has changed.
  std::string use(std::shared_ptr<const plan::Plan> plan);
  /// `stats` is the engine's now.
  std::vector<InputState> states(const runtime::Stats& stats) const;

 private:
  struct Input;

  void read(runtime::Engine& engine, Input& input);
  void close(runtime::Engine& engine, Input& input);

  connectors::net::Poller& poller_;
  const Config& config_;
  std::shared_ptr<const plan::Plan> plan_;
  Log& log_;
  std::vector<std::unique_ptr<Input>> inputs_;
  model::EventBatch batch_;
};

}  // namespace tocsin::service
