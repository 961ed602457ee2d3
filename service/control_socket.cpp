#include "service/control_socket.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <simdjson.h>
#include <stdexcept>
#include <utility>

#include "connectors/net/address.hpp"
#include "engine/base/words.hpp"
#include "service/json.hpp"

namespace tocsin::service {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

std::string failure(std::string_view sentence) {
  Json json;
  json.object().field("ok", false).field("error", sentence);
  return json.end_object().text();
}

std::string fine() {
  return R"({"ok":true})";
}

struct Request {
  std::string command;
  std::string name;
  std::string text;
  std::vector<std::string> rules;
  std::string error;  // a sentence where it is none
};

Request parse_request(const std::string& line) {
  Request request;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(line).get(object) != simdjson::SUCCESS) {
    request.error = "the request is no JSON object";
    return request;
  }
  for (const auto& [key, value] : object) {
    std::string_view text;
    simdjson::dom::array list;
    std::string* member = key == "command" ? &request.command
                          : key == "name"  ? &request.name
                          : key == "text"  ? &request.text
                                           : nullptr;
    if (member != nullptr && value.get(text) == simdjson::SUCCESS) {
      *member = text;
    } else if (key == "rules" && value.get(list) == simdjson::SUCCESS) {
      for (const auto element : list) {
        if (element.get(text) != simdjson::SUCCESS) request.error = "'rules' is no list of names";
        request.rules.emplace_back(text);
      }
    } else {
      request.error = fmt::format("the request can't have {}", in_quotes(key));
    }
  }
  if (request.error.empty() && request.command.empty()) request.error = "the request has no 'command'";
  return request;
}

std::string rules_json(const RuleBook& book) {
  Json json;
  json.object().field("ok", true).key("rules").array();
  for (const std::uint32_t id : rules_in_force(*book.plan())) {
    const plan::Rule& rule = book.plan()->rules[id];
    json.object().field("rule", rule.name).field("doc", rule.doc);
    json.key("emits");
    if (rule.emit) {
      json.value(book.plan()->catalog[rule.emit->type].name);
    } else {
      json.raw("null");
    }
    json.key("labels").array();
    for (const plan::Label& label : rule.labels)
      json.value(label.name);
    json.end_array().end_object();
  }
  json.end_array().key("added").array();
  for (const auto& [name, text] : book.added())
    json.value(name);
  return json.end_array().end_object().text();
}

class Session final : public Onlooker, public std::enable_shared_from_this<Session> {
 public:
  Session(Protocol::socket socket, Desk& desk, std::shared_ptr<std::size_t> sessions)
      : socket_(std::move(socket)), desk_(desk), sessions_(std::move(sessions)) {
    ++*sessions_;
  }
  ~Session() override { --*sessions_; }

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, ControlSocket::max_request_bytes), '\n',
                           [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                             self->on_read(error, bytes);
                           });
  }

  void on_matches(const std::string& lines) override {
    if (output_.size() + writing_.size() + lines.size() > ControlSocket::max_unread_bytes) {
      ++dropped_;
      return;
    }
    if (dropped_ > 0) output_ += fmt::format("{{\"dropped\":{}}}\n", std::exchange(dropped_, 0));
    output_ += lines;
    write();
  }

 private:
  void on_read(const error_code& error, std::size_t bytes) {
    if (error == asio::error::not_found) return last(failure("the request is too long"));
    if (error) return;
    const std::string line = input_.substr(0, bytes - 1);
    input_.erase(0, bytes);
    const Request request = parse_request(line);
    if (!request.error.empty()) return answer(failure(request.error));
    serve(request);
  }

  // Each branch answers once, which reads on.
  void serve(const Request& request) {
    const auto self = shared_from_this();
    if (request.command == "status" || request.command == "stats" || request.command == "top") {
      desk_.ask_snapshot([self, brief = request.command == "status"](const Snapshot* snapshot) {
        self->answer(snapshot == nullptr ? failure("the service does not answer")
                     : brief             ? status_json(*snapshot)
                                         : stats_json(*snapshot));
      });
    } else if (request.command == "rules") {
      answer(rules_json(desk_.book()));
    } else if (request.command == "reload") {
      change({});
    } else if (request.command == "add") {
      change({RuleChange::Kind::add, request.name, request.text});
    } else if (request.command == "remove") {
      change({RuleChange::Kind::remove, request.name, {}});
    } else if (request.command == "tap") {
      tap(request.rules);
    } else if (request.command == "stop") {
      desk_.stop("the control socket", [self](bool taken) {
        self->answer(taken ? fine() : failure("the service does not answer"));
      });
    } else {
      const std::string near = nearest(
          request.command, {"status", "stats", "top", "rules", "reload", "add", "remove", "tap", "stop"});
      answer(failure(fmt::format("unknown command {}{}", in_quotes(request.command),
                                 near.empty() ? "" : fmt::format("; did you mean '{}'?", near))));
    }
  }

  void change(RuleChange change) {
    desk_.change(std::move(change), [self = shared_from_this()](const Desk::Changed& changed) {
      if (!changed.error.empty()) return self->answer(failure(changed.error));
      Json json;
      json.object().field("ok", true).field("rules", changed.rules).field("warnings", changed.warnings);
      self->answer(json.end_object().text());
    });
  }

  void tap(const std::vector<std::string>& rules) {
    std::vector<std::string> known;
    for (const std::uint32_t id : rules_in_force(*desk_.book().plan()))
      known.push_back(desk_.book().plan()->rules[id].name);
    for (const std::string& rule : rules) {
      if (std::find(known.begin(), known.end(), rule) != known.end()) continue;
      const std::string near = nearest(rule, known);
      return answer(failure(fmt::format("there is no rule {}{}", in_quotes(rule),
                                        near.empty() ? "" : fmt::format("; did you mean '{}'?", near))));
    }
    const auto& tapped = rules.empty() ? known : rules;
    answer(fine());
    desk_.look(shared_from_this(), {tapped.begin(), tapped.end()});
  }

  void answer(const std::string& line) {
    output_ += line;
    output_ += '\n';
    write();
    read();
  }
  void last(const std::string& line) {
    output_ += line;
    output_ += '\n';
    write();
  }

  void write() {
    if (!writing_.empty() || output_.empty()) return;
    writing_.swap(output_);
    asio::async_write(socket_, asio::buffer(writing_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        self->writing_.clear();
                        if (error) {
                          error_code ignored;
                          self->socket_.close(ignored);
                        } else {
                          self->write();
                        }
                      });
  }

  Protocol::socket socket_;
  Desk& desk_;
  std::shared_ptr<std::size_t> sessions_;
  std::string input_;
  std::string output_;   // to be written next
  std::string writing_;  // under way
  std::uint64_t dropped_ = 0;
};

}  // namespace

ControlSocket::ControlSocket(asio::io_context& io, const std::string& path, Desk& desk)
    : acceptor_(io), path_(path), desk_(desk) {
  connectors::net::Address address;
  address.kind = connectors::net::Address::Kind::unix_path;
  address.path = path;
  connectors::net::Listening listening = connectors::net::listen_at(address);
  if (!listening.error.empty()) throw std::runtime_error(listening.error);
  acceptor_.assign(Protocol(), listening.fd.release());
  accept();
}

ControlSocket::~ControlSocket() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void ControlSocket::accept() {
  acceptor_.async_accept([this](const error_code& error, Protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error && *sessions_ < max_sessions)
      std::make_shared<Session>(std::move(socket), desk_, sessions_)->read();
    accept();
  });
}

}  // namespace tocsin::service
