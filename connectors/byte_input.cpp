// Descriptors and memory; decompression is in zstd_input.cpp.
#include "connectors/byte_input.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tocsin::connectors {

namespace {

class DescriptorInput final : public ByteInput {
 public:
  DescriptorInput(int fd, std::string name, bool owned) : fd_(fd), name_(std::move(name)), owned_(owned) {
    struct stat info {};
    if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) total_ = static_cast<std::uint64_t>(info.st_size);
  }
  DescriptorInput(const DescriptorInput&) = delete;
  DescriptorInput& operator=(const DescriptorInput&) = delete;
  ~DescriptorInput() override {
    if (owned_) ::close(fd_);
  }

  InputRead read(char* to, std::size_t capacity) override {
    const ssize_t got = ::read(fd_, to, capacity);
    if (got > 0) {
      read_ += static_cast<std::uint64_t>(got);
      return {InputStatus::data, static_cast<std::size_t>(got)};
    }
    if (got == 0) return {InputStatus::end};
    if (errno == EINTR || errno == EAGAIN) return {InputStatus::nothing};
    error_ = fmt::format("cannot read {}: {}", name_, std::strerror(errno));
    return {InputStatus::failed};
  }
  std::uint64_t bytes_read() const override { return read_; }
  std::uint64_t bytes_total() const override { return total_; }

 private:
  int fd_;
  std::string name_;
  bool owned_;
  std::uint64_t read_ = 0;
  std::uint64_t total_ = 0;
};

class MemoryInput final : public ByteInput {
 public:
  MemoryInput(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}

  InputRead read(char* to, std::size_t capacity) override {
    const std::size_t count = std::min({capacity, piece_, bytes_.size() - read_});
    if (count == 0) return {InputStatus::end};
    std::memcpy(to, bytes_.data() + read_, count);
    read_ += count;
    return {InputStatus::data, count};
  }
  std::uint64_t bytes_read() const override { return read_; }
  std::uint64_t bytes_total() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
  std::size_t piece_;
  std::size_t read_ = 0;
};

}  // namespace

Opened<ByteInput> open_input(const std::string& path) {
  if (path == "-") return {decompressed(descriptor_input(STDIN_FILENO, "stdin"), "stdin"), {}};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return Opened<ByteInput>::failed(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  auto file = std::make_unique<DescriptorInput>(fd, path, true);
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    return Opened<ByteInput>::failed(fmt::format("cannot read {}: it is a directory", path));
  }
  return {decompressed(std::move(file), path, path.ends_with(".zst")), {}};
}

std::unique_ptr<ByteInput> descriptor_input(int fd, std::string name) {
  return std::make_unique<DescriptorInput>(fd, std::move(name), false);
}

std::unique_ptr<ByteInput> memory_input(std::string_view bytes, std::size_t piece) {
  return std::make_unique<MemoryInput>(bytes, piece);
}

}  // namespace tocsin::connectors
