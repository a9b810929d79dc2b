"""The first block's 7x7 convolution and its pooling by five, for a CPU.

In one dimension two neighbouring outputs of seven taps cost eleven products instead of fourteen:
with the inputs ``u`` at even and ``v`` at odd places, one of them is ``P + E`` and the next
``P + F``, where

    P[n] = (k0 + k1) v[n] + (k2 + k3) v[n + 1] + (k4 + k5) v[n + 2] + k6 v[n + 3]
    E[n] = k0 (u - v)[n] + k2 (u - v)[n + 1] + k4 (u - v)[n + 2] + k6 (u - v)[n + 3]
    F[n] = -k1 w[n] - k3 w[n + 1] - k5 w[n + 2],  w[n] = v[n] - u[n + 1]

(fast FIR: Mou and Duhamel 1991, IEEE Transactions on Signal Processing 39, p. 1322). Over rows and
columns that is 121 products for four outputs instead of 196; the differences are the same for all
filters.
"""

import numpy as np

from atomicvad.layers.kernels import compiled

LANES = 16  # windows side by side: arrays are [..., place, lane]
TAPS, POOL = 7, 5
EDGE = TAPS // 2
# From the seven taps to those products' factors.
FACTORS = np.array(
    [
        *([1, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 0], [0] * 6 + [1]),
        *np.eye(TAPS)[::2],
        *-np.eye(TAPS)[1::2],
    ],
    np.float32,
)
PRODUCTS = len(FACTORS)
# Places to the right of one, unsigned: an index that needs no look at its sign.
RIGHT = tuple(np.uint64(places * LANES) for places in range(4))


def new_pieces(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Room for ``LANES`` images as the filters take them.

    ``[row, even and odd columns, column * LANES]``, within an edge of zeros; and of these, two rows
    at a time, ``[row, kind of row, kind of column, column * LANES]``: ``v``, ``u - v`` and ``w``.
    """
    rows, columns = -(-height // 2) + EDGE, -(-width // 2) + EDGE
    halves = np.zeros((2 * rows + 1, 2, (columns + 1) * LANES), np.float32)
    return halves, np.empty((rows, 3, 3, columns * LANES), np.float32)


@compiled
def lay_out(images, halves, pieces):
    """``[lanes, height, width, 1]`` into ``new_pieces``."""
    lanes, height, width, _ = images.shape
    for y in range(height):
        # The edge is odd: even columns of an image are odd ones here.
        even, odd = halves[y + EDGE, 0, 2 * LANES :], halves[y + EDGE, 1, LANES:]
        for lane in range(lanes):
            line = images[lane, y]
            for x in range(width // 2):
                odd[x * LANES + lane], even[x * LANES + lane] = line[2 * x, 0], line[2 * x + 1, 0]
            if width % 2:
                odd[width // 2 * LANES + lane] = line[width - 1, 0]
    steps = np.empty_like(halves[0])
    for row in range(len(pieces)):
        even, odd, following = halves[2 * row], halves[2 * row + 1], halves[2 * row + 2]
        _kinds_of_columns(odd[0], odd[1], pieces[row, 0])
        _subtract(even, odd, steps)
        _kinds_of_columns(steps[0], steps[1], pieces[row, 1])
        _subtract(odd, following, steps)
        _kinds_of_columns(steps[0], steps[1], pieces[row, 2])


@compiled
def _subtract(a, b, out):
    for half in range(2):
        of_a, of_b, line = a[half], b[half], out[half]
        for n in range(len(line)):
            line[n] = of_a[n] - of_b[n]


@compiled
def _kinds_of_columns(u, v, kinds):
    same, step, w = kinds[0], kinds[1], kinds[2]
    for n in range(np.uint64(len(same))):
        same[n] = v[n]
        step[n] = u[n] - v[n]
        w[n] = v[n] - u[n + RIGHT[1]]


@compiled
def _add_row(kinds, factors, sums):
    """To sums of ``P``, ``E`` and ``F``, each ``[columns * LANES]``, a row of their products."""
    v, step, w = kinds[0], kinds[1], kinds[2]
    p, e, f = sums[0], sums[1], sums[2]
    p0, p1, p2, p3 = factors[0], factors[1], factors[2], factors[3]
    e0, e1, e2, e3 = factors[4], factors[5], factors[6], factors[7]
    f0, f1, f2 = factors[8], factors[9], factors[10]
    # Each in a loop of its own: together they would not be vectorised.
    for n in range(np.uint64(len(p))):
        p[n] += p0 * v[n] + p1 * v[n + RIGHT[1]] + p2 * v[n + RIGHT[2]] + p3 * v[n + RIGHT[3]]
    for n in range(np.uint64(len(e))):
        value = e0 * step[n] + e1 * step[n + RIGHT[1]]
        e[n] += value + e2 * step[n + RIGHT[2]] + e3 * step[n + RIGHT[3]]
    for n in range(np.uint64(len(f))):
        f[n] += f0 * w[n] + f1 * w[n + RIGHT[1]] + f2 * w[n + RIGHT[2]]


@compiled
def _respond(pieces, factors, sums, responses):
    """A filter's responses in two rows, ``[2, columns * LANES]``: even columns, then odd ones.

    ``pieces`` begin with those rows; ``sums [2, 3, half of the columns * LANES]``: room to work in.
    """
    sums[0] = 0
    for row in range(4):
        _add_row(pieces[row, 0], factors[row], sums[0])
    sums[1] = sums[0]
    for row in range(4):
        _add_row(pieces[row, 1], factors[4 + row], sums[0])
    for row in range(3):
        _add_row(pieces[row, 2], factors[8 + row], sums[1])
    for row in range(2):
        p, e, f = sums[row, 0], sums[row, 1], sums[row, 2]
        even, odd = responses[row, : len(p)], responses[row, len(p) :]
        for n in range(len(p)):
            even[n], odd[n] = p[n] + e[n], p[n] + f[n]


@compiled
def before(length, pool):
    """Places that "same" pooling adds before a length."""
    return (-(-length // pool) * pool - length) // 2


@compiled
def _largest_of_five(v0, v1, v2, v3, v4, best, which):
    """The largest in each column of five lines, and which it is.

    Not line after line into ``best``: such a loop would not be vectorised.
    """
    for n in range(len(best)):
        value, index = v0[n], np.int32(0)
        larger = v1[n] > value
        value, index = v1[n] if larger else value, np.int32(1) if larger else index
        larger = v2[n] > value
        value, index = v2[n] if larger else value, np.int32(2) if larger else index
        larger = v3[n] > value
        value, index = v3[n] if larger else value, np.int32(3) if larger else index
        larger = v4[n] > value
        value, index = v4[n] if larger else value, np.int32(4) if larger else index
        best[n], which[n] = value, index


@compiled
def filter_factors(kernel):
    """Filters ``[49, channels]`` -> ``[channels, 11, 11]``, factors of products."""
    factors = np.zeros((kernel.shape[1], PRODUCTS, PRODUCTS), np.float32)
    for channel in range(len(factors)):
        taps = np.ascontiguousarray(kernel[:, channel]).reshape(TAPS, TAPS)
        factors[channel] = FACTORS @ taps @ FACTORS.T
    return factors


@compiled
def first_pools(pieces, factors, height, width, pooled, winners):
    """Convolution and pooling by five: ``[channels, places * LANES]``.

    A winner's place counts in lines of ``width + 6``: it is where its 7x7 patch begins in an image
    with an edge of three.
    """
    rows, columns, half = -(-height // POOL), -(-width // POOL), -(-width // 2)
    top, left = before(height, POOL), before(width, POOL)
    sums = np.empty((2, 3, half * LANES), np.float32)
    # The last six rows, three pairs, of which five are pooled.
    lines = np.empty((6, 2 * half * LANES), np.float32)
    nothing = np.full(lines.shape[1], -np.inf, np.float32)
    best, of_rows = np.empty(lines.shape[1], np.float32), np.empty(lines.shape[1], np.int32)
    # Where a column lies in them; and all columns in order, between those that pooling adds.
    where = np.array([np.uint64((x % 2 * half + x // 2) * LANES) for x in range(width)])
    ordered = np.full((columns, POOL, LANES), -np.inf, np.float32)
    in_order = ordered.reshape(-1)[left * LANES :]
    of_columns = np.empty(LANES, np.int32)
    values = pooled.reshape(-1, rows, columns, LANES)
    places = winners.reshape(-1, rows, columns, LANES)
    for channel in range(len(factors)):
        pair = 0
        for row in range(rows):
            y = row * POOL - top
            while 2 * pair < min(y + POOL, height):
                _respond(pieces[pair:], factors[channel], sums, lines[2 * pair % 6 :])
                pair += 1
            l0, l1 = _row(lines, y, height, nothing), _row(lines, y + 1, height, nothing)
            l2, l3 = _row(lines, y + 2, height, nothing), _row(lines, y + 3, height, nothing)
            _largest_of_five(l0, l1, l2, l3, _row(lines, y + 4, height, nothing), best, of_rows)
            for x in range(width):
                for lane in range(LANES):
                    in_order[x * LANES + lane] = best[where[x] + np.uint64(lane)]
            for column in range(columns):
                o, place = ordered[column], places[channel, row, column]
                value = values[channel, row, column]
                _largest_of_five(o[0], o[1], o[2], o[3], o[4], value, of_columns)
                for lane in range(LANES):
                    x = column * POOL - left + of_columns[lane]
                    of_row = of_rows[where[x] + np.uint64(lane)]
                    place[lane] = (y + of_row) * (width + 2 * EDGE) + x


@compiled
def _row(lines, y, height, nothing):
    return lines[y % 6] if 0 <= y < height else nothing
