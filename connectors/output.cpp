#include "connectors/output.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace tocsin::connectors {

Opened<Output> Output::open(const std::string& path, Mode mode) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (mode == Mode::append ? O_APPEND : O_TRUNC);
  const int fd = ::open(path.c_str(), flags, 0666);
  if (fd < 0) return Opened<Output>::failed(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  auto output = std::make_unique<Output>(fd, path);
  output->owned_ = true;
  return {std::move(output), {}};
}

Output::Output(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
  if (fd_ != nowhere) buffer_.reserve(2 * flush_at);
}

Output::~Output() {
  flush();
  if (owned_) ::close(fd_);
}

bool Output::flush() {
  if (fd_ == nowhere) return true;
  const char* from = buffer_.data();
  std::size_t left = failed() ? 0 : buffer_.size();
  while (left > 0) {
    const ssize_t written = ::write(fd_, from, left);
    if (written >= 0) {
      from += written;
      left -= static_cast<std::size_t>(written);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd ready{fd_, POLLOUT, 0};  // a terminal or pipe that someone else made non-blocking
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      pipe_closed_ = errno == EPIPE;
      error_ = fmt::format("cannot write {}: {}", name_, std::strerror(errno));
      break;
    }
  }
  buffer_.clear();
  return !failed();
}

}  // namespace tocsin::connectors
