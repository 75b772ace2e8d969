// Causal attention, forward and backward, for heads of few channels.
//
// Sixteen queries are worked on at once, one in each lane of a vector, so that softmax needs no sum
// across lanes. Scores live in a tile that stays in the cache and are never written to memory; the
// backward pass works them out again. Channels are padded with zeros to one of a few numbers that
// the compiler knows. Letters: N rows (batch), T positions, H heads, D channels of a head,
// C = H * D; all arrays are float and contiguous.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int LANES = 16;
constexpr int KEYS = 8;  // keys worked on at once: so many sums hide the latency of one

typedef float Lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t Whole __attribute__((vector_size(4 * LANES)));

inline Lanes all(float x) { return x - Lanes{}; }

// e^x within two units of the last place for -87 <= x <= 0; below that 0; nan stays nan.
inline Lanes exponential(Lanes x) {
  const Lanes low = all(-87.0f);
  // What is masked has no weight at all, not a very small one.
  const Whole nothing = x < low;
  x = x < low ? low : x;
  const Lanes magic = all(12582912.0f);  // adding 1.5 * 2^23 rounds to a whole number
  const Lanes shifted = x * 1.44269504f + magic;
  const Lanes n = shifted - magic;
  const Lanes r = x - n * 0.693359375f + n * 2.12194440e-4f;  // ln 2 in two parts
  Lanes p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Whole power = ((Whole)shifted - (Whole)magic) << 23;
  return (Lanes)(((Whole)p + power) & ~nothing);
}

// One head of one row, copied together; T is rounded up to whole lanes, the rest is zero.
template <int D>
struct Head {
  int length, padded;
  std::vector<Lanes> room;
  float *k, *v, *dk, *dv, *q, *dy;  // (padded, D); q and dy (LANES, D), of one block of queries
  Lanes *qt, *dyt, *out;            // (D,) queries, gradients and results, a lane for each query
  Lanes *p, *dp;                    // (padded,) weights and their gradients

  explicit Head(int length) : length(length), padded((length + LANES - 1) / LANES * LANES) {
    const size_t rows = size_t(padded) * D / LANES;
    room.resize(4 * rows + 5 * D + 2 * padded);
    Lanes *at = room.data();
    auto take = [&at](size_t count) { Lanes *here = at; at += count; return here; };
    k = (float *)take(rows), v = (float *)take(rows);
    dk = (float *)take(rows), dv = (float *)take(rows);
    q = (float *)take(D), dy = (float *)take(D);
    qt = take(D), dyt = take(D), out = take(D);
    p = take(padded), dp = take(padded);
  }

  void read(float *to, const float *from, int rows, size_t stride, int width, int room_for) {
    for (int t = 0; t < rows; t++) {
      for (int d = 0; d < width; d++) to[t * D + d] = from[t * stride + d];
      for (int d = width; d < D; d++) to[t * D + d] = 0;
    }
    std::memset(to + rows * D, 0, sizeof(float) * (room_for - rows) * D);
  }

  // LANES rows of D as D vectors of lanes, times a factor.
  void turn(Lanes *to, const float *from, float factor) {
    for (int d = 0; d < D; d++)
      for (int i = 0; i < LANES; i++) ((float *)(to + d))[i] = from[i * D + d] * factor;
  }

  // to[t][i] = sum over d of rows[t][d] * columns[d][i], for the first `count` rows.
  void multiply(Lanes *to, const float *rows, const Lanes *columns, int count) {
    for (int t = 0; t < count; t += KEYS) {
      Lanes sum[KEYS] = {};
      for (int d = 0; d < D; d++)
        for (int j = 0; j < KEYS; j++) sum[j] += columns[d] * rows[(t + j) * D + d];
      for (int j = 0; j < KEYS; j++) to[t + j] = sum[j];
    }
  }

  // out[d][i] = sum over t of weights[t][i] * rows[t][d].
  void gather(const Lanes *weights, const float *rows, int count) {
    for (int low = 0; low < D; low += 8) {
      Lanes sum[8] = {};
      for (int t = 0; t < count; t++)
        for (int j = 0; j < 8; j++) sum[j] += weights[t] * rows[t * D + low + j];
      for (int j = 0; j < 8; j++) out[low + j] = sum[j];
    }
  }

  // to[t][d] += sum over i of weights[t][i] * rows[i][d].
  void scatter(float *to, const Lanes *weights, const float *rows, int count) {
    constexpr int R = D % 16 ? 8 : 16;
    typedef float Row __attribute__((vector_size(4 * R)));
    for (int low = 0; low < D; low += R)
      for (int t = 0; t < count; t += KEYS) {
        Row sum[KEYS];
        for (int j = 0; j < KEYS; j++) sum[j] = *(Row *)(to + (t + j) * D + low);
        for (int i = 0; i < LANES; i++) {
          const Row row = *(const Row *)(rows + i * D + low);
          for (int j = 0; j < KEYS; j++) sum[j] += row * ((const float *)(weights + t + j))[i];
        }
        for (int j = 0; j < KEYS; j++) *(Row *)(to + (t + j) * D + low) = sum[j];
      }
  }

  // A query may not see what comes after it.
  void hide(int first, float with) {
    for (int j = 1; j < LANES; j++)
      for (int i = 0; i < j; i++) ((float *)(p + first + j))[i] = with;
  }

  void write(float *to, size_t stride, int width, int rows, const Lanes &factor) {
    for (int d = 0; d < D; d++) out[d] *= factor;
    for (int i = 0; i < rows; i++)
      for (int d = 0; d < width; d++) to[i * stride + d] = ((const float *)(out + d))[i];
  }
};

struct Sizes {
  int n, t, h, d, threads;
  float scale;
};

template <int D>
void forward(const Sizes &s, const float *qkv, float *y, float *sums) {
  const size_t c = size_t(s.h) * s.d, stride = 3 * c;
#pragma omp parallel num_threads(s.threads)
  {
    Head<D> head(s.t);
#pragma omp for
    for (int item = 0; item < s.n * s.h; item++) {
      const int n = item / s.h, h = item % s.h;
      const float *own = qkv + n * s.t * stride + h * s.d;
      head.read(head.k, own + c, s.t, stride, s.d, head.padded);
      head.read(head.v, own + 2 * c, s.t, stride, s.d, head.padded);
      for (int first = 0; first < s.t; first += LANES) {
        const int seen = first + LANES, rows = s.t - first < LANES ? s.t - first : LANES;
        head.read(head.q, own + first * stride, rows, stride, s.d, LANES);
        head.turn(head.qt, head.q, s.scale);
        head.multiply(head.p, head.k, head.qt, seen);
        head.hide(first, -1e30f);
        Lanes most = head.p[0], sum = {};
        for (int t = 1; t < seen; t++) most = head.p[t] > most ? head.p[t] : most;
        for (int t = 0; t < seen; t++) sum += head.p[t] = exponential(head.p[t] - most);
        head.gather(head.p, head.v, seen);
        head.write(y + (size_t(n) * s.t + first) * c + h * s.d, c, s.d, rows, 1.0f / sum);
        float *kept = sums + (size_t(item) * s.t + first) * 2;  // (N, H, T, 2)
        for (int i = 0; i < rows; i++) kept[2 * i] = most[i], kept[2 * i + 1] = 1.0f / sum[i];
      }
    }
  }
}

template <int D>
void backward(const Sizes &s, const float *qkv, const float *sums, const float *dy, float *dqkv) {
  const size_t c = size_t(s.h) * s.d, stride = 3 * c;
#pragma omp parallel num_threads(s.threads)
  {
    Head<D> head(s.t);
#pragma omp for
    for (int item = 0; item < s.n * s.h; item++) {
      const int n = item / s.h, h = item % s.h;
      const size_t place = n * s.t * stride + h * s.d;
      const float *own = qkv + place;
      head.read(head.k, own + c, s.t, stride, s.d, head.padded);
      head.read(head.v, own + 2 * c, s.t, stride, s.d, head.padded);
      std::memset(head.dk, 0, sizeof(float) * head.padded * D);
      std::memset(head.dv, 0, sizeof(float) * head.padded * D);
      for (int first = 0; first < s.t; first += LANES) {
        const int seen = first + LANES, rows = s.t - first < LANES ? s.t - first : LANES;
        head.read(head.q, own + first * stride, rows, stride, s.d, LANES);
        head.turn(head.qt, head.q, s.scale);
        const float *above = dy + (size_t(n) * s.t + first) * c + h * s.d;
        head.read(head.dy, above, rows, c, s.d, LANES);
        head.turn(head.dyt, head.dy, 1.0f);
        const float *kept = sums + (size_t(item) * s.t + first) * 2;
        Lanes most = {}, share = {}, mean = {};
        for (int i = 0; i < rows; i++) most[i] = kept[2 * i], share[i] = kept[2 * i + 1];
        head.multiply(head.p, head.k, head.qt, seen);
        head.hide(first, -1e30f);
        head.multiply(head.dp, head.v, head.dyt, seen);
        for (int t = 0; t < seen; t++) {
          head.p[t] = exponential(head.p[t] - most) * share;
          mean += head.p[t] * head.dp[t];
        }
        for (int t = 0; t < seen; t++) head.dp[t] = head.p[t] * (head.dp[t] - mean) * s.scale;
        head.scatter(head.dv, head.p, head.dy, seen);
        head.scatter(head.dk, head.dp, head.q, seen);
        head.gather(head.dp, head.k, seen);
        head.write(dqkv + place + first * stride, stride, s.d, rows, all(1.0f));
      }
      float *dk = dqkv + place + c, *dv = dk + c;
      for (int t = 0; t < s.t; t++)
        for (int d = 0; d < s.d; d++)
          dk[t * stride + d] = head.dk[t * D + d], dv[t * stride + d] = head.dv[t * D + d];
    }
  }
}

}  // namespace

// Each calls FUNCTION for the smallest number of channels that has room for D; 1 where none has.
#define FOR_CHANNELS(FUNCTION, ...)             \
  if (s.d <= 8) FUNCTION<8>(__VA_ARGS__);       \
  else if (s.d <= 16) FUNCTION<16>(__VA_ARGS__); \
  else if (s.d <= 24) FUNCTION<24>(__VA_ARGS__); \
  else if (s.d <= 32) FUNCTION<32>(__VA_ARGS__); \
  else if (s.d <= 48) FUNCTION<48>(__VA_ARGS__); \
  else if (s.d <= 64) FUNCTION<64>(__VA_ARGS__); \
  else return 1;                                \
  return 0;

// Queries, keys and values (N, T, 3, H, D) to `y` (N, T, H, D) and what the backward pass needs of
// each softmax, `sums` (N, H, T, 2).
extern "C" int causal_forward(int n, int t, int h, int d, float scale, int threads,
                              const float *qkv, float *y, float *sums) {
  const Sizes s = {n, t, h, d, threads, scale};
  FOR_CHANNELS(forward, s, qkv, y, sums)
}

// The gradient of `qkv`, from that of `y`.
extern "C" int causal_backward(int n, int t, int h, int d, float scale, int threads,
                               const float *qkv, const float *sums, const float *dy, float *dqkv) {
  const Sizes s = {n, t, h, d, threads, scale};
  FOR_CHANNELS(backward, s, qkv, sums, dy, dqkv)
}
