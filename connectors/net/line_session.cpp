#include "connectors/net/line_session.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "connectors/json_text.hpp"
#include "connectors/net/connection.hpp"

namespace tocsin::connectors::net {

namespace {

// Asked for in one read. A connection holds twice as much, so that a thousand of them are no burden.
constexpr std::size_t chunk_bytes = std::size_t{16} << 10;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// Passes over `part` and blanks before it.
bool skip(std::string_view& text, std::string_view part) {
  text = trimmed(text);
  if (!text.starts_with(part)) return false;
  text.remove_prefix(part.size());
  return true;
}

/// What stands behind `{"name":`, without the last brace; nothing where the line is another. What it is, its
/// parser says.
std::optional<std::string_view> members_of(std::string_view line, std::string_view quoted_name) {
  if (!skip(line, "{") || !skip(line, quoted_name) || !skip(line, ":")) return std::nullopt;
  line = trimmed(line);
  if (line.ends_with('}')) line.remove_suffix(1);
  return line;
}

std::string json(std::string_view text) {
  fmt::memory_buffer out;
  append_json_string(out, text);
  return fmt::to_string(out);
}

}  // namespace

/// The socket as a line reader sees it: what has come already, then what there is.
class LineSession::Input final : public ByteInput {
 public:
  Input(Connection& connection, std::span<const std::byte> begun)
      : connection_(connection), begun_(begun.begin(), begun.end()) {}

  InputRead read(char* to, std::size_t capacity) override {
    if (!begun_.empty()) {
      const std::size_t bytes = std::min(capacity, begun_.size());
      std::memcpy(to, begun_.data(), bytes);
      begun_.erase(begun_.begin(), begun_.begin() + static_cast<std::ptrdiff_t>(bytes));
      return {InputStatus::data, bytes};
    }
    const IoResult result = connection_.read(std::as_writable_bytes(std::span(to, capacity)));
    bytes_read_ += result.bytes;
    switch (result.io) {
      case Io::done: return {InputStatus::data, result.bytes};
      case Io::again: dry_ = true; return {InputStatus::nothing};
      case Io::end: return {InputStatus::end};
      case Io::failed: break;
    }
    return {InputStatus::failed};
  }
  std::uint64_t bytes_read() const override { return bytes_read_; }
  std::uint64_t bytes_total() const override { return 0; }

  /// Whether the last read found nothing.
  bool take_dry() { return std::exchange(dry_, false); }

 private:
  Connection& connection_;
  std::vector<std::byte> begun_;
  std::uint64_t bytes_read_ = 0;
  bool dry_ = false;
};

LineSession::LineSession(Connection& connection, Shared& shared, std::span<const std::byte> begun)
    : LineSession(connection, shared, std::make_unique<Input>(connection, begun)) {}

LineSession::LineSession(Connection& connection, Shared& shared, std::unique_ptr<Input> input)
    : Session(connection, shared, connection.origin().peer),
      input_(*input),
      lines_(std::move(input),
             {.max_record_bytes = shared.limits().max_line_bytes, .chunk_bytes = chunk_bytes}),
      bad_(connection.origin().peer, shared.options.bad_record, shared.options.dead_letters),
      admitted_(connection.origin().token == nullptr),
      errors_(shared.limits().rejections_per_second) {}

void LineSession::say_end(std::string_view code, std::string_view message, bool at_once) {
  if (message.empty()) return;
  const std::string line = fmt::format("{{\"error\":{},\"code\":{}}}\n", json(message), json(code));
  if (at_once) return connection_.outbox().answer(line);
  connection_.outbox().put_in_order(std::as_bytes(std::span(line)));
}

void LineSession::say_error(std::string_view message) {
  if (connection_.outbox().control_bytes() > shared_.limits().control_bytes) return;  // it does not read them
  if (errors_.allows(shared_.now_ns())) {
    connection_.outbox().answer(fmt::format("{{\"error\":{}}}\n", json(message)));
  }
}

void LineSession::bad(const Record& record, BadKind kind, std::string_view message) {
  ++shared_.counters.rejected;
  bad_.add(record.line, kind, message, record.raw);
  say_error(fmt::format("line {}: {}", record.line, message));
}

Ran LineSession::run() {
  std::size_t left = shared_.limits().read_bytes;
  while (!ended_) {
    if (shared_.must_hold()) return finish_batch(), Ran::held;
    Record record;
    switch (lines_.next(record)) {
      case LineReader::Next::record:
        handle(record);
        if (!connection_.is_open()) return Ran::more;
        continue;
      case LineReader::Next::overlong:
        if (!admitted_) return connection_.refuse(Refusal::token, "a token is needed here"), Ran::more;
        if (record.first) {
          ++shared_.counters.rejected;
          say_error(fmt::format("line {}: the line is longer than the limit", record.line));
        }
        bad_.add_piece(record.line, "the line is longer than the limit", record.raw, record.first,
                       record.last);
        continue;
      case LineReader::Next::need_input: break;
      case LineReader::Next::failed:
        finish_batch();
        return connection_.drop("the connection broke"), Ran::dry;
      case LineReader::Next::end: ended_ = true; continue;
    }
    if (!finish_batch() || left == 0) return Ran::more;
    const std::uint64_t before = input_.bytes_read();
    lines_.fill();
    if (input_.take_dry()) return Ran::dry;
    left -= std::min<std::size_t>(left, input_.bytes_read() - before);
  }
  if (!finish_batch()) return Ran::more;
  source_.close();
  if (!subscriber_) connection_.finish(wire::code::done, "");
  return Ran::dry;
}

void LineSession::handle(const Record& record) {
  ++shared_.counters.lines_in;
  if (const auto members = members_of(record.text, "\"hello\"")) return hello(*members);
  if (!admitted_)
    return connection_.refuse(Refusal::token,
                              "a token is needed here: {\"hello\":{\"client\":\"…\",\"token\":\"…\"}}");
  if (const auto members = members_of(record.text, "\"subscribe\"")) return take_subscription(*members);
  switch (shared_.decoder->decode(record.text, shared_.batch)) {
    case Decoder::Decoded::event:
      if (shared_.batch.size() >= shared_.limits().batch_events) finish_batch();
      return;
    case Decoder::Decoded::nothing: return;
    case Decoder::Decoded::bad: break;
  }
  if (shared_.decoder->fault_kind() == BadKind::unknown_type)
    bad_.count_type(shared_.decoder->unknown_type());
  bad(record, shared_.decoder->fault_kind(), shared_.decoder->fault());
}

void LineSession::hello(std::string_view members) {
  const auto hello = wire::parse_hello(members);
  if (!hello) return say_error(hello.error);
  const auto& token = connection_.origin().token;
  if (token && !token->is(hello->token.value_or(""))) {
    return connection_.refuse(Refusal::token, hello->token ? "the token is wrong" : "a token is needed here");
  }
  admitted_ = true;
  client_ = hello->client;
  if (!client_.empty()) source_.name(fmt::format("{} ({})", client_, connection_.origin().peer));
  if (hello->source_idle_ms) source_.set_idle_timeout(ns_of_ms(*hello->source_idle_ms));
}

void LineSession::take_subscription(std::string_view members) {
  const auto wishes = wire::parse_subscribe(members);
  if (!wishes) return say_error(wishes.error);
  if (subscribe(*wishes, wishes->with_events ? Form::lines_with_events : Form::lines)) tell_subscribed();
}

void LineSession::tell_subscribed() {
  std::string line = "{\"subscribed\":{\"rules\":[";
  bool first = true;
  for (const RuleOutput& rule : shared_.rules->rules) {
    const model::Catalog& catalog = *shared_.rules->catalog;
    if (!subscriber_->wants(rule, false, catalog) && !subscriber_->wants(rule, true, catalog)) continue;
    line += fmt::format("{}{}", std::exchange(first, false) ? "" : ",", json(rule.name));
  }
  line += "]}}\n";
  connection_.outbox().put_in_order(std::as_bytes(std::span(line)));
}

void LineSession::rules_changed() {
  if (subscriber_) tell_subscribed();
}

}  // namespace tocsin::connectors::net
