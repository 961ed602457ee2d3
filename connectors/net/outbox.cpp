#include "connectors/net/outbox.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>

#include "connectors/wire/match_frame.hpp"
#include "connectors/wire/payload.hpp"

namespace tocsin::connectors::net {

namespace {

// What an idle connection may keep of memory.
constexpr std::size_t kept_bytes = 4096;
// A line that is no match begins with this.
constexpr std::string_view match_line = "{\"rule\":";

wire::FrameHeader header_at(const std::byte* record) {
  wire::FrameHeader header;
  std::memcpy(&header, record, sizeof header);
  return header;
}

}  // namespace

void Outbox::mark() {
  owner_.has_output();
}

void Outbox::answer(std::span<const std::byte> records) {
  control_.append(records);
  mark();
}

void Outbox::put_in_order(std::span<const std::byte> record) {
  ordered_.append(record);
  mark();
}

void Outbox::put_match(std::span<const std::byte> record) {
  if (overflowed_) return;
  ++matches_;
  const std::size_t wanted = ordered_.size() + record.size();
  if (record.size() > most_record_) {  // no ring could ever take it
    ++dropped_;
    return mark();
  }
  if (wanted > options_.queue_bytes) {
    switch (options_.policy) {
      case wire::Policy::drop_oldest: drop_for(record.size()); break;
      case wire::Policy::block:
        overflowed_ = wanted > options_.queue_bytes + options_.max_overshoot_bytes;
        break;
      case wire::Policy::disconnect: overflowed_ = true; break;
    }
    if (overflowed_) {
      ++dropped_;
      return mark();
    }
    if (options_.policy == wire::Policy::drop_oldest && record.size() > options_.queue_bytes) {
      ++dropped_;
      return mark();
    }
  }
  std::byte* to = ordered_.prepare(record.size());
  std::memcpy(to, record.data(), record.size());
  if (!lines_) wire::set_sent(to, matches_);
  ordered_.commit(record.size());
  mark();
}

/// Bytes of the first of these. Precondition: there is one.
std::size_t Outbox::record_at(std::span<const std::byte> records) const {
  if (!lines_) return wire::frame_bytes(header_at(records.data()).length);
  const auto* begin = reinterpret_cast<const char*>(records.data());
  const auto* end = static_cast<const char*>(std::memchr(begin, '\n', records.size()));
  return end == nullptr ? records.size() : static_cast<std::size_t>(end - begin) + 1;
}

bool Outbox::is_match(std::span<const std::byte> records) const {
  if (!lines_) return header_at(records.data()).type == wire::FrameType::match;
  return records.size() > match_line.size() &&
         std::memcmp(records.data(), match_line.data(), match_line.size()) == 0;
}

std::uint64_t Outbox::waiting_matches() const {
  std::uint64_t count = !begun_.empty() && begun_is_match_ ? 1 : 0;
  for (auto rest = ordered_.bytes(); !rest.empty(); rest = rest.subspan(record_at(rest)))
    count += is_match(rest) ? 1 : 0;
  return count;
}

/// A match goes; anything else goes to the answers.
void Outbox::drop_front() {
  const std::size_t bytes = record_at(ordered_.bytes());
  if (is_match(ordered_.bytes())) {
    ++dropped_;
  } else {
    control_.append({ordered_.data(), bytes});
  }
  ordered_.consume(bytes);
}

/// Makes room for so many bytes, or drops all.
void Outbox::drop_for(std::size_t bytes) {
  while (!ordered_.empty() && ordered_.size() + bytes > options_.queue_bytes)
    drop_front();
}

void Outbox::drop_all() {
  while (!ordered_.empty())
    drop_front();
  ordered_.shrink(0);
  if (ring_) dropped_told_ = dropped_;  // the ring may be what is wrong
}

void Outbox::clear() {
  for (ByteQueue* queue : {&begun_, &control_, &ordered_}) {
    queue->consume(queue->size());
    queue->shrink(0);
  }
  dropped_told_ = dropped_;
}

/// Puts the number of dropped matches in front, where it has changed.
void Outbox::tell_dropped() {
  if (dropped_ == dropped_told_) return;
  dropped_told_ = dropped_;
  if (lines_) {
    control_.append(std::string_view(fmt::format("{{\"dropped\":{}}}\n", dropped_)));
    return;
  }
  const std::size_t bytes = wire::frame_bytes(sizeof(wire::Dropped));
  const wire::Dropped payload{dropped_};
  std::memcpy(wire::write_frame(control_.prepare(bytes), wire::FrameType::dropped, sizeof payload), &payload,
              sizeof payload);
  control_.commit(bytes);
}

IoResult Outbox::write(Stream& stream) {
  if (!ring_) tell_dropped();
  std::size_t written = 0;
  while (true) {
    const std::array<std::span<const std::byte>, 3> pieces = {
        begun_.bytes(), control_.bytes(), ring_ ? std::span<const std::byte>() : ordered_.bytes()};
    const std::size_t all = pieces[0].size() + pieces[1].size() + pieces[2].size();
    if (all == 0 && !stream.keeps_back()) break;
    const IoResult result = stream.write(pieces);
    if (result.io == Io::failed) return {Io::failed, written};
    consume(result.bytes);
    written += result.bytes;
    if (result.bytes == all && !stream.keeps_back()) break;
    // A partial write has filled the socket: the poller tells when it has room.
    if (result.io != Io::done || stream.keeps_back()) return {Io::again, written};
  }
  begun_.shrink(kept_bytes);
  control_.shrink(kept_bytes);
  if (!ring_) ordered_.shrink(kept_bytes);
  return {Io::done, written};
}

/// So many bytes of the three parts are out. The rest of a match of which some are goes to begun_, so that
/// answers and drops come only between records; an answer stays where it is, as nothing goes before it.
void Outbox::consume(std::size_t bytes) {
  const auto take = [&bytes](ByteQueue& queue) {
    const std::size_t taken = std::min(bytes, queue.size());
    queue.consume(taken);
    bytes -= taken;
  };
  take(begun_);
  take(control_);
  if (bytes == ordered_.size()) return ordered_.consume(bytes);
  while (bytes > 0) {
    const std::size_t record = record_at(ordered_.bytes());
    if (bytes < record) {
      begun_is_match_ = is_match(ordered_.bytes());
      begun_.append(ordered_.bytes().subspan(bytes, record - bytes));
    }
    ordered_.consume(record);
    bytes -= std::min(bytes, record);
  }
}

void Outbox::use_ring(std::size_t most_payload) {
  ring_ = true;
  most_record_ = wire::frame_bytes(most_payload & ~std::size_t{7});
}

std::optional<std::size_t> Outbox::write(wire::RingProducer& ring) {
  std::optional<std::size_t> too_large;
  if (const wire::Dropped payload{dropped_}; dropped_ != dropped_told_) {
    if (!ring.append(wire::Dropped::type, std::as_bytes(std::span(&payload, 1)))) return sizeof payload;
    dropped_told_ = dropped_;
  }
  while (!ordered_.empty()) {
    const std::span<const std::byte> record = ordered_.bytes().first(record_at(ordered_.bytes()));
    const wire::FrameHeader header = header_at(record.data());
    if (header.type != wire::FrameType::match) {
      control_.append(record);  // all matches before it have gone
    } else if (!ring.append(header.type, record.subspan(sizeof header, header.length))) {
      too_large = header.length;
      break;
    }
    ordered_.consume(record.size());
  }
  ring.publish();
  if (ordered_.empty()) ordered_.shrink(kept_bytes);
  return too_large;
}

}  // namespace tocsin::connectors::net
