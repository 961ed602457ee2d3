// TLS between a socket and memory: OpenSSL never sees the descriptor, so that it can't block, and a write
// that was taken need not be repeated with the same bytes. Plain bytes are taken only while no ciphertext
// waits, so that what may still be dropped from a queue stays in the queue.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "connectors/net/byte_queue.hpp"
#include "connectors/net/stream.hpp"

namespace tocsin::connectors::net {

namespace {

constexpr std::size_t record_bytes = 16 * 1024;  // the most that one record of TLS carries

class TlsStream final : public Stream {
 public:
  TlsStream(Descriptor fd, SSL* ssl, BIO* in, BIO* out)
      : Stream(std::move(fd)), ssl_(ssl), in_(in), out_(out) {}
  ~TlsStream() override { SSL_free(ssl_); }

  IoResult read(std::span<std::byte> to) override {
    const int wanted = static_cast<int>(std::min<std::size_t>(to.size(), INT32_MAX));
    while (true) {
      ERR_clear_error();
      const int got = SSL_read(ssl_, to.data(), wanted);
      const int error = got > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_, got);
      const bool sending_failed = !flush();
      if (got > 0) return {Io::done, static_cast<std::size_t>(got)};
      if (error == SSL_ERROR_ZERO_RETURN) return {Io::end};
      if (error != SSL_ERROR_WANT_READ) return fail();
      if (sending_failed) return {Io::failed};
      std::array<std::byte, record_bytes> sealed;
      const IoResult received = receive(sealed);
      if (received.io != Io::done) return received;
      BIO_write(in_, sealed.data(), static_cast<int>(received.bytes));
    }
  }

  IoResult write(std::span<const std::span<const std::byte>> pieces) override {
    if (!flush()) return {Io::failed};
    std::size_t taken = 0;
    for (auto piece : pieces) {
      while (!piece.empty() && sealed_.empty()) {
        ERR_clear_error();
        const int wrote =
            SSL_write(ssl_, piece.data(), static_cast<int>(std::min(piece.size(), record_bytes)));
        if (wrote <= 0) {
          if (SSL_get_error(ssl_, wrote) != SSL_ERROR_WANT_READ) return fail();
          return {taken > 0 ? Io::done : Io::again, taken};  // the handshake goes on as it is read
        }
        taken += static_cast<std::size_t>(wrote);
        piece = piece.subspan(static_cast<std::size_t>(wrote));
        if (!flush()) return {Io::failed};
      }
    }
    return {taken > 0 ? Io::done : Io::again, taken};
  }

  bool keeps_back() const override { return !sealed_.empty(); }

  void shutdown() override {
    if (SSL_is_init_finished(ssl_) == 1) SSL_shutdown(ssl_);
    flush();
    Stream::shutdown();
  }

 private:
  /// Sends what OpenSSL has sealed; what does not go stays in sealed_. False where the connection is gone.
  bool flush() {
    if (const std::size_t more = BIO_ctrl_pending(out_); more > 0) {
      const int moved = BIO_read(out_, sealed_.prepare(more), static_cast<int>(more));
      if (moved > 0) sealed_.commit(static_cast<std::size_t>(moved));
    }
    while (!sealed_.empty()) {
      const std::span<const std::byte> all = sealed_.bytes();
      const IoResult sent = send({&all, 1});
      if (sent.io == Io::failed) return false;
      if (sent.io != Io::done) break;
      sealed_.consume(sent.bytes);
    }
    return true;
  }

  IoResult fail() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    error_ = fmt::format("TLS: {}", reason == nullptr ? "the client broke off" : reason);
    if (const long verdict = SSL_get_verify_result(ssl_); verdict != X509_V_OK) {
      error_ += fmt::format(" ({})", X509_verify_cert_error_string(verdict));
    }
    tls_failed_ = true;
    return {Io::failed};
  }

  SSL* ssl_;
  BIO* in_;   // owned by ssl_
  BIO* out_;  // the same
  ByteQueue sealed_;
};

}  // namespace

std::unique_ptr<Stream> tls_stream(Descriptor fd, const TlsContext& context) {
  SSL* ssl = SSL_new(context.get());
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (ssl == nullptr || in == nullptr || out == nullptr) {
    SSL_free(ssl);
    BIO_free(in);
    BIO_free(out);
    return nullptr;
  }
  BIO_set_mem_eof_return(in, -1);  // empty is not the end
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(ssl, in, out);
  SSL_set_accept_state(ssl);
  return std::make_unique<TlsStream>(std::move(fd), ssl, in, out);
}

}  // namespace tocsin::connectors::net
