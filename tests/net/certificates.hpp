// Keys and certificates that tests make for themselves, good for an hour.
#pragma once

#include <memory>
#include <openssl/types.h>
#include <string>

#include "connectors/net/tls.hpp"
#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

struct Identity {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  ~Identity();
};

/// A key and a certificate for it, signed by `signer`, or by itself.
std::unique_ptr<Identity> identity(const char* name, const Identity* signer = nullptr);
std::string certificate_pem(const Identity& who);
std::string key_pem(const Identity& who);

/// An authority, and a server that it has signed, as files.
struct CertificateFiles {
  TemporaryDirectory directory;
  std::unique_ptr<Identity> ca = identity("ca");
  std::unique_ptr<Identity> server = identity("server", ca.get());
  TlsFiles files{directory.write("server.pem", certificate_pem(*server)),
                 directory.write("server.key", key_pem(*server)), ""};
  std::string ca_file = directory.write("ca.pem", certificate_pem(*ca));
};

std::shared_ptr<const TlsContext> open_tls(const TlsFiles& files);

}  // namespace tocsin::connectors::net::test
