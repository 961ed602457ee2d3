// A connection that speaks lines: events as `tocsin run` reads them from files, and two lines that are none:
//
//   {"hello":{"client":"…","token":"…"}}   the members of HELLO; needed first where a token is
//   {"subscribe":{…}}                       the members of SUBSCRIBE; matches come as lines from then on
//
// A bad line is counted, answered with {"error":"…"}, and passed over. When the client has sent its last
// line, a subscriber goes on getting matches until it hangs up.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "connectors/bad_records.hpp"
#include "connectors/line_reader.hpp"
#include "connectors/net/session.hpp"

namespace tocsin::connectors::net {

class LineSession final : public Session {
 public:
  /// `begun` has come already.
  LineSession(Connection& connection, Shared& shared, std::span<const std::byte> begun);

  Ran run() override;
  void say_end(std::string_view code, std::string_view message, bool at_once) override;
  void rules_changed() override;
  bool is_handshaking() const override { return !admitted_; }
  std::string_view form() const override { return "lines"; }
  std::uint64_t rejected() const override { return bad_.total(); }

 private:
  class Input;
  LineSession(Connection& connection, Shared& shared, std::unique_ptr<Input> input);

  void handle(const Record& record);
  void hello(std::string_view members);
  void take_subscription(std::string_view members);
  void tell_subscribed();
  void bad(const Record& record, BadKind kind, std::string_view message);
  void say_error(std::string_view message);

  Input& input_;  // owned by lines_
  LineReader lines_;
  BadRecords bad_;
  bool admitted_;
  bool ended_ = false;
  RateLimit errors_;
};

}  // namespace tocsin::connectors::net
