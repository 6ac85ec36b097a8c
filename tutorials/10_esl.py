# %% [markdown]
# # 10 · ESL: a sparse graph whose weak synapses move elsewhere
#
# **You will be able to** draw a sparse random graph with an exact number of synapses · do one step of
# evolution by hand, equal to the engine's bit for bit · measure what evolution is worth against the
# same graph left alone · see receptive fields form. **Before this**: tutorials 7 and 8.
#
# **The question.** NDSNN starts with many weights and loses them. Can a network stay as sparse as
# it will be at the end, from its first step to its last, and still end with good connections? (Shen
# et al., *ESL-SNNs: An Evolutionary Structure Learning Strategy for Spiking Neural Networks*.)

# %%
import copy

import numpy as np

from nsnn.plot import receptive_fields
from nsnn.plot.style import new_figure
from nsnn.sparsity.distribution import er_counts
from nsnn.sparsity.drop import smallest_magnitude, smallest_per_sign
from nsnn.sparsity.grow import random_inactive
from nsnn.sparsity.schedule import death_ratio_at
from nsnn.training.config_file import load_config
from nsnn.training.run import Run

# %% [markdown]
# ## The graph at the start
# Layers of $n^{k−1}$ and $n^k$ neurons; each of the $n^k n^{k−1}$ possible synapses exists with
# probability (ESL Eq. 1)
# $$p = \frac{ε\,(n^k + n^{k−1})}{n^k\, n^{k−1}},$$
# so there are $ε (n^k + n^{k−1})$ of them: $ε$ for each neuron on either side. (An Erdős–Rényi graph;
# this $ε$ has nothing to do with the error $ε$.) The engine draws exactly that many.
#
# **Predict**: the paper's 784-800-10 with $ε = 60$. How many synapses has the first layer, how many
# the second?

# %%
dims = [(800, 784), (10, 800)]
counts = [min(60 * (out + n_in), out * n_in) for out, n_in in dims]
for (out, n_in), count in zip(dims, counts, strict=True):
    print(f"{n_in} → {out}: {count:6,} of {out * n_in:,}, p = {count / (out * n_in):.3f}")
assert np.array_equal(counts, er_counts(60, dims))

# %% [markdown]
# ## Which synapses go? Each sign for itself
# A fraction $ζ$ goes: of the positive weights those nearest 0, *and* of the negative weights those
# nearest 0. **Predict**: what would the rule of tutorial 8, the smallest $|w|$ of all, take here?

# %%
w = np.array([0.9, -0.1, 0.7, -0.2, 0.8, -0.3, 0.6, -0.4])
gone = np.zeros(8, bool)
for sign in (w >= 0, w < 0):  # a stored 0 counts as positive
    mine = np.flatnonzero(sign)
    gone[mine[np.argsort(np.abs(w[mine]), kind="stable")[: int(0.5 * mine.size)]]] = True
print("per sign  ", w[gone], "\nof all    ", w[smallest_magnitude(w, 4)])
assert np.array_equal(gone, smallest_per_sign(w, 0.5))

# %% [markdown]
# All inhibition would be gone. Per sign, the balance stays.
#
# ## How many go, and where do new ones come?
# The fraction falls from $α$ to 0 (ESL Eq. 2): $ζ_t = \frac{α}{2}(1 + \cos(π t/T_{end}))$, one round
# every $T_{iter}$ steps. As many come back at *random* inactive positions, at value 0.
#
# Here is one whole round by hand, on a network in training, from copies of its weights, positions and
# random numbers. **Predict**: can a synapse that has just gone come back in the same round?

# %%
common = ["model.name=custom", "model.layers=100", "train.epochs=6", "neuron.preset=esl"]
common += ["optim.name=adam", "optim.lr=3e-3", "optim.weight_decay=0.0", "method.dense_layers=linear2"]
run = Run(load_config(None, [*common, "method.name=esl", "method.epsilon=4", "method.update_every=30"]))
p, t = run.network.parameters()[0], 30
for step, batch in zip(range(t + 1), run.batches(0), strict=False):
    run.network.loss_and_backward(batch)
    run.method.update(step, run.optimiser, run.learning_rate(step))
w, at, rng = p.values().copy(), p.positions(), copy.deepcopy(run.method.rng)
zeta = 0.5 / 2 * (1 + np.cos(np.pi * t / run.length.total_steps))
assert np.isclose(zeta, death_ratio_at(t, run.length.total_steps, 0.5, 0.0))
stays = at[~smallest_per_sign(w, zeta)]
free = np.setdiff1d(np.arange(p.size), stays)
born = free[np.sort(rng.choice(free.size, at.size - stays.size, replace=False, shuffle=False))]
run.method.after_update(t)  # the engine's round
assert np.array_equal(p.positions(), np.sort(np.append(stays, born)))
print(f"{at.size:,} synapses, ζ = {zeta:.3f}: {born.size:,} went, {born.size:,} came,", end=" ")
print(f"{np.isin(born, at).sum()} of these where one had just gone")
