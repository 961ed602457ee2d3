// The bytes of one connection, plain or under TLS. No call blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "connectors/net/descriptor.hpp"
#include "connectors/net/tls.hpp"

namespace tocsin::connectors::net {

enum class Io : std::uint8_t {
  done,    // `bytes` > 0 went
  again,   // none now; the poller will tell
  end,     // of reading: the peer sends no more
  failed,  // the connection is gone; error() says why
};

struct IoResult {
  Io io = Io::again;
  std::size_t bytes = 0;
  bool was_all = false;  // of read(): there was no more, but that its end may have been there already
};

class Stream {
 public:
  explicit Stream(Descriptor fd) : fd_(std::move(fd)) {}
  virtual ~Stream() = default;

  virtual IoResult read(std::span<std::byte> to) = 0;
  /// Takes what goes of the pieces, in order; at most four of them.
  virtual IoResult write(std::span<const std::span<const std::byte>> pieces) = 0;
  /// Bytes that write() took are still here; write() without pieces tries again.
  virtual bool keeps_back() const { return false; }
  /// No more will be written.
  virtual void shutdown();

  int fd() const { return fd_.get(); }
  /// A sentence, after `failed`; empty where the peer just went.
  const std::string& error() const { return error_; }
  /// True where what failed was TLS itself.
  bool tls_failed() const { return tls_failed_; }

 protected:
  IoResult receive(std::span<std::byte> to);
  IoResult send(std::span<const std::span<const std::byte>> pieces);

  std::string error_;
  bool tls_failed_ = false;

 private:
  Descriptor fd_;
};

std::unique_ptr<Stream> plain_stream(Descriptor fd);
/// `context` must outlive the stream. Null where OpenSSL has no memory.
std::unique_ptr<Stream> tls_stream(Descriptor fd, const TlsContext& context);

}  // namespace tocsin::connectors::net
