// See replace_file.hpp. The new text is written to a file beside the old one, which is then renamed to it.
#include "cli/replace_file.hpp"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace tocsin::cli {
namespace {

[[noreturn]] void fail(const char* what, const std::string& path) {
  throw std::system_error(errno, std::generic_category(), fmt::format("cannot {} '{}'", what, path));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ > STDERR_FILENO) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::string read_file(const std::string& path) {
  const Descriptor file(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) fail("read", path);
  struct stat status {};
  if (path != "-" && ::fstat(file.number(), &status) == 0 && !S_ISREG(status.st_mode)) {
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    fail("format", path);
  }
  std::string text;
  for (char buffer[65536];;) {
    const ssize_t got = ::read(file.number(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

void replace_file(const std::string& path, std::string_view text) {
  char resolved[PATH_MAX];
  struct stat status {};
  if (::realpath(path.c_str(), resolved) == nullptr || ::stat(resolved, &status) != 0) fail("write", path);
  // A rename asks for the folder's permission alone, and root has any; what says that it is not to be written
  // is left alone.
  const bool no_bits = (status.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0;
  if (no_bits) errno = EACCES;
  if (no_bits || ::access(resolved, W_OK) != 0) fail("write", path);

  const std::string target = resolved;
  const std::size_t slash = target.rfind('/');
  const std::string folder = target.substr(0, slash + 1);
  std::string beside = folder + "." + target.substr(slash + 1) + ".XXXXXX";
  {
    const Descriptor file(::mkostemp(beside.data(), O_CLOEXEC));
    if (file.number() < 0) fail("write", path);
    // Only root may give files away, so a failure says nothing. The mode comes last: a new owner clears bits
    // of it.
    [[maybe_unused]] const int ignored = ::fchown(file.number(), status.st_uid, status.st_gid);
    if (::fchmod(file.number(), status.st_mode & 07777) != 0 || !write_all(file.number(), text) ||
        ::fsync(file.number()) != 0 || ::rename(beside.c_str(), resolved) != 0) {
      const int error = errno;
      ::unlink(beside.c_str());
      errno = error;
      fail("write", path);
    }
  }
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() >= 0) ::fsync(directory.number());
}

}  // namespace tocsin::cli
