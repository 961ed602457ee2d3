#include "bench/load/server_process.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <signal.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <time.h>
#include <unistd.h>

#include "bench/measure/clock.hpp"
#include "bench/measure/pin.hpp"
#include "service/config.hpp"
#include "service/live.hpp"

namespace tocsin::load {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

/// In the child. Does not return.
[[noreturn]] void serve(const dsl::Compiled& compiled, const ServerProcessOptions& options,
                        const std::string& directory) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGINT, SIG_IGN);  // a terminal sends it to both; the parent ends the child
  int code = 1;
  try {
    if (options.core >= 0) measure::pin_to(options.core);
    service::Config config;
    config.listen = {"tcp:127.0.0.1:0", fmt::format("unix:{}/socket", directory)};
    config.ready_file = directory + "/ready";
    config.net.busy_poll = options.busy_poll;
    config.lateness_ns = options.lateness_ns;
    config.output.path = "none";
    config.log.level = service::LogLevel::error;
    code = service::serve(config, compiled, [](const service::Ended&) {});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  ::_exit(code);
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "tocsin-bench-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) fail("cannot make a directory " + path_);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ServerProcess::ServerProcess(const dsl::Compiled& compiled, const ServerProcessOptions& options) {
  std::fflush(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) fail("cannot start a process");
  if (pid_ == 0) serve(compiled, options, directory_.path());
  wait_until_ready(directory_.path() + "/ready");
}

void ServerProcess::wait_until_ready(const std::string& file) {
  const std::int64_t deadline_ns = measure::steady_ns() + 30'000'000'000;
  while (!std::filesystem::exists(file)) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error("the server ended before it listened");
    }
    if (measure::steady_ns() > deadline_ns) throw std::runtime_error("the server does not come to listen");
    const timespec nap{0, 2'000'000};
    ::nanosleep(&nap, nullptr);
  }
  std::ifstream ready(file);
  for (std::string word, text; ready >> word >> text;) {
    if (word != "listen") continue;
    const auto parsed = connectors::net::parse_address(text);
    (parsed.address.kind == connectors::net::Address::Kind::tcp ? tcp_ : unix_) = parsed.address;
  }
}

ServerProcess::~ServerProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ServerProcess::pause() {
  ::kill(pid_, SIGSTOP);
  int status = 0;
  if (::waitpid(pid_, &status, WUNTRACED) != pid_ || !WIFSTOPPED(status)) {
    pid_ = -1;
    throw std::runtime_error("the server has ended by itself");
  }
}

void ServerProcess::resume() {
  ::kill(pid_, SIGCONT);
}

void ServerProcess::stop() {
  ::kill(pid_, SIGTERM);
  int status = 0;
  const pid_t ended = ::waitpid(pid_, &status, 0);
  pid_ = -1;
  if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error("the server did not end well");
}

}  // namespace tocsin::load
