// The other end of a service's control socket: requests out, answers in, each a line of JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "connectors/net/descriptor.hpp"

namespace tocsin::cli {

class ControlClient {
 public:
  /// Throws std::runtime_error with a sentence where nobody answers at `path`.
  explicit ControlClient(const std::string& path);

  /// Sends a request and waits for its answer. Throws std::runtime_error where the service goes meanwhile.
  std::string ask(const std::string& request);
  /// The next line, without its end; false where there will be none, or a signal came.
  bool read_line(std::string& line);

 private:
  std::string path_;
  connectors::net::Descriptor socket_;
  std::string input_;
};

/// Adds --control, which has a default where TOCSIN_CONTROL is set; `path` must outlive `app`.
void add_control_option(CLI::App& app, std::string& path);

}  // namespace tocsin::cli
