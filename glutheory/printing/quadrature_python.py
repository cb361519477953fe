"""The lines of a printed quadrature in Python."""

from __future__ import annotations

#: What all activations of a module share.
SHARED = '''
def _reach(f, spread):
    """Beyond so many standard deviations f(spread*y) counts as 0: 9, and more where f begins or grows far out."""
    largest = reach = 0.0
    while reach < 48.0:
        size = (abs(f(-spread * reach)) + abs(f(spread * reach))) * math.exp(-reach * reach / 4)
        if reach >= 9.0 and size <= 1e-7 * largest and largest > 0.0:
            return reach
        largest = max(largest, size)
        reach += 0.5
    return reach if largest > 0.0 else 9.0


def _nodes(places, reach):
    """Gauss-Legendre nodes on [-reach, reach], cut at these places, with their weights times the normal density."""
    ends = [-reach]
    for place in sorted(places):
        if ends[-1] + 1e-14 < place < reach:
            ends.append(place)
    for low, high in zip(ends, [*ends[1:], reach]):
        count = math.ceil((high - low) / %WIDEST%)
        half = (high - low) / (2 * count)
        for k in range(count):
            for node, weight in _RULE16:
                x = low + half * (2 * k + 1 + node)
                yield x, half * weight * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _graded(place, scale):
    """The place of a branch point, and places at scale, 4*scale, 16*scale, ... on either side."""
    yield place
    while scale < 96.0:
        yield from (place - scale, place + scale)
        scale *= 4.0


def _expectation(f, grid, start, root, reach):
    """E[f(start + root*y)] for a standard normal y; the mean of both sides where root is 0."""
    if root == 0:
        step = 1e-15 * abs(start) + 1e-300
        return (f(start - step) + f(start + step)) / 2
    places, _, branches = grid
    cuts = [(z - start) / root for z in places]
    for z in branches:
        cuts += _graded((z - start) / root, %FINEST%)
    return math.fsum(weight * f(start + root * y) for y, weight in _nodes(cuts, reach))


def _pair(f, grid, a, b, rho, r):
    """E[f(u) f(v)] for variances a, b, correlation rho and r = sqrt(1 - rho**2)."""
    p, q = math.sqrt(a), math.sqrt(b)
    reach = max(_reach(f, p), _reach(f, q))
    if p == 0 or q == 0:
        return _expectation(f, grid, 0.0, p, reach) * _expectation(f, grid, 0.0, q, reach)
    places, kinks, branches = grid
    cuts = [z / p for z in places]
    for z in branches:
        cuts += _graded(z / p, %FINEST%)
    slope = q * rho  # v = slope*x + q*r*y, and a kink of f(v) is smoothed on the scale r/rho of x
    if slope:
        cuts += [z / slope for z in places if abs(slope / p - 1) > 0.02]
        for z in kinks:
            cuts += [(z / q + r * t) / rho for t in (-9, -6, -4, -2.5, -1.2, 0, 1.2, 2.5, 4, 6, 9)]
        for z in branches:
            cuts += _graded(z / slope, max(%FINEST%, 9 * r / abs(rho)))
    terms = []
    for x, weight in _nodes(cuts, reach):
        value = f(p * x)
        if value:
            terms.append(weight * value * _expectation(f, grid, slope * x, q * r, reach))
    return math.fsum(terms)


def _delta_pairs(f, grid, jumps, a, b, c, root, rho, r):
    """The part of E[phi'(u) phi'(v)] in which u or v is at a jump of phi."""
    p, q, total, kinks = math.sqrt(a), math.sqrt(b), 0.0, grid[1]
    reach = max(_reach(f, p), _reach(f, q))
    for k, jump in zip(kinks, jumps):
        for own, other in ((p, q), (q, p)) if jump else ():
            density = math.exp(-((k / own) ** 2) / 2) / (math.sqrt(2 * math.pi) * own)
            total += jump * density * _expectation(f, grid, other * rho * k / own, other * r, reach)
        for m, second in zip(kinks, jumps) if jump else ():
            if second and root > 0:
                form = (b * k * k - 2 * c * k * m + a * m * m) / (2 * root * root)
                total += jump * second * math.exp(-form) / (2 * math.pi * root)
            elif second and abs(k * q - m * math.copysign(p, c)) <= 1e-15 * abs(k * q):
                return math.copysign(math.inf, jump * second)
    return total
'''
#: What is an activation's own, its names with the suffix that is written as @.
OWN = '''
# between these places phi and its derivative are smooth on the scale of their distance; kinks; branch points
_GRID@ = (
%PLACES%
)
_JUMPS@ = (%JUMPS%)


def _phi@(z):
    """The activation between its kinks."""
%PHI%


def _slope@(z):
    """Its derivative between its kinks."""
%SLOPE%


def S@(a, b, c):
    """E[phi(u) phi(v)]."""
    scale, root = math.sqrt(a) * math.sqrt(b) or 1.0, _root(a, b, c)
    return _pair(_phi@, _GRID@, a, b, c / scale, root / scale)


def T@(a, b, c):
    """E[phi'(u) phi'(v)] = dS/dc."""
    scale, root = math.sqrt(a) * math.sqrt(b) or 1.0, _root(a, b, c)
    rho, r = c / scale, root / scale
    deltas = _delta_pairs(_slope@, _GRID@, _JUMPS@, a, b, c, root, rho, r) if any(_JUMPS@) else 0.0
    return _pair(_slope@, _GRID@, a, b, rho, r) + deltas
'''
