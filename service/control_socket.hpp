// The control socket: one JSON request a line, one JSON answer a line, in order. After `tap` the answers are
// followed by matches, a line each. docs/operations.md lists the requests.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "service/desk.hpp"

namespace tocsin::service {

class ControlSocket {
 public:
  static constexpr std::size_t max_sessions = 64;
  static constexpr std::size_t max_request_bytes = std::size_t{4} << 20;  // rule text is in requests
  static constexpr std::size_t max_unread_bytes = std::size_t{4} << 20;   // of a tap that does not read

  /// Throws std::runtime_error where `path` can't be listened at. The socket has mode 0600; one that nobody
  /// answers any more is replaced.
  ControlSocket(boost::asio::io_context& io, const std::string& path, Desk& desk);
  ~ControlSocket();  // removes the file
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  void accept();

  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::string path_;
  Desk& desk_;
  std::shared_ptr<std::size_t> sessions_ = std::make_shared<std::size_t>(0);
};

}  // namespace tocsin::service
