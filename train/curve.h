// Curves: how a loss went, as a picture.
#ifndef WEFT_TRAIN_CURVE_H_
#define WEFT_TRAIN_CURVE_H_

#include <string>
#include <utility>
#include <vector>

namespace weft {

struct Curve {
  std::string label;
  std::vector<std::pair<double, double>> points;  // (x, y), by x.
};

struct CurveOptions {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
};

// The curves in one diagram with axes and a legend: an SVG document. Points
// that are not finite are left out.
std::string DrawCurves(const std::vector<Curve>& curves,
                       const CurveOptions& options);

// Means of `window` points each, for a curve that is too noisy to read.
Curve Smoothed(const Curve& curve, int window);

}  // namespace weft

#endif  // WEFT_TRAIN_CURVE_H_
