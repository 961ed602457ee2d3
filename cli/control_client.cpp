#include "cli/control_client.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/arguments.hpp"
#include "cli/command.hpp"

namespace tocsin::cli {

ControlClient::ControlClient(const std::string& path) : path_(path) {
  if (path.empty()) throw UsageError("no control socket is given: --control PATH");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw UsageError(fmt::format("the path '{}' is too long", path));
  path.copy(address.sun_path, path.size());
  socket_ = connectors::net::Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket_ ||
      ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error(fmt::format("no service answers at {}: {}", path, std::strerror(errno)));
  }
}

std::string ControlClient::ask(const std::string& request) {
  const std::string line = request + '\n';
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t count = ::send(socket_.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw std::runtime_error(fmt::format("cannot write to {}: {}", path_, std::strerror(errno)));
    sent += static_cast<std::size_t>(count);
  }
  std::string answer;
  if (!read_line(answer)) throw std::runtime_error(fmt::format("the service at {} has gone", path_));
  return answer;
}

bool ControlClient::read_line(std::string& line) {
  std::size_t searched = 0;
  while (true) {
    const std::size_t end = input_.find('\n', searched);
    if (end != std::string::npos) {
      line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return true;
    }
    searched = input_.size();
    char buffer[65536];
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    input_.append(buffer, static_cast<std::size_t>(count));
  }
}

void add_control_option(CLI::App& app, std::string& path) {
  add_value(app, "--control", "PATH", "The control socket of the service; or in TOCSIN_CONTROL",
            [&path](const std::string& text) { path = text; });
  if (const char* given = std::getenv("TOCSIN_CONTROL"); given != nullptr) path = given;
}

}  // namespace tocsin::cli
