// Decompression in front of any input. The first bytes decide; as soon as they differ from the magic number
// they are handed on, so that a short first line from a pipe does not wait for a fourth byte.
#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <utility>
#include <vector>
#include <zstd.h>

#include "connectors/byte_input.hpp"

namespace tocsin::connectors {

namespace {

constexpr unsigned char magic[] = {0x28, 0xB5, 0x2F, 0xFD};

class DecompressedInput final : public ByteInput {
 public:
  DecompressedInput(std::unique_ptr<ByteInput> raw, std::string name, bool required)
      : raw_(std::move(raw)), name_(std::move(name)), required_(required) {}

  InputRead read(char* to, std::size_t capacity) override {
    if (format_ == Format::undecided) {
      if (const auto status = decide(); status != InputStatus::data) return {status};
    }
    return format_ == Format::zstd ? read_zstd(to, capacity) : read_plain(to, capacity);
  }
  std::uint64_t bytes_read() const override { return raw_->bytes_read(); }
  std::uint64_t bytes_total() const override { return raw_->bytes_total(); }

 private:
  enum class Format : std::uint8_t { undecided, plain, zstd };

  InputStatus decide() {
    in_.resize(sizeof magic);
    while (true) {
      const bool magic_so_far = std::memcmp(in_.data(), magic, filled_) == 0;
      if (!magic_so_far) break;
      if (filled_ == sizeof magic) return begin_zstd();
      const auto got = raw_->read(in_.data() + filled_, sizeof magic - filled_);
      if (got.status == InputStatus::end) break;
      if (got.status != InputStatus::data) return pass_on(got).status;
      filled_ += got.bytes;
    }
    if (required_) return fail("it does not begin as zstd data does").status;
    format_ = Format::plain;
    return InputStatus::data;
  }

  InputStatus begin_zstd() {
    stream_.reset(ZSTD_createDStream());
    if (!stream_) return fail("out of memory").status;
    in_.resize(std::max(ZSTD_DStreamInSize(), std::size_t{256} * 1024));
    format_ = Format::zstd;
    return InputStatus::data;
  }

  InputRead read_plain(char* to, std::size_t capacity) {
    if (taken_ == filled_) return pass_on(raw_->read(to, capacity));
    const std::size_t count = std::min(capacity, filled_ - taken_);
    std::memcpy(to, in_.data() + taken_, count);
    taken_ += count;
    return {InputStatus::data, count};
  }

  InputRead read_zstd(char* to, std::size_t capacity) {
    ZSTD_outBuffer out{to, capacity, 0};
    while (out.pos == 0) {
      // A call may leave output behind where its buffer was full, so the decoder is asked before the input.
      ZSTD_inBuffer in{in_.data(), filled_, taken_};
      const std::size_t left = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(left)) return fail(fmt::format("corrupt zstd data ({})", ZSTD_getErrorName(left)));
      const bool progress = in.pos != taken_ || out.pos != 0;
      taken_ = in.pos;
      if (progress) frame_open_ = left != 0;
      if (out.pos != 0 || taken_ != filled_) continue;
      const auto got = raw_->read(in_.data(), in_.size());
      if (got.status == InputStatus::end && frame_open_) return fail("its zstd data is cut off");
      if (got.status != InputStatus::data) return pass_on(got);
      taken_ = 0;
      filled_ = got.bytes;
    }
    return {InputStatus::data, out.pos};
  }

  InputRead fail(const std::string& why) {
    error_ = fmt::format("cannot read {}: {}", name_, why);
    return {InputStatus::failed};
  }

  InputRead pass_on(InputRead got) {
    if (got.status == InputStatus::failed) error_ = raw_->error();
    return got;
  }

  struct FreeStream {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  std::unique_ptr<ByteInput> raw_;
  std::string name_;
  bool required_;
  Format format_ = Format::undecided;
  std::vector<char> in_;
  std::size_t taken_ = 0;   // of in_
  std::size_t filled_ = 0;  // of in_
  bool frame_open_ = true;  // the frame being read is not complete
  std::unique_ptr<ZSTD_DStream, FreeStream> stream_;
};

}  // namespace

std::unique_ptr<ByteInput> decompressed(std::unique_ptr<ByteInput> raw, std::string name, bool required) {
  return std::make_unique<DecompressedInput>(std::move(raw), std::move(name), required);
}

}  // namespace tocsin::connectors
