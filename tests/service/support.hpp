// A service without an engine: an ingress thread that runs a mailbox, so that the control thread can be
// tested by itself, and clients for it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "connectors/net/poller.hpp"
#include "service/control.hpp"

namespace tocsin::service::test {

/// A folder of its own, removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

class FakeIngress final : public Ingress {
 public:
  Snapshot snapshot() override;
  std::string replace(NewRules rules) override;
  void stop(std::string_view reason) override;

  std::shared_ptr<const plan::Plan> plan;
  State state = State::running;
  std::string refuse;  // what replace() answers
  std::atomic<int> replaced = 0;
  std::atomic<bool> stopped = false;
};

/// Control over a fake, with one rule file.
class Rig {
 public:
  explicit Rig(const std::string& rules, bool metrics = false, bool alive = true);
  ~Rig();

  Folder folder;
  std::string rule_file;
  FakeIngress ingress;
  std::string socket() const { return folder.path("control"); }
  Control& control() { return *control_; }

 private:
  connectors::net::Poller poller_;
  Mailbox mailbox_;
  LogConfig log_config_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Control> control_;
  std::jthread thread_;  // the ingress thread
};

/// A connection; every call gives up after ten seconds.
class Client {
 public:
  static Client unix_socket(const std::string& path);
  static Client tcp(const std::string& address);  // tcp:127.0.0.1:PORT
  ~Client();
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  void send(const std::string& text);
  std::string read_line();  // without its end; empty at the end
  std::string read_all();   // until the other side closes
  std::string ask(const std::string& line) {
    send(line + "\n");
    return read_line();
  }

 private:
  explicit Client(int fd);
  int fd_;
  std::string input_;
};

}  // namespace tocsin::service::test
