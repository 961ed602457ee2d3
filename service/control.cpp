#include "service/control.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <fmt/format.h>
#include <optional>
#include <thread>
#include <utility>

#include "service/control_socket.hpp"
#include "service/desk.hpp"
#include "service/http_server.hpp"
#include "service/signals_blocked.hpp"

namespace tocsin::service {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds looks_every{500};

std::string_view name_of(int signal) {
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

}  // namespace

struct Control::Impl {
  Impl(const ControlOptions& wishes, Mailbox& mailbox, Ingress& ingress, RuleBook book, Log& to)
      : options(wishes), log(to), desk(io, options, mailbox, ingress, std::move(book), to) {
    if (!options.socket.empty()) socket.emplace(io, options.socket, desk);
    if (!options.metrics.empty()) http.emplace(io, options.metrics, desk);
    if (options.signals) {
      signals.emplace(io, SIGTERM, SIGINT, SIGHUP);
      await_signal();
    }
    if (options.watch_rules) look_at_files();
    const SignalsBlocked on_the_thread;
    thread = std::thread([this] { run(); });
  }

  ~Impl() { end(); }

  void end() {
    io.stop();
    if (thread.joinable()) thread.join();
  }

  void run() {
    if (options.signals) {
      sigset_t ours;
      sigemptyset(&ours);
      for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        sigaddset(&ours, signal);
      pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
    }
    const auto work = asio::make_work_guard(io);
    io.run();
  }

  void await_signal() {
    signals->async_wait([this](const error_code& error, int signal) {
      if (error) return;
      if (signal == SIGHUP) {
        log.reopen();
        log.info("reload by SIGHUP");
        desk.change({}, [](const Desk::Changed&) {});
      } else if (std::exchange(signalled, true)) {
        log.warning("forced to stop", {{"signal", name_of(signal)}});
        desk.leave(128 + signal);
      } else {
        desk.stop(std::string(name_of(signal)), [](bool) {});
      }
      await_signal();
    });
  }

  void look_at_files() {
    look.expires_after(looks_every);
    look.async_wait([this](const error_code& error) {
      if (error) return;
      desk.reload_if_changed();
      look_at_files();
    });
  }

  const ControlOptions options;
  Log& log;
  asio::io_context io{1};
  Desk desk;
  std::optional<ControlSocket> socket;
  std::optional<HttpServer> http;
  std::optional<asio::signal_set> signals;
  asio::steady_timer look{io};
  bool signalled = false;  // to stop
  std::thread thread;
};

Control::Control(const ControlOptions& options, Mailbox& mailbox, Ingress& ingress, RuleBook book, Log& log)
    : impl_(std::make_unique<Impl>(options, mailbox, ingress, std::move(book), log)) {}

Control::~Control() = default;

bool Control::stop(std::chrono::nanoseconds patience) {
  impl_->end();
  return impl_->desk.is_done_within(patience);
}

const std::string& Control::metrics_address() const {
  static const std::string none;
  return impl_->http ? impl_->http->address() : none;
}

Taps& Control::taps() {
  return impl_->desk.taps();
}

}  // namespace tocsin::service
