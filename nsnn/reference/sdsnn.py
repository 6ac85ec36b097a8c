"""SD-SNN's Algorithms 1 and 2 on dense arrays, on one page: weights W, masks M of True and False.

Han et al., "Adaptive Sparse Structure Development with Pruning and Regeneration for Spiking Neural
Networks". Where the text is silent or cannot give its tables: bounds start at ±max|W| after the
first epoch; counters restart when a rule fires; the rate counts neurons that are alive, and its δ
starts at α; ρ_g names a percentile. The other readings are arguments. A run that is shorter than
the paper's performs several paper epochs of pruning after one of its own.
"""

import math

import numpy as np

START, MID = 36, 60  # paper epochs


class Hidden:
    """W (N, inputs) with its bounds and counters; rate ρ in percent, None where nothing is pruned.

    `vectors`, each (N,), are bias and norm parameters; `enough` inputs keep a neuron alive.
    """

    def __init__(self, W, vectors=(), rate=None, enough=50):
        self.W, self.vectors, self.rate = W, vectors, rate
        self.M = np.ones(W.shape, bool)
        self.upper, self.lower, self.C_up, self.C_low = np.zeros((4, *W.shape))
        self.N_up, self.N_low, self.N_d, self.T_g = np.zeros((4, *W.shape), int)
        self.listed = np.zeros(len(W), bool)  # has been pruned
        self.kept = [np.zeros(len(W)) for _ in vectors]  # their values at pruning
        self.enough = min(enough, W.shape[1])

    def alive(self):
        """N_alive: neurons with enough inputs left."""
        return np.count_nonzero(self.M.sum(axis=1) >= self.enough)


def bounds(L):
    """R± = ±max|W| for every synapse, after the first epoch. Source: SD-SNN Algorithm 1"""
    L.upper[...], L.lower[...] = np.abs(L.W).max(), -np.abs(L.W).max()
    L.previous = L.W.copy()


def constraint(L, T):
    """Clip W into its bounds, count, move the bounds. Source: SD-SNN Algorithm 1"""
    over, under = L.M & (L.upper < L.W), L.M & (L.lower > L.W)
    L.N_up, L.N_low = np.where(over, L.N_up + 1, 0), np.where(under, L.N_low + 1, 0)
    L.C_up = np.where(over, L.C_up + (L.W - L.upper), 0)
    L.C_low = np.where(under, L.C_low + (L.lower - L.W), 0)
    L.W[over], L.W[under] = L.upper[over], L.lower[under]
    L.N_d = np.where(L.M & (np.abs(L.W) < np.abs(L.previous)), L.N_d + 1, 0)
    up, low, shrink = L.N_up > T, L.N_low > T, L.N_d > T
    L.upper[up] += L.C_up[up] / T
    L.lower[low] -= L.C_low[low] / T
    L.upper[shrink], L.lower[shrink] = 0.75 * L.upper[shrink], 0.75 * L.lower[shrink]
    L.N_up[up], L.N_low[low], L.N_d[shrink], L.C_up[up], L.C_low[low] = 0, 0, 0, 0, 0
    L.previous = L.W.copy()


def importance(L):
    """D_i = Σ_j (R+_ij − R−_ij) over the inputs that neuron i has. Source: SD-SNN Eqs. 4, 5"""
    return np.where(L.M, L.upper - L.lower, 0).sum(axis=1)


def prune(L):
    """The ρ % least important lose their inputs, each neuron once. Source: SD-SNN Algorithm 2"""
    D, N = importance(L), len(L.W)
    new = np.zeros(N, bool)
    new[np.argsort(D, kind="stable")[: math.floor(N * L.rate / 100)]] = True
    new &= ~L.listed
    if (new | L.listed).all():  # one neuron stays
        new[np.flatnonzero(new)[np.argsort(D[new], kind="stable")[-1]]] = False
    L.listed |= new
    L.M[new], L.W[new] = False, 0
    for v, kept in zip(L.vectors, L.kept, strict=True):
        kept[new], v[new] = v[new], 0


def delta(E, alpha, beta, counts="live"):
    """δ of paper epoch E; literally ("fixed") one epoch later. Source: SD-SNN Eq. 7"""
    after = E - START if counts == "fixed" else E - START - 1
    return alpha * math.exp(-after) if E <= MID else beta


def rate_step(L, target, E, alpha, beta, counts="live"):
    """δ N^l/N^{l+1}, by which ρ^l grows. Source: SD-SNN Eq. 6"""
    here, there = (L.alive(), target.alive()) if counts == "live" else (len(L.W), len(target.W))
    return delta(E, alpha, beta, counts) * here / there


def growth_rate(rho_g, E, first=60.0, growth="code"):
    """ρ_g after paper epoch E, at most 99; literally it adds up. Source: SD-SNN Eq. 8"""
    code, eq8 = first + 1.1 ** (E - START - 1), rho_g + 1.1 ** (E - START)
    return min(99.0, code if growth == "code" else eq8)


def regenerate(L, S, rho_g, T, admitted="percentile", regrown="mean"):
    """Synapses grow back whose |S| is large for more than T epochs. Source: SD-SNN Algorithm 2

    S (N, inputs): Σ_t δ[t] s[t]ᵀ, δ = dL/do, summed over the last batches of the epoch.
    """
    cut = np.percentile(np.abs(S), rho_g if admitted == "percentile" else 100 - rho_g)
    L.T_g = np.where(~L.M & (np.abs(S) > cut), L.T_g + 1, 0)
    grown, back, mean = L.T_g > T, ~L.M.any(axis=1), np.abs(L.W[L.M]).mean()
    L.M[grown] = True
    L.W[grown] = -np.sign(S[grown]) * mean if regrown == "mean" else 0
    L.upper[grown], L.lower[grown] = np.abs(L.W).max(), -np.abs(L.W).max()
    L.N_up[grown], L.N_low[grown], L.N_d[grown], L.C_up[grown], L.C_low[grown] = 0, 0, 0, 0, 0
    L.T_g[grown], L.previous = 0, L.W.copy()
    back &= L.M.any(axis=1)
    for v, kept in zip(L.vectors, L.kept, strict=True):
        v[back] = kept[back]


def algorithm_2(
    layers, train, epochs, paper_epochs=150, alpha=1.0, beta=0.00075, first=60.0,
    counts="live", growth="code", admitted="percentile", regrown="mean",
):  # fmt: skip
    """Develop the structure; yields (e, ρ_g) after each epoch. Source: SD-SNN Algorithm 2

    Parameters
    ----------
    layers : list of Hidden
        From the first weight to the readout, each the target of the one before.
    train : callable
        train(e) -> list of S, one for each layer: one epoch on the arrays, in place, without a
        change to what is pruned or leads out of neurons without inputs.
    """
    f, rho_g, done = epochs / paper_epochs, first, START
    T = max(2, round(START / 2 * f))
    for e in range(epochs):
        S = train(e)
        for L in layers:
            constraint(L, T) if e else bounds(L)
        if e > 2 * T:
            now = range(done + 1, math.ceil(round((e + 1) / f, 9)))  # paper epochs
            following = zip(layers[:-1], S[:-1], layers[1:], strict=True)
            hidden = [each for each in following if each[0].rate is not None]
            for E in now:
                for L, _, _ in hidden:
                    prune(L)
                for L, _, target in hidden:
                    L.rate += rate_step(L, target, E, alpha, beta, counts)
            for L, s, _ in hidden:
                regenerate(L, s, rho_g, T, admitted, regrown)
            for E in now:
                rho_g, done = growth_rate(rho_g, E, first, growth), E
        yield e, rho_g
