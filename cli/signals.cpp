#include "cli/signals.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace tocsin::cli {
namespace {

volatile std::sig_atomic_t stop_signal = 0;
timer_t interrupting_timer;

void handle_stop(int signal) {
  if (stop_signal != 0) _exit(128 + signal);
  stop_signal = signal;
  const int saved = errno;
  itimerspec every{};
  every.it_value.tv_nsec = every.it_interval.tv_nsec = 20'000'000;
  timer_settime(interrupting_timer, 0, &every, nullptr);
  errno = saved;
}

void handle_alarm(int) {}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;  // and no SA_RESTART
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  stop_signal = 0;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a timer");
  }
  interrupting_timer = timer_;
  handle(SIGALRM, handle_alarm);
  handle(SIGINT, handle_stop);
  handle(SIGTERM, handle_stop);
  handle(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE})
    handle(signal, SIG_DFL);
  timer_delete(timer_);
}

int StopSignals::requested() {
  return stop_signal;
}

}  // namespace tocsin::cli
