/* Special functions, in double; float arguments are widened and the result rounded once. The steps,
 * bounds and sources are those of irc/dialects/nd/special.py, which has the same numbers.
 * lgamma of libm writes the global `signgam`, and has 4 ulp in some libraries only. */
#ifndef IRC_SPECIAL
#define IRC_SPECIAL

#include "mathlib.h"

#define IRC_PI 3.14159265358979323846

/* The polynomial with these coefficients, the constant term first. */
IRC_HELPER double irc_horner(double x, const double *coefficients, int count)
{
    double total = coefficients[count - 1];
    for (int k = count - 2; k >= 0; --k)
        total = total * x + coefficients[k];
    return total;
}

#define IRC_HORNER(x, table) irc_horner(x, table, (int)(sizeof(table) / sizeof((table)[0])))

/* ---- lgamma */

static const double irc_lgamma_near[] = {
    0.42278433509846713, 0.3224670334241132, -0.06735230105319813, 0.02058080842778422,
    -0.00738555102867026, 0.002890510330765932, -0.00119275391186675, 0.0005096695238730601,
    -0.0002231547549546326, 9.945753038044688e-05, -4.4926276727667145e-05, 2.0506994697472955e-05,
    -9.439254859453876e-06, 4.376570012219934e-06, -2.0395823595317164e-06, 9.468274312904266e-07,
    -4.528080072224644e-07, 2.360026171754807e-07, -7.691169573461616e-08, 1.3974857115356602e-08,
    -8.009618158906841e-08, 1.586136710702118e-08, 4.669634202292226e-08, 3.064311738749307e-08,
};
static const double irc_lgamma_far[] = {
    1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156,
    -3617.0 / 122400, 43867.0 / 244188, -174611.0 / 125400, 77683.0 / 5796,
};

/* For x > -1/2, x != 0. */
IRC_HELPER double irc_lgamma_right(double x)
{
    if (x < 0.5)
        return x * IRC_HORNER(x, irc_lgamma_near) - log1p(x) - log(fabs(x));
    if (x < 1.2)
        return (x - 1) * IRC_HORNER(x - 1, irc_lgamma_near) - log1p(x - 1);
    if (x < 8) {
        double product = 1;
        for (; x >= 2.5; product *= x)
            x -= 1;
        return (x - 2) * IRC_HORNER(x - 2, irc_lgamma_near) + log(product);
    }
    const double inverse = 1 / x;
    const double tail = inverse * IRC_HORNER(inverse * inverse, irc_lgamma_far);
    return (x - 0.5) * (log(x) - 1) + (0.4189385332046727 + tail);
}

IRC_HELPER double irc_lgamma_f64(double x)
{
    if (isinf(x) || (x <= 0 && x == rint(x)))
        return INFINITY;
    if (x > -0.5 || x != x)
        return irc_lgamma_right(x);
    const double sine = fabs(sin(IRC_PI * (x - rint(x))));
    return log(IRC_PI / (sine * -x)) - irc_lgamma_right(-x);
}

/* ---- digamma */

static const double irc_digamma_near[] = {
    0.9676722454476212, -0.442763168983592, 0.2584997609556462, -0.16394270544242315,
    0.10782405069193934, -0.0721995612555931, 0.048804288126859566, -0.03316112648058635,
    0.02259764928225099, -0.015424766537910847, 0.010538774612636031, -0.0072045138400178245,
    0.004926947077656494, -0.003370097796507213, 0.002304171006037722, -0.0015745299907102,
    0.0010816388175734267, -0.000749582280213715, 0.0005043444917994369, -0.0003147266327462315,
    0.00021454497268374838, -0.000197132004786699, 0.00016715919791147763, -8.566387864302922e-05,
    1.8676852117500698e-05,
};
static const double irc_digamma_far[] = {
    1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12,
    -3617.0 / 8160, 43867.0 / 14364, -174611.0 / 6600, 77683.0 / 276,
};
#define IRC_ROOT 1.4616321449683622 /* of digamma; the rest is below */

/* From 1/2 left of the root to 3/4 right of it. */
IRC_HELPER double irc_digamma_at_root(double x)
{
    const double t = (x - IRC_ROOT) - 9.549995429965697e-17;
    return t * IRC_HORNER(t, irc_digamma_near);
}

/* For x > 0. */
IRC_HELPER double irc_digamma_right(double x)
{
    if (x < IRC_ROOT - 0.5)
        return irc_digamma_at_root(x + 1) - 1 / x;
    if (x < 8) {
        double total = 0;
        for (; x >= IRC_ROOT + 0.75; total += 1 / x)
            x -= 1;
        return irc_digamma_at_root(x) + total;
    }
    const double inverse = 1 / x, z = inverse * inverse;
    return log(x) - (0.5 * inverse + z * IRC_HORNER(z, irc_digamma_far));
}

IRC_HELPER double irc_digamma_f64(double x)
{
    if (x == 0)
        return -1 / x;
    if (x > 0)
        return irc_digamma_right(x);
    if (x == rint(x) || x != x)
        return NAN;
    return irc_digamma_right(1 - x) - IRC_PI / tan(IRC_PI * (x - rint(x)));
}

/* ---- derivatives of digamma */

static const double irc_maclaurin[] = {
    1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160, -691.0 / 1307674368000,
    1.0 / 74724249600, -3617.0 / 10670622842880000, 43867.0 / 5109094217170944000,
    -174611.0 / 802857662698291200000.0, 77683.0 / 14101100039391805440000.0,
    -236364091.0 / 1693824136731743669452800000.0,
};
#define IRC_LARGEST_ORDER 170

/* Hurwitz's zeta function for q >= 1/2. */
IRC_HELPER double irc_zeta(double s, double q)
{
    double terms[IRC_LARGEST_ORDER + 12], a = q;
    int count = 0;
    if (isinf(q))
        return q > 0 ? 0 : NAN;
    for (; a < 10 + s; a += 1)
        terms[count++] = pow(a, -s);
    const double power = pow(a, -s);
    double tail = pow(a, 1 - s) / (s - 1) + 0.5 * power, factor = s * power / a;
    for (int k = 0; k < (int)(sizeof irc_maclaurin / sizeof irc_maclaurin[0]); ++k) {
        tail += irc_maclaurin[k] * factor;
        factor *= (s + 2 * k + 1) * (s + 2 * k + 2) / (a * a);
    }
    while (count > 0)
        tail += terms[--count];
    return tail;
}

IRC_HELPER double irc_polygamma_f64(double order, double x)
{
    if (!(order >= 0 && order <= IRC_LARGEST_ORDER && order == rint(order)) || x != x)
        return NAN;
    if (order == 0)
        return irc_digamma_f64(x);
    const int n = (int)order;
    const double s = order + 1, sign = n % 2 ? 1 : -1;
    double factorial = 1, sum;
    for (int k = 2; k <= n; ++k)
        factorial *= k;
    if (x < 0.5) {
        const double r = x - rint(x), back = irc_zeta(s, 1 - r) - irc_zeta(s, 1 - x);
        sum = pow(r, -s) + irc_zeta(s, 1 + r) + sign * back;
    } else {
        sum = irc_zeta(s, x);
    }
    return sign * (factorial * sum);
}

/* ---- relatives of the error function */

IRC_HELPER double irc_erfc_f64(double x)
{
    return erfc(x);
}

static const double irc_erfinv_near[] = {
    1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-06,
    -3.5233877e-06, 3.43273939e-07, 2.81022636e-08,
};
static const double irc_erfinv_far[] = {
    2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844,
    0.00134934322, 0.000100950558, -0.000200214257,
};

IRC_HELPER double irc_erfinv_f64(double x)
{
    const double size = fabs(x);
    if (!(size < 1))
        return size == 1 ? copysign(INFINITY, x) : NAN;
    if (size == 0)
        return x;
    const double w = -log((1 - size) * (1 + size));
    double y = w < 5    ? size * IRC_HORNER(w - 2.5, irc_erfinv_near)
               : w < 16 ? size * IRC_HORNER(sqrt(w) - 3, irc_erfinv_far)
                        : size * sqrt(w - 0.5 * log(IRC_PI * w));
    for (int k = 0; k < 3; ++k) {
        const double off = size < 0.5 ? erf(y) - size : (1 - size) - erfc(y);
        const double step = off * 0.8862269254527579 * exp(y * y);
        y -= step / (1 + y * step);
    }
    return copysign(y, x);
}

/* ---- floats */

#define IRC_SPECIAL_FLOAT(name)                                                                    \
    IRC_HELPER float irc_##name##_f32(float x)                                                     \
    {                                                                                              \
        return (float)irc_##name##_f64((double)x);                                                 \
    }
IRC_SPECIAL_FLOAT(lgamma)
IRC_SPECIAL_FLOAT(digamma)
IRC_SPECIAL_FLOAT(erfc)
IRC_SPECIAL_FLOAT(erfinv)
#undef IRC_SPECIAL_FLOAT
IRC_HELPER float irc_polygamma_f32(float order, float x)
{
    return (float)irc_polygamma_f64((double)order, (double)x);
}

#endif
