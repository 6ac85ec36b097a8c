# %% [markdown]
# # 7 · Sparse weights: store what is there, multiply what is there
#
# **You will be able to** write a sparse matrix as three arrays · do the three products of training
# with them · say from which density on sparse is smaller, and from which it is faster · share a
# budget of weights among layers by ERK. **Before this**: tutorials 3 (δ, ε, Eqs. 2a and 2c) and 5
# (training).
#
# **The question.** A layer keeps 5 % of its weights. Setting the others to zero saves nothing: a
# zero takes four bytes and a multiplication, like any number. How do we store and multiply a matrix
# so that a weight that is not there costs nothing at all?

# %%
import itertools
import time

import matplotlib.pyplot as plt
import numpy as np

from nsnn.csr import CSRMatrix
from nsnn.layers import Linear
from nsnn.sparsity.distribution import layer_counts, layer_densities

# %% [markdown]
# ## Three arrays
# *Compressed sparse rows* (CSR) lists what is there, row by row. `data`: the values. `indices`: the
# column of each. `indptr`: where each row begins; row $r$ is `data[indptr[r]:indptr[r + 1]]`. Our
# $W$ has 4 neurons (rows) and 5 inputs (columns). **Predict** its `indptr`: how many numbers are in
# it, and how does a neuron without any input show?

# %%
W = np.array([[0, 2, 0, 0, -1], [0, 0, 0, 0, 0], [3, 0, 0, 1, 0], [0, 4, 0, 0, 0.5]])
data, indices, indptr = [], [], [0]
for row in W.tolist():
    for column, w in enumerate(row):
        if w != 0:
            data.append(w)
            indices.append(column)
    indptr.append(len(data))
print(f"data    {data}\nindices {indices}\nindptr  {indptr}")
positions = np.flatnonzero(W)  # row · columns + column
csr = CSRMatrix.from_positions(W.shape, positions, W.flat[positions])
assert all(map(np.array_equal, (data, indices, indptr), (csr.data, csr.indices, csr.indptr)))

# %% [markdown]
# ## The three products of training
# Spikes $s$ come in, (5, K): a row for each input, a column for each time step of each sample, $K$
# of them. **Forward** (the sum in NDSNN Eq. 1a): the currents $W s$. Each synapse adds its input's
# row, $w$ times, to its neuron's row. A synapse that is not in the list is never touched.

# %%
rng = np.random.default_rng(0)
s, current = rng.integers(0, 2, (5, 6)).astype(float), np.zeros((4, 6))
for r in range(4):
    for j in range(indptr[r], indptr[r + 1]):
        current[r] += data[j] * s[indices[j]]
np.testing.assert_allclose(current, W @ s, atol=1e-12)
print("multiplications:", len(data) * 6, "instead of", W.size * 6)

# %% [markdown]
# **Backward** (NDSNN Eq. 2a): the inputs' errors $δ = W^T ε$, from the neurons' $ε$, (4, K). The
# same list, the other way round: each synapse adds its *neuron's* row to its *input's* row.
# **Predict**: four threads take a row of $W$ each. Forward that is safe. Why not here?

# %%
epsilon, delta = rng.normal(size=(4, 6)), np.zeros((5, 6))
for r in range(4):
    for j in range(indptr[r], indptr[r + 1]):
        delta[indices[j]] += data[j] * epsilon[r]  # rows 0 and 3 both write to input 1
np.testing.assert_allclose(delta, W.T @ epsilon, atol=1e-12)

# %% [markdown]
# Two threads that add to one number lose additions. The engine therefore keeps a second list,
# column by column: `t_indptr`, `t_indices` (the *row* of each synapse) and `t_perm` (where its
# value stands in `data`, which is not copied). So each input collects for itself.

# %%
order = np.argsort(indices, kind="stable")  # by column; within a column by row
rows = np.repeat(np.arange(4), np.diff(indptr))
assert np.array_equal(order, csr.t_perm)
assert np.array_equal(rows[order], csr.t_indices)
collected = np.zeros((5, 6))
for c in range(5):
    for j in range(csr.t_indptr[c], csr.t_indptr[c + 1]):
        collected[c] += data[csr.t_perm[j]] * epsilon[csr.t_indices[j]]
np.testing.assert_allclose(collected, delta, atol=1e-12)

# %% [markdown]
# **Weight gradient** (NDSNN Eq. 2c): $∂L/∂W = ε s^T$, but only where a weight is. One scalar
# product for each synapse. The engine's layer does all three ([kernels](../nsnn/kernels/csr.py));
# its arrays are (neurons, T, B), so $K = T·B$.

# %%
gradient = [epsilon[r] @ s[c] for r, c in zip(rows, indices, strict=True)]
layer = Linear(5, 4, rng, dtype=np.float64, bias=False)
layer.weight.data[...] = W
layer.weight.sparsify(positions)
np.testing.assert_allclose(layer.forward(s.reshape(5, 3, 2)).reshape(4, 6), current, atol=1e-12)
back = layer.backward(epsilon.reshape(4, 3, 2))
np.testing.assert_allclose(back.reshape(5, 6), delta, atol=1e-12)
np.testing.assert_allclose(layer.weight.gradient, gradient, atol=1e-12)

# %% [markdown]
# ## When is sparse smaller?
# A dense weight takes 4 bytes; its gradient and its momentum 4 each. A synapse in CSR takes those
# 12, and 4 each for its entries in `indices`, `t_indices` and `t_perm`. **Predict** the density at
# which both are equal.

# %%
for density in (0.01, 0.1, 0.5, 0.9):
    p = Linear(1000, 1000, rng).weight
    p.sparsify(np.sort(rng.choice(p.size, round(density * p.size), replace=False)))
    csr_bytes = 12 * p.active + p.topology.index_bytes  # and a number for each row and column
    print(f"density {density:4}: {csr_bytes / 2**20:5.2f} MiB, dense {12 * p.size / 2**20:.2f} MiB")

# %% [markdown]
# At half: 24 bytes a synapse instead of 12.
# ## When is it faster?
# We time forward and both gradients of 512 × 512 weights, for spikes of 64 samples in 4 time steps.
# Dense is BLAS, the library behind NumPy's `@`. **Predict**: at 10 % density, 10 % of the time?

# %%
s = (rng.random((512, 4, 64)) < 0.2).astype(np.uint8)  # spikes are bytes
epsilon = rng.normal(size=s.shape).astype(np.float32)
densities = np.array([0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1])
layers, times = [Linear(512, 512, rng) for _ in densities], np.full(densities.size, np.inf)
for d, layer in zip(densities[:-1], layers, strict=False):  # the last one stays dense
    layer.weight.sparsify(np.sort(rng.choice(512**2, round(d * 512**2), replace=False)))
for _ in range(15):  # processor time, one thread; the best counts, as disturbances only add
    for i, layer in enumerate(layers):
        start = time.process_time()
        layer.forward(s)
        layer.backward(epsilon)
        times[i] = min(times[i], 1000 * (time.process_time() - start))
for d, ms in zip(densities, times, strict=True):
    print(f"~ density {d:5}: {ms:6.2f} ms, {100 * ms / times[-1]:4.0f} % of dense")
print("~ sparse is faster up to a density of", densities[times < times[-1]].max())
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.loglog(100 * densities[:-1], times[:-1], "o-", color="#0072B2", label="CSR")
ax.axhline(times[-1], color="black", label="dense (BLAS)")
ax.loglog(100 * densities, times[-1] * densities, ":", color="grey", label="density × dense")
ax.set(xlabel="density (weights that are there, % of all)", ylabel="processor time of a layer (ms)")
ax.set_title("Where blue crosses black, sparse stops paying")
ax.xaxis.set_major_formatter("{x:g}")
ax.yaxis.set_major_formatter("{x:g}")
ax.legend()

# %% [markdown]
# At the left end little work is left in the synapses, but each neuron's row must still be written.
# ## Which layer gets how many? ERK
# One number, the network's density $d$, has to become a density $d_l$ for each layer: for $N^l$
# weights of shape (out, in, $k_h$, $k_w$), or (out, in) without the $k$. *Erdős–Rényi-kernel*, ERK
# (NDSNN III-C), gives weights in proportion to the *sum* of these numbers, not to their product:
# $$d_l = \min\left(1, ε_{ERK} \frac{out + in + k_h + k_w}{out · in · k_h · k_w}\right),\qquad
#   \sum_l d_l N^l = d \sum_l N^l$$
# One scale $ε_{ERK}$ for all (no error $ε$). **Predict**: in VGG-16 at 5 %, which stay dense?

# %%
widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
dims = [(o, i, 3, 3) for i, o in itertools.pairwise(widths)] + [(10, 512)]
size, raw = np.array([np.prod(d) for d in dims]), np.array([sum(d) / np.prod(d) for d in dims])
low, high, budget = 0.0, 1e6, 0.05  # the scale by bisection: more of it, more weights
for _ in range(100):
    scale = (low + high) / 2
    enough = np.minimum(1, scale * raw) @ size > budget * size.sum()
    low, high = (low, scale) if enough else (scale, high)
by_hand = np.minimum(1, scale * raw)
np.testing.assert_allclose(by_hand, layer_densities("erk", dims, budget), atol=1e-12)
for d, share, n in zip(dims, by_hand, layer_counts("erk", dims, budget), strict=True):
    print(f"{' × '.join(map(str, d)):17} {share:6.3f} {n:7,}")

# %% [markdown]
# Large layers become sparsest. In a layer that is not capped, synapses are in proportion to the
# *neurons* (channels) on both sides: 12,296 / (64 + 64) = 96, and 94,511 / (512 + 512) = 92.
# ## What goes wrong
# - **A mask instead of CSR**: `W * mask` is right, and saves neither a byte nor a multiplication.
# - **Active is not nonzero**: a weight just added (tutorial 8) is 0 and *active*, that is, stored.
#   Libraries that drop zeros (SciPy's `eliminate_zeros`) would remove it before it learns anything.
# - **Chance instead of counts**: `rng.random(N) < d` gives another number of weights each time.
#
# **Summary.** Values, columns, row starts; a second list by column for $W^T$. Smaller below half
# density; how much faster, the clock says. ERK turns one density into one for each layer.
# ## Exercises
# 1. How many inputs has each neuron, how many neurons does each input drive? Use `csr` alone.
# 2. Without momentum a dense weight takes 8 bytes. Below which density is CSR smaller now?
# 3. Show that under ERK *synapses / (inputs + neurons)* is the same in 300-300-100-30 (d = .05).
#
# <details><summary>Solutions</summary>

# %%
assert np.array_equal(np.diff(csr.indptr), (W != 0).sum(axis=1))  # 1
assert np.array_equal(np.bincount(csr.indices, minlength=5), (W != 0).sum(axis=0))
assert 8 / (8 + p.topology.index_bytes // p.active) == 0.4  # 2: 8 d + 12 d = 8
dims = [(300, 300), (100, 300), (30, 100)]  # 3: N d = ε_ERK (in + out)
ratio = [n / sum(d) for n, d in zip(layer_counts("erk", dims, 0.05), dims, strict=True)]
np.testing.assert_allclose(ratio, ratio[0], rtol=0.01)  # up to the rounding of the counts

# %% [markdown]
# </details>
