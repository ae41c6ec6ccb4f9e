"""One click mends an outline: the picture's edges decide around the click, the outline as it was farther away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import cg

from deepgray.voxels.filters import pieces

Mask = NDArray[np.bool_]
Index = tuple[int, int, int]

# How far from a click anything may change.
REACH_MM = 10.0
# At a click grey values count and the outline as it was does not; at this distance both count about alike.
TRUST_MM = 5.0
# What surely belongs to a click.
_SEED_MM = 1.0
# Grey values this near tell what a click means.
_SAMPLE_MM = 1.8
# Of what grey values or the outline say, against the smoothness that the edges leave.
_PRIOR = 0.3
# Differences that are an edge, in parts of the window's own spread of intensities.
_EDGE = 0.35
_LEAST_WEIGHT = 1e-3
# Grey values are told apart by their share in so many bins, smoothed over about so many.
_BINS = 48
_BIN_WIDTH = 2.0
# A share below this tells nothing.
_FLAT = 2e-3
_FIXED = 1e4


@dataclass(frozen=True)
class _Window:
    """The part of the volume that a click may change."""

    block: tuple[slice, ...]
    distance_mm: NDArray[np.float64]


def refined(
    image: NDArray[np.float32], mask: Mask, click: Index, *, inside: bool, spacing_mm: NDArray[np.float64]
) -> Mask:
    """The mask after one click: a random walk with the mask as its prior.

    Each voxel takes a value, 0 to 1, near those of its neighbours, the more alike they look the nearer, and near what
    is known of it: at the click how much its grey value is like the structure's, farther away whether the mask holds
    it. The click itself is 1 or 0. What comes out on the click's side of one half and hangs together with it is added,
    or taken away.
    doi:10.1109/TPAMI.2006.233, with a prior as in doi:10.1109/CVPR.2005.239

    Args:
        image: (x, y, z) intensities.
        mask: (x, y, z), the structure as it is.
        click: Voxel that belongs to the structure, or does not.
        inside: Whether it does; then voxels are only added, otherwise only taken away.
        spacing_mm: (3,) voxel size.

    Returns:
        (x, y, z), the structure as it may be; it differs within ``REACH_MM`` of the click only.
    """
    window = _window(mask.shape, click, spacing_mm)
    likely = _walk(image[window.block], mask[window.block], window, inside=inside, spacing_mm=spacing_mm)
    side = (likely > 0.5) == inside
    side &= window.distance_mm <= REACH_MM
    side |= window.distance_mm <= _SEED_MM
    labelled, _ = pieces(side & (mask[window.block] != inside))
    place = np.unravel_index(int(window.distance_mm.argmin()), side.shape)
    changed = np.zeros_like(side)
    if labelled[place]:
        changed = labelled == labelled[place]
    after = mask.copy()
    after[window.block] = np.where(changed, inside, mask[window.block])
    return after


def _window(shape: tuple[int, ...], click: Index, spacing_mm: NDArray[np.float64]) -> _Window:
    reach = np.ceil((REACH_MM + spacing_mm) / spacing_mm).astype(int)
    low = np.maximum(np.asarray(click) - reach, 0)
    high = np.minimum(np.asarray(click) + reach + 1, shape)
    axes = [(np.arange(a, b) - c) * mm for a, b, c, mm in zip(low, high, click, spacing_mm, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    block = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return _Window(block, np.sqrt(x**2 + y**2 + z**2))


def _walk(
    image: NDArray[np.float32], mask: Mask, window: _Window, *, inside: bool, spacing_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve (graph's Laplacian + trust) x = trust × what is known."""
    near = np.exp(-((window.distance_mm / TRUST_MM) ** 2))
    known = near * _alike(image, mask, window, inside=inside) + (1 - near) * mask
    trust = np.where(window.distance_mm >= REACH_MM, _FIXED, _PRIOR)
    seed = window.distance_mm <= max(_SEED_MM, float(window.distance_mm.min()))
    trust[seed], known[seed] = _FIXED, float(inside)
    laplacian = _laplacian(image, spacing_mm)
    system = (laplacian + sparse.diags(trust.ravel())).tocsr()
    jacobi = sparse.diags(1 / system.diagonal())
    solution, _ = cg(system, (trust * known).ravel(), x0=known.ravel(), rtol=1e-4, maxiter=300, M=jacobi)
    return np.asarray(solution.reshape(image.shape))


def _alike(image: NDArray[np.float32], mask: Mask, window: _Window, *, inside: bool) -> NDArray[np.float64]:
    """How much grey values are like the structure's, 0 to 1, against those around it; 0.5 where nobody can tell."""
    sample = window.distance_mm <= max(_SAMPLE_MM, float(window.distance_mm.min()))
    far = window.distance_mm > TRUST_MM
    here, there = mask & far, ~np.asarray(ndimage.binary_dilation(mask)) & far
    edges = np.linspace(float(image.min()), float(image.max()), _BINS + 1)
    own, other, clicked = (_density(image[m], edges) for m in (here, there, sample))
    own, other = ((own + clicked) / 2, other) if inside else (own, (other + clicked) / 2)
    likely = (own + _FLAT) / (own + other + 2 * _FLAT)
    return np.asarray(likely[np.clip(np.digitize(image, edges) - 1, 0, _BINS - 1)], dtype=np.float64)


def _density(values: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smoothed share of values in each bin; the same in all where there are none."""
    if not values.size:
        return np.full(_BINS, 1 / _BINS)
    counts = np.histogram(values, edges)[0] / values.size
    return np.asarray(ndimage.gaussian_filter1d(counts, _BIN_WIDTH, mode="nearest"))


def _laplacian(image: NDArray[np.float32], spacing_mm: NDArray[np.float64]) -> sparse.csr_matrix:
    number = np.arange(image.size).reshape(image.shape)
    spread = max(float(image.std()), 1e-12)
    firsts, seconds, weights = [], [], []
    finest = float(spacing_mm.min())
    for axis in range(3):
        one, other = ([slice(None)] * 3 for _ in range(2))
        one[axis], other[axis] = slice(None, -1), slice(1, None)
        step = (image[tuple(one)].astype(np.float64) - image[tuple(other)]) / (spread * _EDGE)
        weight = (np.exp(-(step**2)) + _LEAST_WEIGHT) * (finest / float(spacing_mm[axis])) ** 2
        firsts.append(number[tuple(one)].ravel())
        seconds.append(number[tuple(other)].ravel())
        weights.append(weight.ravel())
    a, b, w = (np.concatenate(parts) for parts in (firsts, seconds, weights))
    shape = (image.size, image.size)
    between = sparse.coo_matrix((w, (a, b)), shape=shape)
    between = between + between.T
    return sparse.csr_matrix(sparse.diags(np.asarray(between.sum(axis=1)).ravel()) - between)
