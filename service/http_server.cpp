#include "service/http_server.hpp"

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <stdexcept>
#include <utility>

#include "connectors/net/address.hpp"

namespace tocsin::service {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Desk& desk, std::shared_ptr<std::size_t> sessions)
      : stream_(std::move(socket)), desk_(desk), sessions_(std::move(sessions)) {
    ++*sessions_;
  }
  ~Session() { --*sessions_; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    parser_.emplace();
    parser_->header_limit(HttpServer::max_header_bytes);
    parser_->body_limit(0);
    stream_.expires_after(std::chrono::seconds(HttpServer::timeout_seconds));
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](const error_code& error, std::size_t) { self->on_read(error); });
  }

 private:
  void on_read(const error_code& error) {
    if (error == http::error::end_of_stream) return close();
    if (error == beast::error::timeout || error == asio::error::operation_aborted) return;
    keep_alive_ = false;
    if (error == http::error::header_limit)
      return answer(http::status::request_header_fields_too_large, "the header is too large\n");
    if (error == http::error::body_limit || error == http::error::unexpected_body)
      return answer(http::status::payload_too_large, "requests have no body\n");
    if (error.category() == http::make_error_code(http::error::bad_method).category())
      return answer(http::status::bad_request, "this is no HTTP request\n");
    if (error) return;
    const auto& request = parser_->get();
    keep_alive_ = request.keep_alive();
    head_only_ = request.method() == http::verb::head;
    if (request.method() != http::verb::get && !head_only_)
      return answer(http::status::method_not_allowed, "only GET and HEAD are allowed\n");
    serve(std::string(request.target().substr(0, request.target().find('?'))));
  }

  void serve(const std::string& path) {
    const bool metrics = path == "/metrics";
    const bool ready = path == "/readyz";
    if (!metrics && !ready && path != "/healthz")
      return answer(http::status::not_found, "there are /metrics, /healthz and /readyz\n");
    desk_.ask_snapshot([self = shared_from_this(), metrics, ready](const Snapshot* snapshot) {
      if (snapshot == nullptr) {
        self->answer(http::status::service_unavailable, "the service does not answer\n");
      } else if (metrics) {
        self->answer(http::status::ok, prometheus(*snapshot));
      } else if (ready && snapshot->state != State::running) {
        self->answer(http::status::service_unavailable, std::string(to_string(snapshot->state)) + "\n");
      } else {
        self->answer(http::status::ok, ready ? "ready\n" : "alive\n");
      }
    });
  }

  void answer(http::status status, std::string body) {
    response_ = {};
    response_.result(status);
    response_.version(11);
    response_.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response_.set(http::field::cache_control, "no-store");
    if (status == http::status::method_not_allowed) response_.set(http::field::allow, "GET, HEAD");
    response_.keep_alive(keep_alive_);
    response_.content_length(body.size());
    if (!head_only_) response_.body() = std::move(body);
    stream_.expires_after(std::chrono::seconds(HttpServer::timeout_seconds));
    serializer_.emplace(response_);
    const auto done = [self = shared_from_this()](const error_code& error, std::size_t) {
      if (error) return;
      if (self->keep_alive_) return self->read();
      self->close();
    };
    if (head_only_) {
      http::async_write_header(stream_, *serializer_, done);
    } else {
      http::async_write(stream_, *serializer_, done);
    }
    head_only_ = false;
  }

  void close() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  Desk& desk_;
  std::shared_ptr<std::size_t> sessions_;
  beast::flat_buffer buffer_{HttpServer::max_header_bytes * 2};
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  bool keep_alive_ = false;
  bool head_only_ = false;
};

}  // namespace

HttpServer::HttpServer(asio::io_context& io, const std::string& address, Desk& desk)
    : acceptor_(io), pause_(io), desk_(desk) {
  connectors::net::ParsedAddress parsed = connectors::net::parse_address(address);
  if (!parsed.error.empty()) throw std::runtime_error(parsed.error);
  connectors::net::Listening listening = connectors::net::listen_at(parsed.address);
  if (!listening.error.empty()) throw std::runtime_error(listening.error);
  address_ = listening.address.text();
  const bool v6 = listening.address.host.find(':') != std::string::npos;
  acceptor_.assign(v6 ? tcp::v6() : tcp::v4(), listening.fd.release());
  accept();
}

void HttpServer::accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      if (*sessions_ < max_sessions) std::make_shared<Session>(std::move(socket), desk_, sessions_)->read();
      return accept();
    }
    pause_.expires_after(std::chrono::milliseconds(100));  // no descriptors left, mostly
    pause_.async_wait([this](const error_code& stopped) {
      if (!stopped) accept();
    });
  });
}

}  // namespace tocsin::service
