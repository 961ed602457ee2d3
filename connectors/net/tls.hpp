// TLS by OpenSSL: server certificate, client certificates by option, version 1.2 or later. And the other
// secret that admits a client: a token.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "connectors/opened.hpp"

struct ssl_ctx_st;

namespace tocsin::connectors::net {

struct TlsFiles {
  std::string certificate;  // PEM, with its chain
  std::string key;          // PEM; others must not be able to read it
  std::string clients;      // PEM of those who sign client certificates; empty: none is asked for
};

class TlsContext {
 public:
  /// Reads the files. Fails with a sentence that names the file.
  static Opened<TlsContext> open(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  bool asks_clients() const { return asks_clients_; }
  ssl_ctx_st* get() const { return context_; }

 private:
  TlsContext(ssl_ctx_st* context, bool asks_clients) : context_(context), asks_clients_(asks_clients) {}
  ssl_ctx_st* context_;
  bool asks_clients_;
};

class Token {
 public:
  /// The text of a file without its trailing newline. Fails with a sentence where it can't be read, is empty,
  /// or is readable to others than its owner and group.
  static Opened<Token> read(const std::string& path);
  explicit Token(std::string text) : text_(std::move(text)) {}
  /// In a time that does not depend on what is the same in both.
  bool is(std::string_view other) const;

 private:
  std::string text_;
};

}  // namespace tocsin::connectors::net
