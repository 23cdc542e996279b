/* Scalar helpers of the emitted code: integers that wrap, half floats, maxima as IEEE 754 has them.
 * Every function is static and small enough to vanish into the loop that calls it. */
#ifndef IRC_MATHLIB
#define IRC_MATHLIB

#include <math.h>
#include "prelude.h"

/* Iterations of the next loop do not depend on each other. Where a compiler makes no vectors of it
 * all the same, nothing is wrong. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"
#endif
#if defined(_OPENMP) || defined(IRC_OPENMP_SIMD)
#define IRC_SIMD _Pragma("omp simd")
#elif defined(__clang__)
#define IRC_SIMD _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define IRC_SIMD _Pragma("GCC ivdep")
#else
#define IRC_SIMD
#endif

/* In a kernel, a * b + c is one rounding where the machine can; GCC sees that only among its
 * expensive optimizations. */
#if defined(__clang__)
#define IRC_KERNEL static __attribute__((noinline, unused))
#define IRC_CONTRACT _Pragma("STDC FP_CONTRACT ON")
#else
#define IRC_KERNEL                                                                             \
    static __attribute__((noinline, unused,                                                    \
                          optimize("fp-contract=fast", "expensive-optimizations", "gcse",      \
                                   "schedule-insns2", "tree-vrp")))
#define IRC_CONTRACT
#endif

/* Elementary functions must vanish into the loops that call them, or those have no vectors. */
#define IRC_INLINE static inline __attribute__((always_inline, unused))

IRC_HELPER void irc_copy(void *to, const void *from, int64_t bytes)
{
    if (bytes > 0)
        memcpy(to, from, (size_t)bytes);
}

/* A constant array, read from memory: GCC 12 with AVX-512 copies {1, 1, 1, 0} as {1, 1, 1, 1} when it
 * sees the numbers (it takes the wide integer, whose leading zeros are left out, for a broadcast). */
IRC_HELPER const void *irc_unseen(const void *constant)
{
#if defined(__GNUC__) && !defined(__clang__)
    __asm__("" : "+r"(constant));
#endif
    return constant;
}

/* ---- integers: signless storage, wrapping; divisors are not zero, counts are below the width */

#define IRC_INTEGER(bits, wide)                                                                    \
    typedef int##bits##_t irc_i##bits;                                                             \
    typedef uint##bits##_t irc_u##bits;                                                            \
    IRC_HELPER irc_i##bits irc_add_i##bits(irc_i##bits a, irc_i##bits b)                           \
    {                                                                                              \
        return (irc_i##bits)(irc_u##bits)((wide)(irc_u##bits)a + (wide)(irc_u##bits)b);            \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_sub_i##bits(irc_i##bits a, irc_i##bits b)                           \
    {                                                                                              \
        return (irc_i##bits)(irc_u##bits)((wide)(irc_u##bits)a - (wide)(irc_u##bits)b);            \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_mul_i##bits(irc_i##bits a, irc_i##bits b)                           \
    {                                                                                              \
        return (irc_i##bits)(irc_u##bits)((wide)(irc_u##bits)a * (wide)(irc_u##bits)b);            \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_and_i##bits(irc_i##bits a, irc_i##bits b)                           \
    {                                                                                              \
        return (irc_i##bits)(a & b);                                                               \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_or_i##bits(irc_i##bits a, irc_i##bits b)                            \
    {                                                                                              \
        return (irc_i##bits)(a | b);                                                               \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_xor_i##bits(irc_i##bits a, irc_i##bits b)                           \
    {                                                                                              \
        return (irc_i##bits)(a ^ b);                                                               \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_divs_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return b == -1 ? irc_sub_i##bits(0, a) : (irc_i##bits)(a / b);                             \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_rems_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return (irc_i##bits)(b == -1 ? 0 : a % b);                                                 \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_divu_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return (irc_i##bits)((irc_u##bits)a / (irc_u##bits)b);                                     \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_remu_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return (irc_i##bits)((irc_u##bits)a % (irc_u##bits)b);                                     \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_floordivs_i##bits(irc_i##bits a, irc_i##bits b)                     \
    {                                                                                              \
        irc_i##bits rest = irc_rems_i##bits(a, b);                                                 \
        return irc_sub_i##bits(irc_divs_i##bits(a, b), rest != 0 && (rest < 0) != (b < 0));        \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_ceildivs_i##bits(irc_i##bits a, irc_i##bits b)                      \
    {                                                                                              \
        irc_i##bits rest = irc_rems_i##bits(a, b);                                                 \
        return irc_add_i##bits(irc_divs_i##bits(a, b), rest != 0 && (rest < 0) == (b < 0));        \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_ceildivu_i##bits(irc_i##bits a, irc_i##bits b)                      \
    {                                                                                              \
        return irc_add_i##bits(irc_divu_i##bits(a, b), irc_remu_i##bits(a, b) != 0);               \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_shl_i##bits(irc_i##bits a, irc_i##bits b)                           \
    {                                                                                              \
        return (irc_i##bits)(irc_u##bits)((wide)(irc_u##bits)a << b);                              \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_shru_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return (irc_i##bits)((irc_u##bits)a >> b);                                                 \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_shrs_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return (irc_i##bits)(a >> b);                                                              \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_mins_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return a < b ? a : b;                                                                      \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_maxs_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return a > b ? a : b;                                                                      \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_minu_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return (irc_u##bits)a < (irc_u##bits)b ? a : b;                                            \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_maxu_i##bits(irc_i##bits a, irc_i##bits b)                          \
    {                                                                                              \
        return (irc_u##bits)a > (irc_u##bits)b ? a : b;                                            \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_abs_i##bits(irc_i##bits a)                                          \
    {                                                                                              \
        return a < 0 ? irc_sub_i##bits(0, a) : a;                                                  \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_ctpop_i##bits(irc_i##bits a)                                        \
    {                                                                                              \
        return (irc_i##bits)__builtin_popcountll((irc_u##bits)a);                                  \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_ctlz_i##bits(irc_i##bits a)                                         \
    {                                                                                              \
        return (irc_i##bits)(a == 0 ? bits                                                         \
                                    : __builtin_clzll((irc_u##bits)a) - (64 - bits));              \
    }                                                                                              \
    IRC_HELPER irc_i##bits irc_cttz_i##bits(irc_i##bits a)                                         \
    {                                                                                              \
        return (irc_i##bits)(a == 0 ? bits : __builtin_ctzll((irc_u##bits)a));                     \
    }                                                                                              \
    /* a to a negative power is 1 / a**|b| rounded to zero, and 0 for a = 0 */                     \
    IRC_HELPER irc_i##bits irc_pow_i##bits(irc_i##bits a, irc_i##bits b)                           \
    {                                                                                              \
        irc_i##bits result = 1;                                                                    \
        if (b < 0)                                                                                 \
            return (irc_i##bits)(a == 1 ? 1 : a == -1 ? ((b & 1) != 0 ? -1 : 1) : 0);              \
        for (; b != 0; b = (irc_i##bits)(b >> 1)) {                                                \
            if ((b & 1) != 0)                                                                      \
                result = irc_mul_i##bits(result, a);                                               \
            a = irc_mul_i##bits(a, a);                                                             \
        }                                                                                          \
        return result;                                                                             \
    }
IRC_INTEGER(8, uint32_t)
IRC_INTEGER(16, uint32_t)
IRC_INTEGER(32, uint32_t)
IRC_INTEGER(64, uint64_t)
#undef IRC_INTEGER

/* ---- bits */

#define IRC_AS(from, source, to, target)                    \
    IRC_HELPER target irc_##from##_as_##to(source x)        \
    {                                                       \
        target y;                                           \
        memcpy(&y, &x, sizeof y);                           \
        return y;                                           \
    }
IRC_AS(f32, float, i32, int32_t)
IRC_AS(i32, int32_t, f32, float)
IRC_AS(f64, double, i64, int64_t)
IRC_AS(i64, int64_t, f64, double)
#undef IRC_AS

/* ---- floats: a NaN wins over a number, +0 is larger than -0; maxnum and minnum ignore NaN */

#define IRC_FLOAT(end, type, bits, i)                                                              \
    IRC_HELPER type irc_maximum_##end(type a, type b)                                              \
    {                                                                                              \
        const type both = irc_##i##_as_##end(irc_##end##_as_##i(a) & irc_##end##_as_##i(b));       \
        const type larger = a > b ? a : (b > a ? b : both);                                        \
        return ((a != a) | (b != b)) ? a + b : larger;                                              \
    }                                                                                              \
    IRC_HELPER type irc_minimum_##end(type a, type b)                                              \
    {                                                                                              \
        const type both = irc_##i##_as_##end(irc_##end##_as_##i(a) | irc_##end##_as_##i(b));       \
        const type smaller = a < b ? a : (b < a ? b : both);                                       \
        return ((a != a) | (b != b)) ? a + b : smaller;                                             \
    }                                                                                              \
    IRC_HELPER type irc_maxnum_##end(type a, type b)                                               \
    {                                                                                              \
        return a != a ? b : (b != b ? a : irc_maximum_##end(a, b));                                \
    }                                                                                              \
    IRC_HELPER type irc_minnum_##end(type a, type b)                                               \
    {                                                                                              \
        return a != a ? b : (b != b ? a : irc_minimum_##end(a, b));                                \
    }
IRC_FLOAT(f32, float, 32, i32)
IRC_FLOAT(f64, double, 64, i64)
#undef IRC_FLOAT

IRC_HELPER float irc_rsqrt_f32(float x)
{
    return 1.0f / sqrtf(x);
}

IRC_HELPER double irc_rsqrt_f64(double x)
{
    return 1.0 / sqrt(x);
}

/* ---- random bits */

/* Philox4x32-10: the word of element `place`, of four words for each block of four elements. Salmon,
 * Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#define IRC_ROUND                                                                                  \
    {                                                                                              \
        const uint64_t p0 = (uint64_t)c0 * 0xD2511F53u, p1 = (uint64_t)c2 * 0xCD9E8D57u;           \
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;                                                       \
        c1 = (uint32_t)p1;                                                                         \
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;                                                       \
        c3 = (uint32_t)p0;                                                                         \
        k0 += 0x9E3779B9u;                                                                         \
        k1 += 0xBB67AE85u;                                                                         \
    }
IRC_INLINE int32_t irc_philox(int64_t seed, int64_t counter, int64_t place, int64_t site)
{
    const uint64_t block = (uint64_t)place >> 2, number = (uint64_t)place & 3;
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)((uint64_t)seed >> 32);
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32);
    uint32_t c2 = (uint32_t)counter, c3 = (uint32_t)site;
    /* Written out: a loop in here would keep the loop around it from having vectors. */
    IRC_ROUND IRC_ROUND IRC_ROUND IRC_ROUND IRC_ROUND
    IRC_ROUND IRC_ROUND IRC_ROUND IRC_ROUND IRC_ROUND
    return (int32_t)(number == 0 ? c0 : number == 1 ? c1 : number == 2 ? c2 : c3);
}
#undef IRC_ROUND

/* ---- half floats, rounded to nearest, ties to even */

IRC_HELPER float irc_f16_to_f32(irc_f16 h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = h & 0x7fffu;
    /* Exponent and fraction in place, then the difference of the biases as a factor: this is
     * exact, for subnormal numbers too. Infinity and NaN get the largest exponent. */
    const float scaled = irc_i32_as_f32((int32_t)(rest << 13)) * 0x1p112f;
    const uint32_t bits = (uint32_t)irc_f32_as_i32(scaled) | (rest >= 0x7c00u ? 0x7f800000u : 0u);
    return irc_i32_as_f32((int32_t)(bits | sign));
}

IRC_HELPER irc_f16 irc_f32_to_f16(float x)
{
    const uint32_t bits = (uint32_t)irc_f32_as_i32(x), sign = (bits >> 16) & 0x8000u;
    const uint32_t size = bits & 0x7fffffffu;
    /* Below the smallest normal number, adding 0.5 lines the last bits up and rounds them. */
    const float small = irc_i32_as_f32((int32_t)size) + 0.5f;
    const uint32_t subnormal = (uint32_t)irc_f32_as_i32(small) - 0x3f000000u;
    const uint32_t normal = (size - 0x38000000u + 0xfffu + ((size >> 13) & 1u)) >> 13;
    const uint32_t special = size > 0x7f800000u ? 0x7e00u | ((size >> 13) & 0x3ffu) : 0x7c00u;
    const uint32_t half = size >= 0x477ff000u ? special : size < 0x38800000u ? subnormal : normal;
    return (irc_f16)(half | sign);
}

IRC_HELPER float irc_bf16_to_f32(irc_bf16 h)
{
    return irc_i32_as_f32((int32_t)((uint32_t)h << 16));
}

IRC_HELPER irc_bf16 irc_f32_to_bf16(float x)
{
    const uint32_t bits = (uint32_t)irc_f32_as_i32(x);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return (irc_bf16)(x != x ? (bits >> 16) | 0x40u : rounded);
}

/* From double by way of a float that is rounded to odd, so that nothing is rounded twice. */
IRC_HELPER float irc_f64_to_odd(double x)
{
    const float near = (float)x;
    const int32_t bits = irc_f32_as_i32(near);
    const double back = (double)near;
    const bool exact = (back == x) | (x != x) | isinf(near) | ((bits & 1) != 0);
    const int32_t step = fabs(back) < fabs(x) ? 1 : -1;
    return exact ? near : irc_i32_as_f32(bits + step);
}

IRC_HELPER irc_f16 irc_f64_to_f16(double x)
{
    return irc_f32_to_f16(irc_f64_to_odd(x));
}

IRC_HELPER irc_bf16 irc_f64_to_bf16(double x)
{
    return irc_f32_to_bf16(irc_f64_to_odd(x));
}

#endif
