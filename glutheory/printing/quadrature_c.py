"""The lines of a printed quadrature in C99; @ stands for the prefix of the names."""

from __future__ import annotations

#: What all activations of a file share.
SHARED = """
typedef double (*@function)(double);

/* Between these places phi and its derivative are smooth on the scale of their distance; kinks; branch points. */
typedef struct {
    int count, kinks, branches;
    const double *place, *kink, *branch;
} @panels;

/* Gauss-Legendre nodes and weights on [-1, 1]. */
static const double @rule_x[16] = {
    %NODES%
};
static const double @rule_w[16] = {
    %WEIGHTS%
};

/* Beyond so many standard deviations f(spread*y) counts as 0: 9, and more where f begins or grows far out. */
static inline double @reach(@function f, double spread)
{
    double largest = 0.0, reach;
    for (reach = 0.0; reach < 48.0; reach += 0.5) {
        const double size = (fabs(f(-spread * reach)) + fabs(f(spread * reach))) * exp(-0.25 * reach * reach);
        if (reach >= 9.0 && size <= 1e-7 * largest && largest > 0.0) {
            return reach;
        }
        largest = fmax(largest, size);
    }
    return largest > 0.0 ? reach : 9.0;
}

/* Sorts the places within [-reach, reach] and puts the ends around them; returns how many there are. */
static inline int @ends(double *cuts, int n, double reach)
{
    int i, j, sorted = 0, kept = 1;
    for (i = 0; i < n; i++) {
        if (fabs(cuts[i]) < reach) {
            cuts[sorted++] = cuts[i];
        }
    }
    cuts[sorted++] = -reach;
    cuts[sorted++] = reach;
    for (i = 1; i < sorted; i++) {
        const double own = cuts[i];
        for (j = i; j > 0 && cuts[j - 1] > own; j--) {
            cuts[j] = cuts[j - 1];
        }
        cuts[j] = own;
    }
    for (i = 1; i < sorted; i++) {
        if (cuts[i] > cuts[kept - 1] + 1e-14) {
            cuts[kept++] = cuts[i];
        }
    }
    return kept;
}

/* The place of a branch point, and places at scale, 4*scale, 16*scale, ... on either side; returns how many. */
static inline int @graded(double *cuts, double place, double scale)
{
    int n = 0;
    cuts[n++] = place;
    for (; scale < 96.0; scale *= 4.0) {
        cuts[n++] = place - scale;
        cuts[n++] = place + scale;
    }
    return n;
}

/* E[f(start + root*y)] for a standard normal y; the mean of both sides where root is 0. */
static inline double @expectation(@function f, const @panels *grid, double start, double root, double reach)
{
    double cuts[%INNER%], total = 0.0;
    int i, j, k, n = 0;
    if (root <= 0.0) {
        const double step = 1e-15 * fabs(start) + 1e-300;
        return 0.5 * (f(start - step) + f(start + step));
    }
    for (i = 0; i < grid->count; i++) {
        cuts[n++] = (grid->place[i] - start) / root;
    }
    for (i = 0; i < grid->branches; i++) {
        n += @graded(cuts + n, (grid->branch[i] - start) / root, %FINEST%);
    }
    n = @ends(cuts, n, reach);
    for (i = 0; i + 1 < n; i++) {
        const int panels = (int)ceil((cuts[i + 1] - cuts[i]) / %WIDEST%);
        const double half = (cuts[i + 1] - cuts[i]) / (2.0 * panels);
        for (k = 0; k < panels; k++) {
            for (j = 0; j < 16; j++) {
                const double y = cuts[i] + half * (2.0 * k + 1.0 + @rule_x[j]);
                total += half * @rule_w[j] * exp(-0.5 * y * y) * f(start + root * y);
            }
        }
    }
    return total / sqrt(2.0 * GLUTHEORY_PI);
}

/* E[f(u) f(v)] for variances a, b, correlation rho and r = sqrt(1 - rho*rho). */
static inline double @pair(@function f, const @panels *grid, double a, double b, double rho, double r)
{
    static const double passing[11] = {-9.0, -6.0, -4.0, -2.5, -1.2, 0.0, 1.2, 2.5, 4.0, 6.0, 9.0};
    const double p = sqrt(a), q = sqrt(b), reach = fmax(@reach(f, p), @reach(f, q));
    const double slope = q * rho; /* v = slope*x + q*r*y, and a kink of f(v) is smoothed on the scale r/rho of x */
    double cuts[%OUTER%], total = 0.0;
    int i, j, k, n = 0;
    if (p <= 0.0 || q <= 0.0) {
        return @expectation(f, grid, 0.0, p, reach) * @expectation(f, grid, 0.0, q, reach);
    }
    for (i = 0; i < grid->count; i++) {
        cuts[n++] = grid->place[i] / p;
    }
    for (i = 0; i < grid->branches; i++) {
        n += @graded(cuts + n, grid->branch[i] / p, %FINEST%);
    }
    for (i = 0; i < grid->count && fabs(slope) > 0.0 && fabs(slope / p - 1.0) > 0.02; i++) {
        cuts[n++] = grid->place[i] / slope;
    }
    for (i = 0; i < grid->kinks && fabs(slope) > 0.0; i++) {
        for (j = 0; j < 11; j++) {
            cuts[n++] = (grid->kink[i] / q + r * passing[j]) / rho;
        }
    }
    for (i = 0; i < grid->branches && fabs(slope) > 0.0; i++) {
        n += @graded(cuts + n, grid->branch[i] / slope, fmax(%FINEST%, 9.0 * r / fabs(rho)));
    }
    n = @ends(cuts, n, reach);
    for (i = 0; i + 1 < n; i++) {
        const int panels = (int)ceil((cuts[i + 1] - cuts[i]) / %WIDEST%);
        const double half = (cuts[i + 1] - cuts[i]) / (2.0 * panels);
        for (k = 0; k < panels; k++) {
            for (j = 0; j < 16; j++) {
                const double x = cuts[i] + half * (2.0 * k + 1.0 + @rule_x[j]), value = f(p * x);
                if (fabs(value) > 0.0) {
                    const double inner = @expectation(f, grid, slope * x, q * r, reach);
                    total += half * @rule_w[j] * exp(-0.5 * x * x) * value * inner;
                }
            }
        }
    }
    return total / sqrt(2.0 * GLUTHEORY_PI);
}

/* The part of E[phi'(u) phi'(v)] in which u or v is at a jump of phi. */
static inline double @delta_pairs(@function f, const @panels *grid, const double *jumps, double a, double b, double c,
    double root, double rho, double r)
{
    const double p = sqrt(a), q = sqrt(b), reach = fmax(@reach(f, p), @reach(f, q));
    double total = 0.0;
    int i, j;
    for (i = 0; i < grid->kinks; i++) {
        const double k = grid->kink[i], x = k / p, y = k / q;
        total += jumps[i] * exp(-0.5 * x * x) / p * @expectation(f, grid, q * rho * x, q * r, reach)
            / sqrt(2.0 * GLUTHEORY_PI);
        total += jumps[i] * exp(-0.5 * y * y) / q * @expectation(f, grid, p * rho * y, p * r, reach)
            / sqrt(2.0 * GLUTHEORY_PI);
        for (j = 0; j < grid->kinks; j++) {
            const double m = grid->kink[j], both = jumps[i] * jumps[j];
            if (root > 0.0) {
                const double form = (b * k * k - 2.0 * c * k * m + a * m * m) / (2.0 * root * root);
                total += both * exp(-form) / (2.0 * GLUTHEORY_PI * root);
            } else if (fabs(both) > 0.0 && fabs(k * q - m * copysign(p, c)) <= 1e-15 * fabs(k * q)) {
                return both * INFINITY;
            }
        }
    }
    return total;
}
"""
#: What is an activation's own, its names with the suffix that is written as $.
OWN = """
static const double @places$[%COUNT%] = {
    %PLACES%
};
%TABLES%static const @panels @grid$ = {%COUNT%, %KINKS%, %BRANCHES%, @places$, %POINTERS%};

/* The activation between its kinks. */
static inline double @phi$(double z)
{
%PHI%
}

/* Its derivative between its kinks. */
static inline double @slope$(double z)
{
%SLOPE%
}

/* E[phi(u) phi(v)]. */
static inline double @S$(double a, double b, double c)
{
    const double product = sqrt(a) * sqrt(b), scale = product > 0.0 ? product : 1.0;
    return @pair(@phi$, &@grid$, a, b, c / scale, @root(a, b, c) / scale);
}

/* E[phi'(u) phi'(v)] = dS/dc. */
static inline double @T$(double a, double b, double c)
{
    const double product = sqrt(a) * sqrt(b), scale = product > 0.0 ? product : 1.0;
    const double root = @root(a, b, c), rho = c / scale, r = root / scale;
    return @pair(@slope$, &@grid$, a, b, rho, r)%DELTAS%;
}
"""
