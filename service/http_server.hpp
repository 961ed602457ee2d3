// HTTP for those who watch the service: GET and HEAD of /metrics, /healthz and /readyz, nothing else.
// Requests are small and must come quickly.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "service/desk.hpp"

namespace tocsin::service {

class HttpServer {
 public:
  static constexpr std::size_t max_sessions = 64;
  static constexpr std::size_t max_header_bytes = 8192;
  static constexpr int timeout_seconds = 5;  // for a request to come, and an answer to go

  /// `address` as connectors::net::parse_address reads it. Throws std::runtime_error where it can't be
  /// listened at.
  HttpServer(boost::asio::io_context& io, const std::string& address, Desk& desk);

  /// With the port that was picked.
  const std::string& address() const { return address_; }

 private:
  void accept();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::string address_;
  Desk& desk_;
  std::shared_ptr<std::size_t> sessions_ = std::make_shared<std::size_t>(0);
};

}  // namespace tocsin::service
