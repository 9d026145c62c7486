// Functions of one float that compilers turn into vector instructions: no
// branches, no tables, no calls. The same bits on every machine.
//
// Largest errors over all floats: Exp 1.0 ulp, Tanh 1.4 ulp, Sigmoid 2.5 ulp
// where it is above 2^-126; below that it may be 0.
#ifndef WEFT_KERNELS_VECTOR_MATH_H_
#define WEFT_KERNELS_VECTOR_MATH_H_

#include <bit>
#include <cmath>
#include <cstdint>

// In front of a loop whose iterations do not depend on each other, though the
// result may lie in the memory of an input.
#if defined(__clang__)
#define WEFT_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#else
#define WEFT_VECTORIZE _Pragma("GCC ivdep")
#endif

// In front of functions that such loops call: one that is left as a call stays
// scalar.
#define WEFT_INLINE [[gnu::always_inline]] inline

namespace weft::vec {

// 2^n for -126 <= n <= 127.
WEFT_INLINE float PowerOfTwo(int32_t n) {
  return std::bit_cast<float>(static_cast<uint32_t>(n + 127) << 23);
}

// e^x = 2^n e^r with |r| <= ln(2) / 2 (Cephes, expf).
WEFT_INLINE float Exp(float x) {
  // Beyond these the result is infinite, or 0.
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.0f ? -104.0f : x;
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
  constexpr float kRound = 12582912.0f;
  const float shifted = x * 1.44269504088896341f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // In two steps, since 2^n may be denormal or too large where e^x is not. A
  // NaN makes a NaN with any n within these bounds.
  int32_t k = static_cast<int32_t>(std::bit_cast<uint32_t>(shifted) -
                                   std::bit_cast<uint32_t>(kRound));
  k = k > 128 ? 128 : k;
  k = k < -151 ? -151 : k;
  const int32_t half = k >> 1;
  return p * PowerOfTwo(half) * PowerOfTwo(k - half);
}

// (Cephes, tanhf.)
WEFT_INLINE float Tanh(float x) {
  const float a = std::fabs(x);
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float small = p * z * x + x;
  const float large = std::copysign(1.0f - 2.0f / (Exp(a + a) + 1.0f), x);
  return a < 0.625f ? small : large;
}

WEFT_INLINE float Sigmoid(float x) { return 1.0f / (1.0f + Exp(-x)); }

// Doubles are for checking: they take what the C library has.
WEFT_INLINE double Exp(double x) { return std::exp(x); }
WEFT_INLINE double Tanh(double x) { return std::tanh(x); }
// 1 / (1 + e^-x) is exact to the last bits for all x: e^-x may be infinite.
WEFT_INLINE double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

}  // namespace weft::vec

#endif  // WEFT_KERNELS_VECTOR_MATH_H_
