// TLS by OpenSSL over a socket that does not block: version 1.2 or later, and the server's certificate is
// verified unless the options say otherwise.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct bio_method_st;
struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace tocsin::client {

/// What came of moving bytes without waiting.
enum class Io { done, again, ended, failed };

struct TlsOptions {
  std::string ca_file;           // PEM of those who may sign the server's certificate; empty: the system's
  std::string certificate_file;  // PEM with its chain, to be shown to the server; empty: none
  std::string key_file;          // PEM; empty: in certificate_file
  std::string server_name;       // that the certificate must have; empty: the host of the address
  bool unverified = false;       // any certificate will do
};

class Tls {
 public:
  /// `host` is the address's, a name or a number; `fd` must outlive it. Null where the files won't do, and
  /// `wrong` says why.
  static std::unique_ptr<Tls> open(const TlsOptions& options, const std::string& host, int fd,
                                   std::string& wrong);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  /// Until it is done; needs_write() says what to wait for.
  Io handshake();
  Io read(std::span<std::byte> to, std::size_t& bytes);
  /// After again it must be called with the same bytes, and may be with more behind them.
  Io write(std::span<const std::byte> from, std::size_t& bytes);
  /// After again: the call waits until the socket can be written, whatever it did itself.
  bool needs_write() const { return needs_write_; }
  /// Says that nothing more comes.
  void shutdown();
  /// After failed, a sentence.
  const std::string& error() const { return error_; }

 private:
  explicit Tls(int fd) : fd_(fd) {}
  std::string load(const TlsOptions& options);
  std::string expect(const std::string& server_name);
  Io result(int returned);

  static const bio_method_st* socket_method();
  static int write_socket(bio_st* bio, const char* bytes, int size);
  static int read_socket(bio_st* bio, char* bytes, int size);
  static long control(bio_st* bio, int command, long number, void* pointer);

  int fd_;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  int errno_ = 0;  // of the socket's last call that failed
  bool needs_write_ = false;
  std::string error_;
};

}  // namespace tocsin::client
