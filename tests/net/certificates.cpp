#include "tests/net/certificates.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace tocsin::connectors::net::test {

Identity::~Identity() {
  EVP_PKEY_free(key);
  X509_free(certificate);
}

std::unique_ptr<Identity> identity(const char* name, const Identity* signer) {
  auto made = std::make_unique<Identity>();
  made->key = EVP_EC_gen("P-256");
  REQUIRE(made->key != nullptr);
  made->certificate = X509_new();
  X509_set_version(made->certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made->certificate), signer == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(made->certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made->certificate), 3600);
  X509_set_pubkey(made->certificate, made->key);
  X509_NAME* subject = X509_get_subject_name(made->certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1,
                             -1, 0);
  const Identity& issuer = signer == nullptr ? *made : *signer;
  X509_set_issuer_name(made->certificate, X509_get_subject_name(issuer.certificate));
  if (signer == nullptr) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(made->certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  REQUIRE(X509_sign(made->certificate, issuer.key, EVP_sha256()) > 0);
  return made;
}

namespace {

std::string pem(const std::function<void(BIO*)>& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

std::string certificate_pem(const Identity& who) {
  return pem([&](BIO* bio) { PEM_write_bio_X509(bio, who.certificate); });
}
std::string key_pem(const Identity& who) {
  return pem(
      [&](BIO* bio) { PEM_write_bio_PrivateKey(bio, who.key, nullptr, nullptr, 0, nullptr, nullptr); });
}

std::shared_ptr<const TlsContext> open_tls(const TlsFiles& files) {
  auto opened = TlsContext::open(files);
  REQUIRE_MESSAGE(opened, opened.error);
  return std::move(opened.value);
}

}  // namespace tocsin::connectors::net::test
