// Times moved by spans: at the end of what 64 bits hold they stay there.
#pragma once

#include <cstdint>

namespace tocsin {

/// `time_ns` + `span_ns`, at most INT64_MAX. Precondition: span_ns >= 0.
inline std::int64_t later(std::int64_t time_ns, std::int64_t span_ns) {
  std::int64_t result;
  return __builtin_add_overflow(time_ns, span_ns, &result) ? INT64_MAX : result;
}

/// `time_ns` - `span_ns`, at least INT64_MIN. Precondition: span_ns >= 0.
inline std::int64_t earlier(std::int64_t time_ns, std::int64_t span_ns) {
  std::int64_t result;
  return __builtin_sub_overflow(time_ns, span_ns, &result) ? INT64_MIN : result;
}

}  // namespace tocsin
