#include "connectors/net/tls.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

namespace tocsin::connectors::net {

namespace {

/// The oldest error of OpenSSL as words, and none left behind.
std::string openssl_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return reason == nullptr ? "it can't be read" : reason;
}

/// Why a file that holds a secret won't do, or an empty text.
std::string unfit_secret(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fmt::format("cannot read {}: {}", path, std::strerror(errno));
  if (S_ISDIR(info.st_mode)) return fmt::format("cannot read {}: {}", path, std::strerror(EISDIR));
  if ((info.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return fmt::format("{} holds a secret and is open to everybody; chmod 600 it", path);
  }
  return {};
}

/// Keys under a passphrase are not asked for: a service has nobody to ask.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

std::string load(SSL_CTX* context, const TlsFiles& files) {
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return fmt::format("cannot use the certificate {}: {}", files.certificate, openssl_error());
  }
  if (std::string why = unfit_secret(files.key); !why.empty()) return why;
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fmt::format("cannot use the key {}: {}", files.key, openssl_error());
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return fmt::format("the key {} is not that of the certificate {}", files.key, files.certificate);
  }
  if (files.clients.empty()) return {};
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files.clients.c_str());
  if (names == nullptr || SSL_CTX_load_verify_locations(context, files.clients.c_str(), nullptr) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return fmt::format("cannot use the certificates of clients' signers {}: {}", files.clients,
                       openssl_error());
  }
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

}  // namespace

Opened<TlsContext> TlsContext::open(const TlsFiles& files) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return Opened<TlsContext>::failed("cannot set up TLS: " + openssl_error());
  auto opened = std::unique_ptr<TlsContext>(new TlsContext(context, !files.clients.empty()));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // idle connections keep none
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  static constexpr unsigned char session_id[] = "tocsin";  // needed where clients show certificates
  SSL_CTX_set_session_id_context(context, session_id, sizeof session_id - 1);
  if (std::string why = load(context, files); !why.empty()) return Opened<TlsContext>::failed(std::move(why));
  return {std::move(opened), {}};
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

Opened<Token> Token::read(const std::string& path) {
  if (std::string why = unfit_secret(path); !why.empty()) return Opened<Token>::failed(std::move(why));
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return Opened<Token>::failed(fmt::format("cannot read {}", path));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return Opened<Token>::failed(fmt::format("{} holds no token: it is empty", path));
  return {std::make_unique<Token>(std::move(text)), {}};
}

bool Token::is(std::string_view other) const {
  return other.size() == text_.size() && CRYPTO_memcmp(other.data(), text_.data(), text_.size()) == 0;
}

}  // namespace tocsin::connectors::net
