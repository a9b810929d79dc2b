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

from atomicvad.kernels.compile import compiled

LANES = 16  # windows side by side: arrays are [..., place, lane]
TAPS, POOL = 7, 5
EDGE = TAPS // 2
# From the seven taps to the factors of P, E and F.
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
    """Memory for ``LANES`` images as the filters take them.

    Returns:
        halves: float32 ``[padded rows, 2, columns * LANES]``, even and odd columns of each row,
            within an edge of zeros.
        pieces: float32 ``[pairs of rows, 3, 3, columns * LANES]``; over rows and over columns the
            three are ``v``, ``u - v`` and ``w``.
    """
    rows, columns = -(-height // 2) + EDGE, -(-width // 2) + EDGE
    halves = np.zeros((2 * rows + 1, 2, (columns + 1) * LANES), np.float32)
    return halves, np.empty((rows, 3, 3, columns * LANES), np.float32)


@compiled
def lay_out(images, halves, pieces):
    """Bring images into the filters' layout.

    Args:
        images: float32 ``[up to LANES, height, width, 1]``.
        halves, pieces: ``new_pieces``, written.
    """
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
    differences = np.empty_like(halves[0])
    for row in range(len(pieces)):
        even, odd, next_even = halves[2 * row], halves[2 * row + 1], halves[2 * row + 2]
        _split_columns(odd[0], odd[1], pieces[row, 0])
        _subtract(even, odd, differences)
        _split_columns(differences[0], differences[1], pieces[row, 1])
        _subtract(odd, next_even, differences)
        _split_columns(differences[0], differences[1], pieces[row, 2])


@compiled
def _subtract(a, b, out):
    """``out = a - b``, each float32 ``[2, columns * LANES]``."""
    for half in range(2):
        a_line, b_line, out_line = a[half], b[half], out[half]
        for n in range(len(out_line)):
            out_line[n] = a_line[n] - b_line[n]


@compiled
def _split_columns(u, v, pieces):
    """``v``, ``u - v`` and ``w`` of a row.

    Args:
        u, v: float32 ``[(columns + 1) * LANES]``, even and odd columns.
        pieces: float32 ``[3, columns * LANES]``, written.
    """
    same, difference, w = pieces[0], pieces[1], pieces[2]
    for n in range(np.uint64(len(same))):
        same[n] = v[n]
        difference[n] = u[n] - v[n]
        w[n] = v[n] - u[n + RIGHT[1]]


@compiled
def _add_row(pieces, factors, sums):
    """Add a row of products.

    Args:
        pieces: float32 ``[3, columns * LANES]``, see ``_split_columns``.
        factors: float32 ``[PRODUCTS]``, four of ``P``, four of ``E`` and three of ``F``.
        sums: float32 ``[3, columns * LANES]``, ``P``, ``E`` and ``F``, added to.
    """
    v, difference, w = pieces[0], pieces[1], pieces[2]
    p, e, f = sums[0], sums[1], sums[2]
    p0, p1, p2, p3 = factors[0], factors[1], factors[2], factors[3]
    e0, e1, e2, e3 = factors[4], factors[5], factors[6], factors[7]
    f0, f1, f2 = factors[8], factors[9], factors[10]
    # Each in a loop of its own: together they would not be vectorised.
    for n in range(np.uint64(len(p))):
        p[n] += p0 * v[n] + p1 * v[n + RIGHT[1]] + p2 * v[n + RIGHT[2]] + p3 * v[n + RIGHT[3]]
    for n in range(np.uint64(len(e))):
        value = e0 * difference[n] + e1 * difference[n + RIGHT[1]]
        e[n] += value + e2 * difference[n + RIGHT[2]] + e3 * difference[n + RIGHT[3]]
    for n in range(np.uint64(len(f))):
        f[n] += f0 * w[n] + f1 * w[n + RIGHT[1]] + f2 * w[n + RIGHT[2]]


@compiled
def _respond(pieces, factors, sums, responses):
    """A filter's responses in two rows.

    Args:
        pieces: float32 ``[4 or more, 3, 3, columns * LANES]``, beginning with those rows.
        factors: float32 ``[PRODUCTS, PRODUCTS]``.
        sums: float32 ``[2, 3, half of the columns * LANES]``, workspace.
        responses: float32 ``[2, columns * LANES]``, written: even columns, then odd ones.
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
def padding_before(length, pool):
    """Places that "same" pooling adds before a length."""
    return (-(-length // pool) * pool - length) // 2


@compiled
def _largest_of_five(v0, v1, v2, v3, v4, best, winner):
    """The largest at each place of five lines, and which line it is in.

    Not line after line into ``best``: such a loop would not be vectorised.

    Args:
        v0, v1, v2, v3, v4: float32 ``[places]``; of equal ones the first wins.
        best: float32 ``[places]``, written.
        winner: int32 ``[places]``, written, 0 … 4.
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
        best[n], winner[n] = value, index


@compiled
def filter_factors(kernel):
    """Factors of the products, float32 ``[channels, PRODUCTS, PRODUCTS]``, of filters.

    Args:
        kernel: float32 ``[49, channels]``.
    """
    factors = np.zeros((kernel.shape[1], PRODUCTS, PRODUCTS), np.float32)
    for channel in range(len(factors)):
        by_column = np.zeros((TAPS, PRODUCTS), np.float32)
        for y in range(TAPS):
            for product in range(PRODUCTS):
                for x in range(TAPS):
                    by_column[y, product] += kernel[y * TAPS + x, channel] * FACTORS[product, x]
        for row in range(PRODUCTS):
            for product in range(PRODUCTS):
                for y in range(TAPS):
                    factors[channel, row, product] += FACTORS[row, y] * by_column[y, product]
    return factors


@compiled
def first_pools(pieces, factors, height, width, pooled, winners):
    """Convolution and pooling by five.

    Args:
        pieces: float32, see ``new_pieces``.
        factors: float32 ``[channels, PRODUCTS, PRODUCTS]``.
        height, width: of the images.
        pooled: float32 ``[channels, places * LANES]``, written.
        winners: int32 ``[channels, places * LANES]``, written: where the largest value's 7x7 patch
            begins in an image with an edge of three, counted in lines of ``width + 6``.
    """
    rows, columns, half = -(-height // POOL), -(-width // POOL), -(-width // 2)
    top, left = padding_before(height, POOL), padding_before(width, POOL)
    sums = np.empty((2, 3, half * LANES), np.float32)
    # The last six rows, three pairs, of which five are pooled.
    lines = np.empty((6, 2 * half * LANES), np.float32)
    outside = np.full(lines.shape[1], -np.inf, np.float32)
    best, best_rows = np.empty(lines.shape[1], np.float32), np.empty(lines.shape[1], np.int32)
    # Where a column lies in them; and all columns in order, between those that pooling adds.
    column_starts = np.array([np.uint64((x % 2 * half + x // 2) * LANES) for x in range(width)])
    ordered = np.full((columns, POOL, LANES), -np.inf, np.float32)
    image_columns = ordered.reshape(-1)[left * LANES :]
    best_columns = np.empty(LANES, np.int32)
    pooled_grid = pooled.reshape(-1, rows, columns, LANES)
    winner_grid = winners.reshape(-1, rows, columns, LANES)
    for channel in range(len(factors)):
        pair = 0
        for row in range(rows):
            y = row * POOL - top
            while 2 * pair < min(y + POOL, height):
                _respond(pieces[pair:], factors[channel], sums, lines[2 * pair % 6 :])
                pair += 1
            l0, l1 = _row(lines, y, height, outside), _row(lines, y + 1, height, outside)
            l2, l3 = _row(lines, y + 2, height, outside), _row(lines, y + 3, height, outside)
            _largest_of_five(l0, l1, l2, l3, _row(lines, y + 4, height, outside), best, best_rows)
            for x in range(width):
                for lane in range(LANES):
                    image_columns[x * LANES + lane] = best[column_starts[x] + np.uint64(lane)]
            for column in range(columns):
                o, winner = ordered[column], winner_grid[channel, row, column]
                value = pooled_grid[channel, row, column]
                _largest_of_five(o[0], o[1], o[2], o[3], o[4], value, best_columns)
                for lane in range(LANES):
                    x = column * POOL - left + best_columns[lane]
                    best_row = best_rows[column_starts[x] + np.uint64(lane)]
                    winner[lane] = (y + best_row) * (width + 2 * EDGE) + x


@compiled
def _row(lines, y, height, outside):
    """Row ``y`` of the responses, float32 ``[columns * LANES]``.

    Args:
        lines: float32 ``[6, columns * LANES]``, the last six rows.
        height: of the image.
        outside: float32 ``[columns * LANES]``, what stands for rows beyond it.
    """
    return lines[y % 6] if 0 <= y < height else outside
