"""How many weights each layer keeps: uniform, Erdős–Rényi and Erdős–Rényi-kernel densities."""

import math

import numpy as np

from nsnn.errors import UserError
from nsnn.sparsity.grow import random_inactive


def _raw_uniform(dims) -> float:
    """Every layer has the same density."""
    return 1.0


def _raw_er(dims) -> float:
    """Erdős–Rényi: (out + in)/(out·in), for convolutions over the channels only.

    Source: ESL Eq. 1 (linear layers; there a number ε is given, here the density of all layers)
    """
    return (dims[0] + dims[1]) / (dims[0] * dims[1])


def _raw_erk(dims) -> float:
    """Erdős–Rényi-kernel (ERK): sum / product of the dims, the kernel's sides included."""
    return sum(dims) / math.prod(dims)


DISTRIBUTIONS = {"uniform": _raw_uniform, "er": _raw_er, "erk": _raw_erk}


def layer_densities(distribution, dims, density) -> np.ndarray:
    """Density of each layer, `d_l = min(1, ε·raw_l)`, for a given density of them all.

    Source: NDSNN III-C step 1 (ERK; the printed expression is the sparsity scale of a layer)

    Parameters
    ----------
    distribution : "uniform", "er" or "erk"
    dims : sequence of tuple of int
        (out, in, kh, kw) of a convolution or (out, in) of a linear layer, one for each layer.
    density : float
        Active weights / all weights over all layers, in (0, 1]: UserError for what is outside.

    Returns
    -------
    ndarray of float64, shape (layers,)

    Notes
    -----
    ε, a scale (not the ε of backpropagation), solves `Σ d_l N^l = density · Σ N^l`. Where some
    `ε·raw_l` exceeds 1, the layers with the largest raw become dense and ε is that of the others.

    Examples
    --------
    >>> layer_densities("erk", [(10, 4), (100, 100)], density=0.1)
    array([1.    , 0.0964])
    """
    if not 0.0 < density <= 1.0:
        raise UserError(f"density = {density} cannot be reached: use a density in (0, 1]")
    raw = np.array([DISTRIBUTIONS[distribution](d) for d in dims], dtype=np.float64)
    size = np.array([math.prod(d) for d in dims], dtype=np.float64)
    dense = np.zeros(raw.size, dtype=bool)
    densities = np.ones(raw.size)
    while not dense.all():
        rest = ~dense
        erk_scale = (density * size.sum() - size[dense].sum()) / (raw[rest] @ size[rest])
        largest = raw[rest].max()
        if erk_scale * largest <= 1.0:
            densities[rest] = erk_scale * raw[rest]
            break
        dense |= raw == largest
    return densities


def layer_counts(distribution, dims, density) -> np.ndarray:
    """Exact number of active weights of each layer, `round(d_l N^l)`; int64 (layers,).

    Arguments as for `layer_densities`. Rounded layer by layer, so that the total may differ by a
    few from density · ΣN.
    """
    sizes = np.array([math.prod(d) for d in dims], dtype=np.int64)
    return np.rint(layer_densities(distribution, dims, density) * sizes).astype(np.int64)


def er_counts(epsilon, dims) -> np.ndarray:
    """Synapses of each layer as an Erdős–Rényi graph, all of a layer's own where it has fewer.

    Source: ESL Eq. 1, `p = ε (n^k + n^{k−1}) / (n^k n^{k−1})`; over the channels in a convolution

    Parameters
    ----------
    epsilon : float
        ε, above 0.
    dims
        As for `layer_densities`.

    Returns
    -------
    ndarray of int64, shape (layers,)
        UserError where every layer would be dense.

    Examples
    --------
    >>> er_counts(60, [(800, 784), (10, 800)])
    array([95040,  8000])
    """
    sizes = np.array([math.prod(d) for d in dims], dtype=np.int64)
    asked = [epsilon * (d[0] + d[1]) * math.prod(d[2:]) for d in dims]
    # Cut before the cast: what is too large for int64 would come out negative.
    counts = np.minimum(sizes, np.maximum(1, np.rint(asked))).astype(np.int64)
    if np.array_equal(counts, sizes):
        raise UserError(
            f"method.epsilon = {epsilon:g} asks for more synapses than there are positions in "
            "every layer: lower it, or use method.name = dense"
        )
    return counts


def random_positions(shape, count, rng) -> np.ndarray:
    """`count` different positions of a matrix (rows, cols), as `random_inactive` among them all."""
    return random_inactive(math.prod(shape), np.empty(0, np.int64), int(count), rng)
