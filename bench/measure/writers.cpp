#include "bench/measure/writers.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tocsin::measure {
namespace {

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      default: result += c;
    }
  }
  return result;
}

std::string duration(double ns) {
  if (ns < 1e3) return fmt::format("{:g} ns", ns);
  if (ns < 1e6) return fmt::format("{:g} µs", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:g} ms", ns / 1e6);
  return fmt::format("{:g} s", ns / 1e9);
}

std::string rate(double events) {
  if (events < 1e3) return fmt::format("{:g}/s", events);
  if (events < 1e6) return fmt::format("{:g}k/s", events / 1e3);
  return fmt::format("{:g}M/s", events / 1e6);
}

/// Whole powers of ten around what it holds.
struct Axis {
  double low = 1e300, high = 0;
  void hold(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void round() {
    low = std::pow(10, std::floor(std::log10(low)));
    high = std::pow(10, std::ceil(std::log10(high)));
    if (high <= low) high = low * 10;
  }
  double share(double value) const { return std::log(value / low) / std::log(high / low); }
};

}  // namespace

std::string to_hgrm(const Histogram& latency) {
  std::string text =
      fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  const auto total = static_cast<double>(latency.total());
  std::uint64_t seen = 0;
  double next = 0;  // percentile at which the next line is due
  for (const auto& bucket : latency.buckets()) {
    seen += bucket.count;
    const double share = static_cast<double>(seen) / total;
    if (share < next && seen < latency.total()) continue;
    const double value = static_cast<double>(std::min(bucket.upper, latency.max())) / 1e3;
    if (seen < latency.total()) {
      text += fmt::format("{:>12.3f} {:>14.12f} {:>10} {:>14.2f}\n", value, share, seen, 1 / (1 - share));
      const double step = std::pow(2, std::floor(std::log2(1 / (1 - share)))) * 10;
      while (next <= share)
        next += 1 / step;
    } else {
      text += fmt::format("{:>12.3f} {:>14.12f} {:>10}\n", value, 1.0, seen);
    }
  }
  text += fmt::format("#[Mean    = {:>12.3f}, StdDeviation   = {:>12.3f}]\n", latency.mean() / 1e3,
                      latency.deviation() / 1e3);
  text += fmt::format("#[Max     = {:>12.3f}, Total count    = {:>12}]\n",
                      static_cast<double>(latency.max()) / 1e3, latency.total());
  return text;
}

std::string to_svg(const std::string& title, const std::vector<std::string>& curves,
                   const std::vector<RatePoint>& points) {
  constexpr double width = 720, height = 440, left = 80, right = 110, top = 50, bottom = 50;
  constexpr const char* colors[] = {"#1b6ca8", "#2a9d5c", "#e0a106", "#d1495b", "#7b4ea3", "#555555"};
  Axis x, y;
  for (const RatePoint& point : points) {
    for (const std::uint64_t ns : point.ns) {
      if (ns == 0) continue;
      x.hold(point.rate);
      y.hold(static_cast<double>(ns));
    }
  }
  if (x.high == 0) x.low = y.low = x.high = y.high = 1;
  x.round();
  y.round();
  const auto x_at = [&](double value) { return left + x.share(value) * (width - left - right); };
  const auto y_at = [&](double value) { return height - bottom - y.share(value) * (height - top - bottom); };
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"{2}\" y=\"24\" font-size=\"15\">{3}</text>\n",
      width, height, left, escaped(title));
  const auto line = [&](double x1, double y1, double x2, double y2) {
    svg += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n",
                       x1, y1, x2, y2);
  };
  for (double value = x.low; value < x.high * 1.5; value *= 10) {
    line(x_at(value), top, x_at(value), height - bottom);
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", x_at(value),
                       height - bottom + 18, rate(value));
  }
  for (double value = y.low; value < y.high * 1.5; value *= 10) {
    line(left, y_at(value), width - right, y_at(value));
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", left - 8,
                       y_at(value) + 4, duration(value));
  }
  for (std::size_t curve = 0; curve < curves.size(); ++curve) {
    const char* color = colors[curve % std::size(colors)];
    std::string path, dots;
    double end = 0;
    for (const RatePoint& point : points) {
      if (point.ns[curve] == 0) continue;
      const double px = x_at(point.rate);
      end = y_at(static_cast<double>(point.ns[curve]));
      path += fmt::format("{:.1f},{:.1f} ", px, end);
      dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", px, end, color);
    }
    if (path.empty()) continue;
    svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n{}", path,
                       color, dots);
    svg +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"{}\">{}</text>\n", width - right + 10,
                    top + 16.0 * static_cast<double>(curves.size() - curve), color, escaped(curves[curve]));
  }
  return svg + "</svg>\n";
}

}  // namespace tocsin::measure
