// The scalar functions of the language that are more than one operator: text, calendar, networks, distance.
// All are pure. None throws; none allocates but for those that write to `out`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/model/value.hpp"

namespace tocsin::match {

/// Glob: `*` is any run of characters, `?` one UTF-8 character. Folding is of ASCII letters only.
/// O(text × pattern) at worst, linear in practice.
bool like(std::string_view text, std::string_view pattern, bool ignore_case);

/// Byte order, -1, 0 or 1; with `ignore_case` ASCII letters count as their lower case.
int compare_text(std::string_view a, std::string_view b, bool ignore_case);

/// ASCII letters to lower or upper case.
void change_case(std::string_view text, bool upper, std::string& out);

/// UTF-8 code points in `text`.
std::int64_t count_characters(std::string_view text);

/// `length` code points from number `begin` on (from 0); what lies outside the text is left out.
std::string_view substring(std::string_view text, std::int64_t begin, std::int64_t length);

/// Hour of the day, UTC, 0..23.
std::int64_t hour_of(std::int64_t time_ns);
/// Day of the week, UTC: 1 is Monday, 7 Sunday.
std::int64_t weekday_of(std::int64_t time_ns);

enum class DateUnit : std::uint8_t { second, minute, hour, day, week, month, year };
std::optional<DateUnit> parse_date_unit(std::string_view name);
/// The last begin of a unit at or before `time_ns`, UTC; weeks begin on Monday.
std::int64_t truncate_date(std::int64_t time_ns, DateUnit unit);

/// An IPv4 or IPv6 network such as 10.0.0.0/8; an address alone is a network of one.
struct Network {
  unsigned char bytes[16] = {};
  int family = 0;  // AF_INET or AF_INET6
  int prefix_bits = 0;
};
std::optional<Network> parse_network(std::string_view text);
/// False where `address` is no address, or one of the other family.
bool in_network(std::string_view address, const Network& network);

/// Great-circle distance in km (haversine, mean Earth radius 6371.0088 km); degrees in.
double distance_km(double lat1, double lon1, double lat2, double lon2);

/// A hash that is the same in every run and on every machine, in [0, 2^63).
std::int64_t stable_hash(const model::Value& value);

/// Two values of one kind that are not null: -1, 0, 1, or 2 where they have no order (NaN, unlike arrays).
int compare_values(const model::Value& a, const model::Value& b, model::Kind kind, bool ignore_case);

/// Kinds alike; null is equal to null alone. For distinct counts and keys, not for the language's `==`.
bool identical(const model::Value& a, const model::Value& b);

}  // namespace tocsin::match
