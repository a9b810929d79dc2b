/* AtomicVAD in integers. `Qn`: n binary digits after the point.
 *
 * Every sum fits 32 bits whatever the samples are: tables and weights are scaled so. Right shifts
 * of negative numbers are arithmetic, as compilers for two's complement do.
 */
#include "atomicvad.h"

#include "atomicvad_tables.h"
#include "atomicvad_weights.h"

/* Products are `int`s. */
typedef char int_has_32_bits[sizeof(int) >= 4 ? 1 : -1];

/* The DSP instructions of Cortex-M4 and above: the same results, faster. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && \
    !defined(AVAD_NO_DSP)
#define USE_DSP 1
#else
#define USE_DSP 0
#endif

/* What follows steers compilers; without it the results are the same, and the code is slower. */

/* Compilers like to call memset or memcpy where they see such a loop; there may be none. */
#if defined(__GNUC__) && !defined(AVAD_HOST)
#define NO_LIBRARY_CALL __asm__ volatile("")
/* A barrier: values are loaded again behind it, and not kept on the stack since before. */
#define LOAD_ANEW __asm__ volatile("" : : : "memory")
#else
#define NO_LIBRARY_CALL ((void)0)
#define LOAD_ANEW ((void)0)
#endif

/* A variable stays in a register as it is here: of Armv6-M in one of the eight that most
 * instructions reach. */
#if defined(__GNUC__) && defined(__thumb__) && !defined(__thumb2__)
#define HELD(value) __asm__ volatile("" : "+l"(value))
#elif defined(__GNUC__) && !defined(AVAD_HOST)
#define HELD(value) __asm__ volatile("" : "+r"(value))
#else
#define HELD(value) ((void)0)
#endif

/* Loops of a few turns whose counting would cost too much. Clang decides for itself. */
#if defined(__GNUC__) && !defined(__clang__)
#define PRAGMA(text) _Pragma(#text)
#define UNROLLED(turns) PRAGMA(GCC unroll turns)
#else
#define UNROLLED(turns)
#endif

/* Not inlined: where registers are few, a large function keeps its variables on the stack. */
#if defined(__GNUC__) && !defined(__wasm__) && !defined(AVAD_HOST)
#define SEPARATE static __attribute__((noinline))
#else
#define SEPARATE static
#endif

/* Frames that the FFT takes at once: one, on a computer as many as its vectors hold numbers. The
 * numbers of one frame lie so far apart. */
#ifdef AVAD_LANES
#define LANES AVAD_LANES
typedef int32_t __attribute__((vector_size(4 * LANES))) avad_lanes;
#else
#define LANES 1
typedef int32_t avad_lanes;
#endif

#define POINTS (AVAD_FFT / 2)
#define QUARTER (AVAD_FFT / 4) /* samples between the points that the FFT combines first */
#define EDGE (AVAD_TAPS / 2) /* rows, and frames, that the first convolution sees on either side */
#define GROUP 7              /* rows, and columns, that the second pooling takes together */

/* ---- Arithmetic ---------------------------------------------------------------------------- */

/* Half the product with a factor in Q15, rounded down. */
static inline avad_lanes scaled(avad_lanes value, int32_t factor)
{
#if USE_DSP
    int32_t result;
    __asm__("smulwb %0, %1, %2" : "=r"(result) : "r"(value), "r"(factor));
    return result;
#else
    const avad_lanes low = value & 0xFFFF;
    return (value >> 16) * factor + ((low * factor) >> 16);
#endif
}

/* How coefficients are stored: on small cores without the DSP instructions, off by 2^15, since to
 * load 16 bits with a sign takes two instructions there. */
#if USE_DSP || defined(AVAD_HOST)
#define SIGNED_CODES 1
#else
#define SIGNED_CODES 0
#endif
#define CODE_OFFSET 0x8000u

static inline uint16_t coded(int32_t value)
{
    return (uint16_t)((uint32_t)value + (SIGNED_CODES ? 0u : CODE_OFFSET));
}

#ifndef AVAD_NO_WINDOW
static inline int32_t decoded(uint16_t code)
{
    return SIGNED_CODES ? (int16_t)code : (int32_t)code - (int32_t)CODE_OFFSET;
}
#endif

/* Binary digits of a number; none of 0. */
static int32_t bit_length(uint32_t value)
{
#if USE_DSP
    int32_t zeros;
    __asm__("clz %0, %1" : "=r"(zeros) : "r"(value));
    return 32 - zeros;
#elif defined(AVAD_HOST) && defined(__GNUC__)
    return value == 0u ? 0 : 32 - __builtin_clz(value);
#else
    int32_t length = 0;
    if (value >= 0x10000u) {
        length = 16;
        value >>= 16;
    }
    if (value >= 0x100u) {
        length += 8;
        value >>= 8;
    }
    if (value >= 0x10u) {
        length += 4;
        value >>= 4;
    }
    if (value >= 4u) {
        length += 2;
        value >>= 2;
    }
    return length + (value > 1u ? 2 : (int32_t)value);
#endif
}

#if USE_DSP
/* Two numbers of 16 bits in one. */
static inline int32_t pair(int32_t low, int32_t high)
{
    return (int32_t)((uint16_t)low | ((uint32_t)high << 16));
}

/* A sum and the products of two pairs of 16 bits. */
static inline int32_t add_products(int32_t sum, int32_t two, int32_t other)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(two), "r"(other));
    return sum;
}
#endif

/* A number without its sign's digits: as long as the magnitude, or a digit shorter. */
static inline uint32_t digits(int32_t value)
{
    return (uint32_t)(value ^ (value >> 31));
}

static inline uint32_t square(int32_t value)
{
    return (uint32_t)(value * value);
}

static inline int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline void keep_larger(int32_t *largest, int32_t value)
{
    if (value > *largest) {
        *largest = value;
    }
}

static void fill(int32_t *values, int32_t count, int32_t value)
{
    while (count-- > 0) {
        NO_LIBRARY_CALL;
        *values++ = value;
    }
}

/* ---- Front end: samples to MFCC ------------------------------------------------------------ */

/* Half of (re, im) times a number of length 1: its real part in the low 16 bits of `factor`, its
 * imaginary part in the high ones. */
static inline void turn(avad_lanes *re, avad_lanes *im, int32_t factor)
{
#if USE_DSP
    int32_t turned = scaled(*re, factor), part;
    __asm__("smulwt %0, %1, %2" : "=r"(part) : "r"(*im), "r"(factor));
    turned -= part;
    part = scaled(*im, factor);
    __asm__("smlawt %0, %1, %2, %0" : "+r"(part) : "r"(*re), "r"(factor));
    *im = part;
#else
    const int32_t cosine = (int16_t)factor, minus_sine = factor >> 16;
    const avad_lanes turned = scaled(*re, cosine) - scaled(*im, minus_sine);
    *im = scaled(*im, cosine) + scaled(*re, minus_sine);
#endif
    *re = turned;
}

static inline void halve(avad_lanes *re, avad_lanes *im)
{
    *re >>= 1;
    *im >>= 1;
}

/* What comes before four points are combined: nothing, to halve them, or also to turn three. */
enum { PLAIN, HALVED, TURNED };

/* An FFT of four points that lie `span` apart, in place. */
static inline void combine(avad_lanes *p, int32_t span, int kind, int32_t turns)
{
    avad_lanes *const q = p + 2 * span, *const r = q + 2 * span, *const s = r + 2 * span;
    avad_lanes a = p[0], b = q[0], c = r[0], d = s[0], e = p[1], f = q[1], g = r[1], h = s[1];
    avad_lanes sum, difference, other;
    if (kind != PLAIN) {
        halve(&a, &e);
    }
    if (kind == HALVED) {
        halve(&b, &f);
        halve(&c, &g);
        halve(&d, &h);
    }
    if (kind == TURNED) {
        turn(&b, &f, avad_circle[turns]);
        turn(&c, &g, avad_circle[2 * turns]);
        turn(&d, &h, avad_circle[3 * turns]);
    }
    sum = a + c;
    difference = a - c;
    other = b + d;
    b -= d;
    p[0] = sum + other;
    r[0] = sum - other;
    sum = e + g;
    e -= g;
    other = f + h;
    f -= h;
    p[1] = sum + other;
    r[1] = sum - other;
    q[0] = difference + f;
    s[0] = difference - f;
    q[1] = e - b;
    s[1] = e + b;
}

/* A pair of neighbouring samples times the Hamming window, Q11. */
static inline void load(int32_t *point, const int16_t *samples, int32_t factor,
                        int32_t next_factor)
{
    point[0] = (samples[0] * factor + 8) >> 4;
    point[LANES] = (samples[1] * next_factor + 8) >> 4;
}

/* The first stage of the FFT: a frame's pairs of samples, taken for complex points, in
 * digit-reversed order; four each are combined, where no other lanes are to be filled before. The
 * frame ends with `hop`, zeros follow. */
SEPARATE void begin_transform(int32_t *z, const int16_t history[AVAD_HISTORY],
                              const int16_t hop[AVAD_HOP])
{
    int32_t i, j, n;
    for (i = 0; i < 8; i += 2) {
        for (j = i; j < 32; j += 8) {
            for (n = j; n < QUARTER; n += 32) {
                const int32_t second = n + QUARTER, third = n + 2 * QUARTER, last = n + 3 * QUARTER;
                load(z, history + n, avad_hamming[n], avad_hamming[n + 1]);
                load(z + 2 * LANES,
                     second < AVAD_HISTORY ? history + second : hop + second - AVAD_HISTORY,
                     avad_hamming[second], avad_hamming[second + 1]);
                load(z + 4 * LANES, hop + third - AVAD_HISTORY, avad_hamming[AVAD_FRAME - third],
                     avad_hamming[AVAD_FRAME - 1 - third]);
                if (last < AVAD_FRAME) {
                    load(z + 6 * LANES, hop + last - AVAD_HISTORY,
                         avad_hamming[AVAD_FRAME - last], avad_hamming[AVAD_FRAME - 1 - last]);
                } else {
                    z[6 * LANES] = z[7 * LANES] = 0;
                }
                if (LANES == 1) {
                    combine((avad_lanes *)z, 1, PLAIN, 0);
                }
                z += 8 * LANES;
            }
        }
    }
}

/* The other stages: FFT of 256 complex points (re, im, re, im ...) in place, an eighth of it. */
SEPARATE void transform(avad_lanes z[AVAD_FFT])
{
    avad_lanes *const end = z + AVAD_FFT, *p;
    int32_t span, step, j;
    if (LANES > 1) {
        for (p = z; p < end; p += 8) {
            combine(p, 1, PLAIN, 0);
        }
    }
    for (span = 4, step = POINTS / 16; span < POINTS; span *= 4, step >>= 2) {
        for (p = z; p < end; p += 8 * span) {
            combine(p, span, HALVED, 0);
        }
#if defined(AVAD_HOST)
        for (p = z; p < end; p += 8 * span) {
            for (j = 1; j < span; j++) {
                combine(p + 2 * j, span, TURNED, j * step);
            }
        }
#else
        for (j = 1; j < span; j++) {
            for (p = z + 2 * j; p < end; p += 8 * span) {
                combine(p, span, TURNED, j * step);
            }
        }
#endif
    }
}

/* From the FFT of pairs of samples to half that of the samples: bins 1 to 255, Q7. */
SEPARATE void split(avad_lanes z[AVAD_FFT])
{
    int32_t first, k;
    for (first = 1; first <= 2; first++) {
        const int32_t *factor = first == 1 ? avad_between : avad_circle + 1;
        for (k = first; k < POINTS / 2; k += 2) {
            avad_lanes *const low = z + 2 * k, *const high = z + AVAD_FFT - 2 * k;
            const avad_lanes a = low[0] >> 1, b = high[0] >> 1, c = low[1] >> 1, d = high[1] >> 1;
            const avad_lanes even_re = (a + b) >> 1, even_im = (c - d) >> 1;
            avad_lanes odd_re = c + d, odd_im = b - a;
            turn(&odd_re, &odd_im, *factor++);
            low[0] = even_re + odd_re;
            low[1] = even_im + odd_im;
            high[0] = even_re - odd_re;
            high[1] = even_im - odd_im;
        }
    }
    halve(&z[POINTS], &z[POINTS + 1]);
}

/* A logarithm to base 2 in steps of 1/512, of mantissa * 2^exponent. */
SEPARATE int32_t logarithm(uint32_t mantissa, int32_t exponent)
{
    int32_t length, index, rest, fraction;
    if (mantissa == 0u) {
        return AVAD_LOG_FLOOR;
    }
    length = bit_length(mantissa);
    mantissa <<= 32 - length;
    index = (int32_t)((mantissa >> 25) & 63u);
    rest = (int32_t)((mantissa >> 9) & 0xFFFFu);
    fraction = avad_log2[index] + (((avad_log2[index + 1] - avad_log2[index]) * rest) >> 16);
    return larger((length - 1 + exponent - AVAD_LOG_OFFSET) * 512 + ((fraction + 16) >> 5),
                  AVAD_LOG_FLOOR);
}

/* From a spectrum to the logarithms of its 64 mel bands, in its first 64 places.
 *
 * Between two mel edges one band falls and the next rises; the bins there share one exponent.
 */
SEPARATE void log_mel(int32_t *z)
{
    uint32_t below = 0; /* what the segment before adds to its upper band */
    int32_t below_exponent = 0;
    const int32_t *bin = z + 2 * LANES;
    const uint16_t *weight = avad_rising;
    int32_t segment;
    for (segment = 0; segment <= AVAD_BANDS; segment++) {
        const int32_t *const end = bin + 2 * LANES * avad_bins[segment], *ahead = bin;
        uint32_t all = 0, rising = 0, total = 0;
        int32_t bits, right, left, exponent;
        do {
            const int32_t re = ahead[0], im = ahead[LANES];
            ahead += 2 * LANES;
            LOAD_ANEW;
            all |= digits(re) | digits(im);
        } while (ahead < end);
        bits = bit_length(all);
        right = larger(bits - 13, 0);
        left = larger(2 * (13 - bits), 0);
        do {
            const int32_t re = bin[0], im = bin[LANES];
            uint32_t power;
            LOAD_ANEW;
            power = (square(re >> right) + square(im >> right)) << left >> 13;
            total += power;
            rising += power * *weight;
            HELD(rising);
            bin += 2 * LANES;
            weight++;
            HELD(weight);
            HELD(bin);
        } while (bin < end);
        total <<= 15; /* may wrap, and is right again less `rising` */
        exponent = 13 + 2 * right - left;
        if (segment > 0) {
            const int32_t common = larger(below_exponent, exponent);
            const uint32_t a = below >> smaller(common - below_exponent, 31);
            const uint32_t b = (total - rising) >> smaller(common - exponent, 31);
            z[LANES * (segment - 1)] = logarithm((a >> 1) + (b >> 1), common);
        }
        below = rising;
        below_exponent = exponent;
    }
}

/* A sum of products of differences with the factors of one coefficient, which come in pairs. */
static inline int32_t correlated(const int32_t *difference, const int32_t *factor, int32_t count)
{
    int32_t sum = 1 << 15, n;
#if USE_DSP
    if (count == AVAD_BANDS / 2) { /* these are in pairs, too */
        UNROLLED(4)
        for (n = 0; n < AVAD_BANDS / 4; n++) {
            sum = add_products(sum, *difference++, *factor++);
        }
        return sum;
    }
#endif
    UNROLLED(2)
    for (n = 0; n < count; n += 2) { /* a last pair of one ends in 0 */
        const int32_t two = *factor++;
        sum += *difference++ * (int16_t)two;
        sum += *difference++ * (two >> 16);
    }
    return sum;
}

/* MFCC of 64 logarithms, which it overwrites, to every `stride`th place of `mfcc`. */
SEPARATE void cosine_transform(int32_t values[AVAD_BANDS], uint16_t *mfcc, int32_t stride)
{
    const int32_t *factor = avad_dct;
    int32_t half, step, n, k;
    /* Even coefficients are those of half as many sums; odd ones hear the differences. */
    for (half = AVAD_BANDS / 2, step = 1; half > 0; half /= 2, step *= 2) {
        int32_t *const difference = values + half;
        for (n = 0; n < half; n++) {
            const int32_t a = values[n], b = values[2 * half - 1 - n];
            values[n] = a + b;
            values[2 * half - 1 - n] = a - b;
        }
#if USE_DSP
        for (n = 0; half == AVAD_BANDS / 2 && n < half / 2; n++) { /* the first ones fit 16 bits */
            difference[n] = pair(difference[2 * n], difference[2 * n + 1]);
        }
#endif
        for (k = step; k < AVAD_BANDS; k += 2 * step) {
            mfcc[k * stride] = coded(correlated(difference, factor, half) >> 16);
            factor += larger(half / 2, 1);
        }
    }
    mfcc[0] = coded((values[0] * (1 << AVAD_DCT_BITS) + (1 << 15)) >> 16);
}

/* ---- Network: MFCC to the logit ------------------------------------------------------------ */

static void fill_short(uint16_t *values, int32_t count, uint16_t value)
{
    while (count-- > 0) {
        NO_LIBRARY_CALL;
        *values++ = value;
    }
}

/* Where the newest column of a patch begins; its rows are AVAD_ROW apart. */
static inline uint16_t *newest(avad_patch *patch)
{
    return patch->value + EDGE * AVAD_ROW + AVAD_TAPS - 1;
}

/* Room for a new column; the oldest one is forgotten. */
SEPARATE void shift(avad_patch *patch)
{
    uint16_t *value = newest(patch);
    int32_t row;
    for (row = 0; row < AVAD_BANDS; row++) {
        value[-6] = value[-5];
        value[-5] = value[-4];
        value[-4] = value[-3];
        value[-3] = value[-2];
        value[-2] = value[-1];
        value[-1] = value[0];
        value += AVAD_ROW;
    }
}

#if USE_DSP
/* A sum and the products of two pairs each; those of the patch are loaded together. */
static inline int32_t add_taps(int32_t sum, const avad_pair x[2], int32_t w0, int32_t w1)
{
    const int32_t x0 = x[0], x1 = x[1];
    LOAD_ANEW;
    return add_products(add_products(sum, x0, w0), x1, w1);
}
#endif

/* The first convolution of a patch at four neighbouring rows. */
SEPARATE void convolve(const avad_patch *patch, int32_t row, int32_t filter, int32_t sums[4])
{
#if USE_DSP
    const avad_pair *x = patch->pair + row * (AVAD_ROW / 2);
    const int32_t *w = avad_first[filter].pair;
    int32_t a = 0, b = 0, c = 0, d = 0, n;
    for (n = 0; n < AVAD_TAPS; n++) {
        const int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
        a = add_taps(add_taps(a, x, w0, w1), x + 2, w2, w3);
        b = add_taps(add_taps(b, x + 4, w0, w1), x + 6, w2, w3);
        c = add_taps(add_taps(c, x + 8, w0, w1), x + 10, w2, w3);
        d = add_taps(add_taps(d, x + 12, w0, w1), x + 14, w2, w3);
        x += AVAD_ROW / 2;
        w += AVAD_ROW / 2;
    }
#elif defined(AVAD_HOST)
    /* Seven rows as one vector. */
    const uint16_t *x = patch->value + row * AVAD_ROW;
    const int16_t *const w = avad_first[filter].value;
    int32_t a = 0, b = 0, c = 0, d = 0, n;
    for (n = 0; n < AVAD_TAPS * AVAD_ROW; n++) {
        a += (int16_t)x[n] * w[n];
        b += (int16_t)x[n + AVAD_ROW] * w[n];
        c += (int16_t)x[n + 2 * AVAD_ROW] * w[n];
        d += (int16_t)x[n + 3 * AVAD_ROW] * w[n];
    }
#else
    const uint16_t *x = patch->value + row * AVAD_ROW;
    const int16_t *w = avad_first[filter].value;
    uint32_t a = avad_first_sum[filter] * (0u - CODE_OFFSET), b = a, c = a, d = a; /* modulo 2^32 */
    int32_t n, frame;
    for (n = 0; n < AVAD_TAPS; n++) {
        UNROLLED(AVAD_TAPS)
        for (frame = 0; frame < AVAD_TAPS; frame++) {
            const uint32_t weight = (uint32_t)w[frame];
            a += x[frame] * weight;
            HELD(a);
            b += x[frame + AVAD_ROW] * weight;
            HELD(b);
            c += x[frame + 2 * AVAD_ROW] * weight;
            HELD(c);
            d += x[frame + 3 * AVAD_ROW] * weight;
            HELD(d);
        }
        x += AVAD_ROW;
        w += AVAD_ROW;
    }
#endif
    sums[0] = (int32_t)a;
    sums[1] = (int32_t)b;
    sums[2] = (int32_t)c;
    sums[3] = (int32_t)d;
}

/* The first convolution at all rows; the largest of five neighbours is kept. */
SEPARATE void convolve_rows(const avad_patch *patch, avad_sums sums)
{
    int32_t four[4], row, filter, n;
    for (filter = 0; filter < AVAD_FILTERS; filter++) {
        int32_t *cell = sums + filter;
        int32_t largest = *cell, left = AVAD_POOL; /* rows that the cell still waits for */
        for (row = 0; row < AVAD_BANDS; row += 4) {
            convolve(patch, row, filter, four);
            for (n = 0; n < 4 && row == 0; n++) {
                four[n] += avad_first_edge[n][filter];
            }
            for (n = 0; n < 4; n++) {
                keep_larger(&largest, four[n]);
                if (--left == 0) {
                    *cell = largest;
                    cell += AVAD_FILTERS;
                    largest = *cell;
                    left = AVAD_POOL;
                }
            }
        }
        *cell = largest;
    }
}

/* Differences become a vector of length 1 or less, Q14: d / sqrt(sum of d d + epsilon). */
SEPARATE void normalize(int32_t *values, int32_t count, int32_t least_shift, uint32_t epsilon)
{
    uint32_t all = 0, total;
    int32_t right, even, index, rest, inverse, last, n;
    for (n = 0; n < count; n++) {
        all |= (uint32_t)(values[n] < 0 ? -values[n] : values[n]);
    }
    right = larger(bit_length(all) - 14, least_shift);
    total = epsilon >> smaller(2 * (right - least_shift), 31);
    for (n = 0; n < count; n++) {
        values[n] >>= right;
        total += (uint32_t)(values[n] * values[n]);
    }
    if (total == 0u) {
        return; /* all differences are 0 */
    }
    even = (32 - bit_length(total)) & ~1;
    total <<= even;
    index = (int32_t)(total >> 25) - 32;
    rest = (int32_t)((total >> 9) & 0xFFFFu);
    inverse = avad_rsqrt[index] - (((avad_rsqrt[index] - avad_rsqrt[index + 1]) * rest) >> 16);
    last = 17 - even / 2;
    for (n = 0; n < count; n++) {
        values[n] = (values[n] * inverse + (1 << (last - 1))) >> last;
    }
}

/* A growing cosine unit, out of the table of its 257 points. */
static int32_t unit(int32_t input, const int16_t table[257])
{
    const int32_t inside = smaller(larger(input, 0), (1 << 29) - 1);
    const int32_t index = inside >> 21, rest = (inside >> 7) & 0x3FFF;
    return table[index] + (((table[index + 1] - table[index]) * rest + 0x2000) >> 14);
}

/* The first block after its pooling, at one cell. */
SEPARATE void finish_cell(const int32_t *sums, int16_t *outputs)
{
    int32_t values[AVAD_FILTERS], totals[AVAD_CHANNELS], mean = 0, n, j;
    for (n = 0; n < AVAD_FILTERS; n++) {
        values[n] = (sums[n] + avad_first_bias[n]) >> 3;
        mean += values[n];
    }
    for (n = 0; n < AVAD_FILTERS; n++) {
        values[n] = 3 * values[n] - mean;
    }
    normalize(values, AVAD_FILTERS, AVAD_FIRST_SHIFT, AVAD_FIRST_EPSILON);
    for (n = 0; n < AVAD_CHANNELS; n++) {
        totals[n] = avad_reduce_bias[n];
    }
    for (j = 0; j < AVAD_HIDDEN; j++) {
        int32_t input = avad_first_offset[j];
        for (n = 0; n < AVAD_FILTERS; n++) {
            input += avad_first_expand[j][n] * values[n];
        }
        input = unit(input, avad_first_unit);
        for (n = 0; n < AVAD_CHANNELS; n++) {
            totals[n] += avad_reduce[n][j] * input;
        }
    }
    for (n = 0; n < AVAD_CHANNELS; n++) {
        outputs[n] = (int16_t)((totals[n] + (1 << 15)) >> 16);
    }
}

/* Where the values of a row's group begin, or a column's among groups of rows. */
static inline int32_t group(int32_t row)
{
    return row < GROUP ? 0 : AVAD_CHANNELS;
}

/* The first block after its pooling, at all cells of a column. */
static void finish_column(const avad_sums sums, avad_column column)
{
    int32_t cell;
    for (cell = 0; cell < AVAD_CELLS; cell++) {
        finish_cell(sums + cell * AVAD_FILTERS, column + cell * AVAD_CHANNELS);
    }
}

/* The depthwise convolution's sums at all cells of a column, which nothing is added to yet. */
static void begin_sums(int32_t sums[AVAD_CELLS * AVAD_CHANNELS])
{
    int32_t n;
    for (n = 0; n < AVAD_CELLS * AVAD_CHANNELS; n++) {
        sums[n] = avad_second_bias[n % AVAD_CHANNELS] + (1 << 15);
    }
}

/* What a column adds to such sums: the column before theirs (0), theirs (1), the one after (2). */
SEPARATE void add_column(int32_t sums[AVAD_CELLS * AVAD_CHANNELS], const int16_t *column,
                         int32_t place)
{
    int32_t channel, n;
    for (channel = 0; channel < AVAD_CHANNELS; channel++) {
        const int16_t *const weights = avad_second[channel][place];
        const int32_t above = weights[0], here = weights[1], below = weights[2];
        int32_t last = 0, now = *column++;
        for (n = 0; n < AVAD_CELLS - 1; n++) {
            const int32_t next = column[AVAD_CHANNELS * n + AVAD_CHANNELS - 1];
            sums[AVAD_CHANNELS * n] += last * above + now * here + next * below;
            last = now;
            now = next;
        }
        sums[AVAD_CHANNELS * n] += last * above + now * here;
        sums++;
    }
}

/* The largest of a column's two groups of rows, less 16 binary digits. */
SEPARATE void pool_sums(const int32_t sums[AVAD_CELLS * AVAD_CHANNELS], avad_groups groups)
{
    int32_t at, row;
    for (at = 0; at < 2 * AVAD_CHANNELS; at++) {
        const int32_t end = at < AVAD_CHANNELS ? GROUP : AVAD_CELLS;
        int32_t largest = INT32_MIN;
        for (row = at < AVAD_CHANNELS ? 0 : GROUP; row < end; row++) {
            keep_larger(&largest, sums[AVAD_CHANNELS * row + at % AVAD_CHANNELS]);
        }
        groups[at] = (int16_t)(largest >> 16);
    }
}

/* The largest of the first block's output, in the same way; `sums` is overwritten. */
static void pool_column(const avad_column column, int32_t *sums, avad_groups groups)
{
    int32_t n;
    for (n = 0; n < AVAD_CELLS * AVAD_CHANNELS; n++) {
        sums[n] = column[n] * (1 << 16);
    }
    pool_sums(sums, groups);
}

static void keep_all_larger(int32_t *largest, const avad_groups values)
{
    int32_t n;
    for (n = 0; n < 2 * AVAD_CHANNELS; n++) {
        keep_larger(&largest[n], values[n]);
    }
}

/* The second block after its pooling, the skip connection and the last layer.
 *
 * Both arguments: the largest values of columns 0-6, then of columns 7-12.
 */
SEPARATE int16_t logit(const int32_t second[4 * AVAD_CHANNELS],
                       const int32_t skip[4 * AVAD_CHANNELS])
{
    int32_t total = AVAD_OUTPUT_BIAS, row, column, j;
    for (row = 0; row < 2; row++) {
        for (column = 0; column < 2; column++) {
            const int32_t cell = 2 * row + column, at = AVAD_CHANNELS * (2 * column + row);
            int32_t value = second[at] - second[at + 1];
            normalize(&value, 1, AVAD_SECOND_SHIFT, AVAD_SECOND_EPSILON);
            for (j = 0; j < AVAD_HIDDEN; j++) {
                const int32_t input = avad_second_offset[j] + avad_second_expand[j] * value;
                total += avad_output[cell][j] * unit(input, avad_second_unit);
            }
            for (j = 0; j < AVAD_CHANNELS; j++) {
                total += avad_skip[cell][j] * skip[at + j];
            }
        }
    }
    return (int16_t)smaller(larger(total >> AVAD_OUTPUT_SHIFT, -INT16_MAX), INT16_MAX);
}

/* ---- One window ---------------------------------------------------------------------------- */

#ifndef AVAD_NO_WINDOW
/* Where the frame begins whose middle is sample 160 * frame. Beyond its ends the window is
 * reflected: such frames are written to `room`. */
static const int16_t *framed(const int16_t *samples, int32_t frame, int16_t *room)
{
    const int32_t start = frame * AVAD_HOP - AVAD_FRAME / 2;
    int32_t n;
    if (start >= 0 && start + AVAD_FRAME <= AVAD_WINDOW) {
        return samples + start;
    }
    for (n = 0; n < AVAD_FRAME; n++) {
        const int32_t at = start + n < 0 ? -(start + n) : start + n;
        room[n] = samples[smaller(at, 2 * (AVAD_WINDOW - 1) - at)];
    }
    return room;
}

/* MFCC of a window; its logarithms end 80 dB below the largest. */
SEPARATE void window_mfcc(avad_workspace *workspace, const int16_t *samples)
{
#if LANES > 1
    avad_lanes spectra[AVAD_FFT];
#else
    avad_lanes *const spectra = workspace->scratch.spectrum;
#endif
    int32_t *const spectrum = (int32_t *)spectra;
    int32_t floor = AVAD_LOG_FLOOR, frames[LANES], count, lane, frame, n;
    /* The last two frames and the first two, which are reflected, come first: there is room yet. */
    for (count = 0; count < AVAD_FRAMES; count += LANES) {
        for (lane = 0; lane < LANES; lane++) {
            const int16_t *start;
            frames[lane] = (count + lane + AVAD_FRAMES - 2) % AVAD_FRAMES;
            start = framed(samples, frames[lane], (int16_t *)workspace->mfcc + 2 * AVAD_BANDS);
            begin_transform(spectrum + lane, start, start + AVAD_HISTORY);
        }
        transform(spectra);
        split(spectra);
        for (lane = 0; lane < LANES; lane++) {
            log_mel(spectrum + lane);
            for (n = 0; n < AVAD_BANDS; n++) {
                const int32_t value = spectrum[LANES * n + lane];
                workspace->mfcc[frames[lane]][n] = coded(value);
                keep_larger(&floor, value - AVAD_LOG_RANGE);
            }
        }
    }
    for (frame = 0; frame < AVAD_FRAMES; frame++) {
        for (n = 0; n < AVAD_BANDS; n++) {
            spectrum[n] = larger(decoded(workspace->mfcc[frame][n]), floor);
        }
        cosine_transform(spectrum, workspace->mfcc[frame], 1);
    }
}

/* Column `frame` of the MFCC enters the patch; beyond the window all coefficients are zero. */
static void append(avad_patch *patch, const avad_workspace *workspace, int32_t frame)
{
    uint16_t *value = newest(patch);
    int32_t n;
    shift(patch);
    for (n = 0; n < AVAD_BANDS; n++) {
        const uint16_t zero = coded(n == 0 ? AVAD_ZERO : 0);
        *value = frame >= 0 && frame < AVAD_FRAMES ? workspace->mfcc[frame][n] : zero;
        value += AVAD_ROW;
    }
}

static int16_t window_logit(avad_workspace *workspace)
{
    avad_patch *const patch = &workspace->scratch.network.patch;
    avad_column *const block = workspace->scratch.network.block;
    int32_t *const sums = workspace->scratch.network.sums;
    int32_t second[4 * AVAD_CHANNELS], skip[4 * AVAD_CHANNELS];
    avad_groups groups;
    int32_t frame, place, n;
    fill_short(patch->value, AVAD_PATCH, coded(0));
    for (frame = -EDGE; frame < EDGE; frame++) {
        append(patch, workspace, frame);
    }
    for (n = 0; n < AVAD_CELLS; n++) {
        fill(sums, AVAD_CELLS * AVAD_FILTERS, INT32_MIN);
        for (frame = n * AVAD_POOL; frame < smaller((n + 1) * AVAD_POOL, AVAD_FRAMES); frame++) {
            append(patch, workspace, frame + EDGE);
            convolve_rows(patch, sums);
        }
        finish_column(sums, block[n]);
    }
    fill(second, 4 * AVAD_CHANNELS, INT32_MIN);
    fill(skip, 4 * AVAD_CHANNELS, INT32_MIN);
    for (n = 0; n < AVAD_CELLS; n++) {
        begin_sums(sums);
        for (place = 0; place < 3; place++) {
            if (n + place > 0 && n + place <= AVAD_CELLS) {
                add_column(sums, block[n + place - 1], place);
            }
        }
        pool_sums(sums, groups);
        keep_all_larger(second + 2 * group(n), groups);
        pool_column(block[n], sums, groups);
        keep_all_larger(skip + 2 * group(n), groups);
    }
    return logit(second, skip);
}

#ifndef AVAD_HOST /* Python's are in python.c */
int16_t avad_window(avad_workspace *workspace, const int16_t samples[AVAD_WINDOW])
{
    window_mfcc(workspace, samples);
    return window_logit(workspace);
}
#endif
#endif

/* ---- A stream ------------------------------------------------------------------------------ */

#ifndef AVAD_NO_STREAM
#define SHORT (AVAD_SPAN - AVAD_POOL + 1) /* length of the rings that are filled 5 hops late */

static void copy(int16_t *to, const int16_t *from, int32_t count)
{
    while (count-- > 0) {
        NO_LIBRARY_CALL;
        *to++ = *from++;
    }
}

/* The place in a ring that was the newest `age` hops ago. */
static inline int32_t ago(int32_t newest_at, int32_t age, int32_t length)
{
    return newest_at < age ? newest_at - age + length : newest_at - age;
}

static inline uint8_t next(uint8_t at, int32_t length)
{
    return (uint8_t)(at + 1 == length ? 0 : at + 1);
}

void avad_stream_init(avad_stream *stream)
{
    int32_t n;
    fill_short(stream->patch.value, AVAD_PATCH, coded(0));
    for (n = 0; n < AVAD_POOL - 1; n++) {
        fill(stream->sums[n], AVAD_CELLS * AVAD_FILTERS, 0);
    }
    for (n = 0; n < 2 * AVAD_POOL; n++) {
        fill_short((uint16_t *)stream->block[n], AVAD_CELLS * AVAD_CHANNELS, 0);
    }
    fill_short((uint16_t *)stream->history, AVAD_HISTORY, 0);
    stream->hops = stream->sums_at = stream->block_at = stream->skip_at = stream->second_at = 0;
}

/* The frame that ends with a hop enters its FFT. */
static void stream_hear(avad_stream *stream, const int16_t hop[AVAD_HOP], int32_t *spectrum)
{
    begin_transform(spectrum, stream->history, hop);
    copy(stream->history, stream->history + AVAD_HOP, AVAD_HISTORY - AVAD_HOP);
    copy(stream->history + AVAD_HISTORY - AVAD_HOP, hop, AVAD_HOP);
}

/* MFCC of 64 logarithms: the patch's newest column. */
static void stream_mfcc(avad_stream *stream, int32_t logarithms[AVAD_BANDS])
{
    shift(&stream->patch);
    cosine_transform(logarithms, newest(&stream->patch), AVAD_ROW);
}

/* The newest column of the first block, out of five of the first convolution. */
static void stream_block(avad_stream *stream)
{
    int32_t *const now = stream->scratch.newest.sums;
    int32_t ring, n;
    fill(now, AVAD_CELLS * AVAD_FILTERS, INT32_MIN);
    convolve_rows(&stream->patch, now);
    for (n = 0; n < AVAD_CELLS * AVAD_FILTERS; n++) {
        const int32_t newest_sum = now[n];
        for (ring = 0; ring < AVAD_POOL - 1; ring++) {
            keep_larger(&now[n], stream->sums[ring][n]);
        }
        stream->sums[stream->sums_at][n] = newest_sum;
    }
    finish_column(now, stream->scratch.newest.column);
}

/* What the second block needs of the newest column. `last`: its depthwise convolution with nothing
 * after it. */
static void stream_second(avad_stream *stream, avad_groups last)
{
    const int16_t *const column = stream->scratch.newest.column;
    int16_t *const oldest = stream->block[stream->block_at];
    const int16_t *const middle = stream->block[ago(stream->block_at, AVAD_POOL, 2 * AVAD_POOL)];
    int32_t *const sums = stream->scratch.newest.sums;

    pool_column(column, sums, stream->skip[stream->skip_at]);

    begin_sums(sums);
    add_column(sums, middle, 1);
    add_column(sums, column, 2);
    pool_sums(sums, stream->first[stream->second_at]);
    add_column(sums, oldest, 0);
    pool_sums(sums, stream->inside[stream->second_at]);

    begin_sums(sums);
    add_column(sums, middle, 0);
    add_column(sums, column, 1);
    pool_sums(sums, last);
    copy(oldest, column, AVAD_CELLS * AVAD_CHANNELS);
}

/* The logit of 13 columns, each 5 hops after the one before. */
static int16_t stream_logit(const avad_stream *stream, const avad_groups last)
{
    int32_t second[4 * AVAD_CHANNELS], skip[4 * AVAD_CHANNELS];
    int32_t n;
    fill(second, 4 * AVAD_CHANNELS, INT32_MIN);
    keep_all_larger(second + 2 * AVAD_CHANNELS, last);
    fill(skip, 4 * AVAD_CHANNELS, INT32_MIN);
    for (n = 0; n < AVAD_CELLS; n++) {
        const int32_t age = (AVAD_CELLS - 1 - n) * AVAD_POOL;
        keep_all_larger(skip + 2 * group(n),
                        stream->skip[ago(stream->skip_at, age, AVAD_SPAN + 1)]);
        if (n < AVAD_CELLS - 1) {
            const int32_t at = ago(stream->second_at, age - AVAD_POOL, SHORT);
            keep_all_larger(second + 2 * group(n), n > 0 ? stream->inside[at] : stream->first[at]);
        }
    }
    return logit(second, skip);
}

/* The logit after a column of coefficients has entered the patch. */
static int16_t stream_decision(avad_stream *stream)
{
    int16_t result = AVAD_NOT_READY;
    avad_groups last;

    stream_block(stream);
    stream_second(stream, last);
    if (stream->hops == AVAD_WARM_UP) {
        result = stream_logit(stream, last);
    } else {
        stream->hops++;
    }
    stream->sums_at = next(stream->sums_at, AVAD_POOL - 1);
    stream->block_at = next(stream->block_at, 2 * AVAD_POOL);
    stream->skip_at = next(stream->skip_at, AVAD_SPAN + 1);
    stream->second_at = next(stream->second_at, SHORT);
    return result;
}

#ifndef AVAD_HOST /* Python's are in python.c */
int16_t avad_stream_push(avad_stream *stream, const int16_t hop[AVAD_HOP])
{
    int32_t *const spectrum = stream->scratch.spectrum;
    stream_hear(stream, hop, spectrum);
    transform(spectrum);
    split(spectrum);
    log_mel(spectrum);
    stream_mfcc(stream, spectrum);
    return stream_decision(stream);
}
#endif
#endif
