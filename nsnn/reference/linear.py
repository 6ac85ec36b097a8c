"""What synapses do: the current into a layer, and the gradients of Eqs. 2a and 2c.

W (out, in) is a dense matrix, 0 where there is no synapse. Columns are all steps of all samples,
K = T·B, so that a product sums over time where the equations do. Where the neurons have a gain g,
ε here stands for g ε.
"""


def current(W, s, b):
    """W s + b: what drives a layer, (out, K). s (in, K), b (out,). Source: NDSNN Eq. 1a"""
    return W @ s + b[:, None]


def input_gradient(W, epsilon):
    """δ of the layer before, (in, K), from ε (out, K) of this one.

    Source: NDSNN Eq. 2a, corrected: the paper omits the transpose.
    """
    return W.T @ epsilon


def weight_gradient(epsilon, s):
    """∂L/∂W (out, in) = Σ_t ε[t] s[t]ᵀ, at every position, active or not. Source: NDSNN Eq. 2c"""
    return epsilon @ s.T


def bias_gradient(epsilon):
    """∂L/∂b (out,) = Σ_t ε[t]."""
    return epsilon.sum(axis=1)
