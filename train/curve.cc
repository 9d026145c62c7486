#include "train/curve.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace weft {
namespace {

constexpr double kWidth = 720, kHeight = 440;
constexpr double kLeft = 70, kRight = 20, kTop = 40, kBottom = 55;
constexpr std::array<const char*, 6> kColors = {
    "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf"};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Add(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  void Settle() {
    if (!(low <= high)) *this = {0, 1};
    if (low == high) *this = {low - 0.5, high + 0.5};
  }
};

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

// 1, 2 or 5 times a power of ten, so that about five ticks fit.
double TickStep(const Range& range) {
  const double raw = (range.high - range.low) / 5;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10 * power;
}

class Diagram {
 public:
  Diagram(const std::vector<Curve>& curves, const CurveOptions& options) {
    for (const Curve& curve : curves) {
      for (const auto& [x, y] : curve.points) {
        if (!std::isfinite(x) || !std::isfinite(y)) continue;
        x_.Add(x);
        y_.Add(y);
      }
    }
    x_.Settle();
    y_.Settle();
    absl::StrAppendFormat(
        &svg_,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" "
        "font-family=\"sans-serif\" font-size=\"13\">\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
        kWidth, kHeight);
    Text(kWidth / 2, 24, "middle", options.title);
    Text((kLeft + kWidth - kRight) / 2, kHeight - 14, "middle",
         options.x_label);
    Text(14, kTop - 12, "start", options.y_label);
    Axes();
    for (size_t i = 0; i < curves.size(); ++i) Line(curves[i], i);
    svg_ += "</svg>\n";
  }

  std::string Take() { return std::move(svg_); }

 private:
  double X(double x) const {
    return kLeft +
           (x - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
  }
  double Y(double y) const {
    return kHeight - kBottom -
           (y - y_.low) / (y_.high - y_.low) * (kHeight - kTop - kBottom);
  }

  void Text(double x, double y, const char* anchor, const std::string& text) {
    absl::StrAppendFormat(
        &svg_, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x,
        y, anchor, Escaped(text));
  }

  void Segment(double x1, double y1, double x2, double y2, const char* color) {
    absl::StrAppendFormat(&svg_,
                          "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                          "y2=\"%.1f\" stroke=\"%s\"/>\n",
                          x1, y1, x2, y2, color);
  }

  void Axes() {
    const double x_step = TickStep(x_), y_step = TickStep(y_);
    for (double x = std::ceil(x_.low / x_step) * x_step; x <= x_.high;
         x += x_step) {
      Segment(X(x), Y(y_.low), X(x), Y(y_.high), "#e6e6e6");
      Text(X(x), kHeight - kBottom + 18, "middle", absl::StrFormat("%g", x));
    }
    for (double y = std::ceil(y_.low / y_step) * y_step; y <= y_.high;
         y += y_step) {
      Segment(X(x_.low), Y(y), X(x_.high), Y(y), "#e6e6e6");
      Text(kLeft - 8, Y(y) + 4, "end", absl::StrFormat("%g", y));
    }
    Segment(X(x_.low), Y(y_.low), X(x_.high), Y(y_.low), "black");
    Segment(X(x_.low), Y(y_.low), X(x_.low), Y(y_.high), "black");
  }

  void Line(const Curve& curve, size_t i) {
    const char* color = kColors[i % kColors.size()];
    std::string points;
    for (const auto& [x, y] : curve.points) {
      if (std::isfinite(x) && std::isfinite(y)) {
        absl::StrAppendFormat(&points, "%.1f,%.1f ", X(x), Y(y));
      }
    }
    absl::StrAppendFormat(&svg_,
                          "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" "
                          "stroke-width=\"1.5\"/>\n",
                          points, color);
    const double y = kTop + 10 + 18 * static_cast<double>(i);
    Segment(kWidth - kRight - 190, y, kWidth - kRight - 165, y, color);
    Text(kWidth - kRight - 158, y + 4, "start", curve.label);
  }

  Range x_, y_;
  std::string svg_;
};

}  // namespace

std::string DrawCurves(const std::vector<Curve>& curves,
                       const CurveOptions& options) {
  return Diagram(curves, options).Take();
}

Curve Smoothed(const Curve& curve, int window) {
  Curve result{.label = curve.label};
  for (size_t begin = 0; begin < curve.points.size(); begin += window) {
    const size_t end = std::min(curve.points.size(), begin + window);
    double x = 0, y = 0;
    for (size_t i = begin; i < end; ++i) {
      x += curve.points[i].first;
      y += curve.points[i].second;
    }
    const double n = static_cast<double>(end - begin);
    result.points.push_back({x / n, y / n});
  }
  return result;
}

}  // namespace weft
