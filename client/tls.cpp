#include "client/tls.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <climits>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <system_error>

namespace tocsin::client {

namespace {

/// The oldest error of OpenSSL as words, and none left behind.
std::string openssl_error(const char* otherwise) {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return otherwise;
  if (ERR_SYSTEM_ERROR(error)) return std::generic_category().message(ERR_GET_REASON(error));
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? otherwise : reason;
}

/// A library has nobody to ask for it.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

bool is_number(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

int size_of(std::size_t bytes) {
  return static_cast<int>(std::min<std::size_t>(bytes, INT_MAX));
}

}  // namespace

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL, so that a server that has gone would end the whole
// process.
const BIO_METHOD* Tls::socket_method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tocsin socket");
    if (method == nullptr) return method;
    BIO_meth_set_write(method, write_socket);
    BIO_meth_set_read(method, read_socket);
    BIO_meth_set_ctrl(method, control);
    return method;
  }();
  return made;
}

int Tls::write_socket(BIO* bio, const char* bytes, int size) {
  Tls& tls = *static_cast<Tls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t put = ::send(tls.fd_, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  tls.errno_ = put < 0 ? errno : 0;
  if (tls.errno_ == EAGAIN || tls.errno_ == EINTR) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

int Tls::read_socket(BIO* bio, char* bytes, int size) {
  Tls& tls = *static_cast<Tls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(tls.fd_, bytes, static_cast<std::size_t>(size), 0);
  tls.errno_ = got < 0 ? errno : 0;
  if (tls.errno_ == EAGAIN || tls.errno_ == EINTR) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long Tls::control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  return command == BIO_CTRL_EOF ? BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 : 0;
}

std::unique_ptr<Tls> Tls::open(const TlsOptions& options, const std::string& host, int fd,
                               std::string& wrong) {
  ERR_clear_error();
  std::unique_ptr<Tls> tls(new Tls(fd));
  tls->context_ = SSL_CTX_new(TLS_client_method());
  wrong = tls->context_ == nullptr ? "TLS can't be set up" : tls->load(options);
  if (!wrong.empty()) return nullptr;
  tls->ssl_ = SSL_new(tls->context_);
  BIO* bio = tls->ssl_ == nullptr || socket_method() == nullptr ? nullptr : BIO_new(socket_method());
  if (bio == nullptr) {
    wrong = "TLS can't be set up";
    return nullptr;
  }
  BIO_set_data(bio, tls.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(tls->ssl_, bio, bio);
  SSL_set_connect_state(tls->ssl_);
  wrong = tls->expect(options.server_name.empty() ? host : options.server_name);
  return wrong.empty() ? std::move(tls) : nullptr;
}

std::string Tls::load(const TlsOptions& options) {
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  // Where the end comes without TLS's own: a connection that ends in order has had BYE.
  SSL_CTX_set_options(context_,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_passwd_cb(context_, no_passphrase);
  SSL_CTX_set_verify(context_, options.unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  const auto unfit = [](const char* what, const std::string& file) {
    return std::string("can't use the ") + what + " " + file + ": " + openssl_error("it can't be read");
  };
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context_);
  } else if (SSL_CTX_load_verify_locations(context_, options.ca_file.c_str(), nullptr) != 1) {
    return unfit("CA file", options.ca_file);
  }
  if (options.certificate_file.empty()) return "";
  if (SSL_CTX_use_certificate_chain_file(context_, options.certificate_file.c_str()) != 1) {
    return unfit("certificate", options.certificate_file);
  }
  const std::string& key = options.key_file.empty() ? options.certificate_file : options.key_file;
  if (SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1) return unfit("key", key);
  return "";
}

std::string Tls::expect(const std::string& server_name) {
  const bool good = is_number(server_name)
                        ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), server_name.c_str()) == 1
                        : SSL_set1_host(ssl_, server_name.c_str()) == 1 &&
                              SSL_set_tlsext_host_name(ssl_, server_name.c_str()) == 1;
  return good ? "" : "'" + server_name + "' is no name of a server";
}

Tls::~Tls() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

/// What a call of OpenSSL came to that did not succeed.
Io Tls::result(int returned) {
  needs_write_ = false;
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_WRITE: needs_write_ = true; return Io::again;
    case SSL_ERROR_WANT_READ: return Io::again;
    case SSL_ERROR_ZERO_RETURN: return Io::ended;
    case SSL_ERROR_SYSCALL: {
      ERR_clear_error();
      if (errno_ == 0) return Io::ended;
      error_ = std::generic_category().message(errno_);
      return Io::failed;
    }
    default: break;
  }
  const long verdict = SSL_get_verify_result(ssl_);
  const bool verifies = SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE && !SSL_is_init_finished(ssl_);
  if (verifies && verdict != X509_V_OK) {
    error_ = std::string("TLS: certificate verify failed (") + X509_verify_cert_error_string(verdict) + ")";
    ERR_clear_error();
  } else {
    error_ = "TLS: " + openssl_error("the server broke off");
  }
  return Io::failed;
}

Io Tls::handshake() {
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_);
  return returned == 1 ? Io::done : result(returned);
}

Io Tls::read(std::span<std::byte> to, std::size_t& bytes) {
  bytes = 0;
  ERR_clear_error();
  const int got = SSL_read(ssl_, to.data(), size_of(to.size()));
  if (got <= 0) return result(got);
  bytes = static_cast<std::size_t>(got);
  return Io::done;
}

Io Tls::write(std::span<const std::byte> from, std::size_t& bytes) {
  bytes = 0;
  ERR_clear_error();
  const int put = SSL_write(ssl_, from.data(), size_of(from.size()));
  if (put <= 0) return result(put);
  bytes = static_cast<std::size_t>(put);
  return Io::done;
}

void Tls::shutdown() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_) == 1) SSL_shutdown(ssl_);
  ERR_clear_error();
}

}  // namespace tocsin::client
