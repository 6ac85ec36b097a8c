# %% [markdown]
# # 10 · ESL: a sparse graph whose weak synapses move elsewhere
#
# **You will be able to** draw a sparse random graph with an exact number of synapses · do one step
# of evolution by hand, equal to the engine's bit for bit · measure what evolution is worth against
# the same graph left alone · see receptive fields form. **Before this**: tutorials 7 and 8.
#
# **The question.** NDSNN starts with many weights and loses them. Can a network stay as sparse as
# it will be at the end, from its first step to its last, and still end with good connections? (Shen
# et al., *ESL-SNNs: An Evolutionary Structure Learning Strategy for Spiking Neural Networks*.)

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np

from nsnn.plot import receptive_fields
from nsnn.sparsity.distribution import er_counts
from nsnn.sparsity.drop import smallest_magnitude, smallest_per_sign
from nsnn.sparsity.grow import random_inactive
from nsnn.sparsity.schedule import drop_fraction_at
from nsnn.training.config_file import load_config
from nsnn.training.run import Run

# %% [markdown]
# ## The graph at the start
# Layers of $n^{k−1}$ and $n^k$ neurons; each of the $n^k n^{k−1}$ possible synapses exists with
# probability (ESL Eq. 1)
# $$p = \frac{ε (n^k + n^{k−1})}{n^k n^{k−1}},$$
# so there are $ε (n^k + n^{k−1})$ of them (or all, if fewer): $ε$ for each neuron on either side.
# (An Erdős–Rényi graph; this $ε$ has nothing to do with the error $ε$.) The engine draws exactly
# that many.
#
# **Predict**: the paper's 784-800-10 with $ε = 60$. How many synapses has the first layer, how many
# the second?

# %%
dims, epsilon = [(800, 784), (10, 800)], 60
counts = [min(epsilon * (out + n_in), out * n_in) for out, n_in in dims]
for (out, n_in), count in zip(dims, counts, strict=True):
    print(f"{n_in} → {out}: {count:6,} of {out * n_in:,}, p = {count / (out * n_in):.3f}")
assert np.array_equal(counts, er_counts(epsilon, dims))

# %% [markdown]
# ## Which synapses go? Each sign for itself
# A fraction $ζ$ goes: of the positive weights those nearest 0, *and* of the negative weights those
# nearest 0. **Predict**: what would the rule of tutorial 8, the smallest $|w|$ of all, take here?

# %%
w = np.array([0.9, -0.1, 0.7, -0.2, 0.8, -0.3, 0.6, -0.4])
gone, zeta = np.zeros(8, bool), 0.5
for sign in (w >= 0, w < 0):  # a stored 0 counts as positive
    mine = np.flatnonzero(sign)
    gone[mine[np.argsort(np.abs(w[mine]), kind="stable")[: int(zeta * mine.size)]]] = True
print("per sign  ", w[gone], "\nof all    ", w[smallest_magnitude(w, gone.sum())])
assert np.array_equal(gone, smallest_per_sign(w, zeta))

# %% [markdown]
# All inhibition would be gone. Per sign, the balance stays.
#
# ## How many go, and where do new ones come?
# The fraction falls from $α$ (no neuron's decay here) to 0 (ESL Eq. 2):
# $ζ_t = \frac{α}{2}(1 + \cos(π t/T_{end}))$, one round every $T_{iter}$ steps. As many come back at
# *random* inactive positions, at value 0.
#
# Here is one whole round of ESL Algorithm 1 ([engine](../nsnn/methods/esl.py)) by hand, on a
# network in training, from copies of its weights, positions and random numbers. **Predict**: can a
# synapse that has just gone come back in the same round?

# %%
common = ["model.name=custom", "model.layers=100", "train.epochs=6", "neuron.preset=esl"]
common += ["optim.name=adam", "optim.lr=3e-3", "method.dense_layers=linear2"]  # that one is small
every = 30  # T_iter
evolve = ["method.name=esl", f"method.update_every={every}"]
run = Run(load_config(None, [*common, *evolve, "method.epsilon=4"]))
p, t = run.network.parameters()[0], every
for step, batch in zip(range(t + 1), run.batches(0), strict=False):
    run.network.loss_and_backward(batch)
    run.method.update(step, run.optimiser, run.learning_rate(step))
w, at, rng = p.values().copy(), p.positions(), copy.deepcopy(run.method.rng)
zeta = 0.5 / 2 * (1 + np.cos(np.pi * t / run.length.total_steps))
assert np.isclose(zeta, drop_fraction_at(t, run.length.total_steps, 0.5, 0.0))
stays = at[~smallest_per_sign(w, zeta)]
free = np.setdiff1d(np.arange(p.size), stays)
again, count = copy.deepcopy(rng), at.size - stays.size
born = free[np.sort(rng.choice(free.size, count, replace=False, shuffle=False))]
assert np.array_equal(born, random_inactive(p.size, stays, count, again))
run.method.after_update(t)  # the engine's round
assert np.array_equal(p.positions(), np.sort(np.append(stays, born)))
print(f"~ {at.size:,} synapses, ζ = {zeta:.3f}: {born.size:,} went, {born.size:,} came,", end=" ")
print(f"{np.isin(born, at).sum()} of these where one had just gone")

# %% [markdown]
# ## What is it worth?
# A sparse network that trains well proves nothing about evolution: perhaps its first graph was good
# enough. So the same graph left alone, `static`, stands beside it; and a third, in which synapses
# grow where $|∂L/∂w|$ is largest (tutorial 8). Three seeds each. **Predict** the order, and where
# the differences are largest: with few synapses or with many?

# %%
rules = {"static": ["method.name=static"], "random growth": evolve,
         "gradient growth": [*evolve, "method.grow=gradient"]}  # fmt: skip
budgets, runs, accuracy = (2, 4, 8), {}, np.zeros((3, 3, 3))
for i, (rule, words) in enumerate(rules.items()):
    for j, epsilon in enumerate(budgets):
        for seed in range(3):
            words_ = [*common, *words, f"method.epsilon={epsilon}", f"train.seed={seed}"]
            run = runs[rule, epsilon] = Run(load_config(None, words_))
            for step, batch in enumerate(b for epoch in range(6) for b in run.batches(epoch)):
                run.method.before_backward(step)
                run.network.loss_and_backward(batch)
                run.method.update(step, run.optimiser, run.learning_rate(step))
                run.method.after_update(step)
            right = run.network.predict(run.data.test.images) == run.data.test.labels
            accuracy[i, j, seed] = 100 * right.mean()
mean, sd = accuracy.mean(axis=2), accuracy.std(axis=2, ddof=1)
for rule, means, sds in zip(rules, mean, sd, strict=True):
    cells = (f"ε = {e}: {m:.1f} ± {s:.1f} %" for e, m, s in zip(budgets, means, sds, strict=True))
    print(f"~ {rule:16}", *cells, sep="   ")

# %%
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for rule, means, sds in zip(rules, mean, sd, strict=True):
    ax.errorbar(budgets, means, sds, fmt="o-", capsize=3, label=rule)
ax.set(xlabel="ε (synapses per neuron on either side)", ylabel="test accuracy (%), ± σ of 3 seeds")
ax.set(title="Synapses that move do the work of many more that stay", xticks=budgets)
ax.legend()

# %% [markdown]
# In the run above both ways of moving beat the graph that stays, at each $ε$ and by three times
# the seeds' σ or more. The gain hardly depends on $ε$. Where synapses come back matters as much as
# that they move at all. Without `static` we would have seen only that sparse networks train well.
#
# ## What has been tried, and what it looks like
# How much of the layer has *ever* had a synapse is its *exploration*. **Predict**: which growth
# explores more, random or gradient? Does the better one?

# %%
for rule in ("random growth", "gradient growth"):
    run = runs[rule, 8]
    steps, N = run.length.total_steps, run.network.parameters()[0].size
    ever = [run.log.positions_at("linear1.weight", t) for t in range(0, steps, every)]
    now, share = ever[-1].size / N, np.unique(np.concatenate(ever)).size / N
    assert np.isclose(share, run.method.measures()["exploration"])
    print(f"~ {rule}: {100 * share:.0f} % ever active, {100 * now:.0f} % at any time")

# %%
run, moments = runs["gradient growth", 8], [0, 30, 150, 300, steps - 1]
masks = np.zeros((len(moments), N), bool)
for mask, t in zip(masks, moments, strict=True):
    mask[run.log.positions_at("linear1.weight", t)] = True
masks = masks.reshape(len(moments), -1, 28, 28).swapaxes(0, 1)
grown = (masks[:, -1] & ~masks[:, 0]).sum(axis=(1, 2))
rows, W = np.argsort(-grown)[:3], run.network.parameters()[0].to_dense().reshape(-1, 28, 28)
receptive_fields(masks[rows], W[rows], rows, [f"step {t}" for t in moments])

# %% [markdown]
# Gradient growth looks at less and finds more: strokes after one round. Random growth has to try.
# ## What goes wrong
# - **A fraction that is none**: one public version of "per sign" removes about half whatever $ζ$
#   is, another leaves only the most negative weights. Test the fraction, sign by sign (exercise 2).
# - **$T_{iter}$ of the paper in a short run**: 1000 steps between rounds leave a short run without
#   any, and "ESL" is a static graph.
# - **No control.** ESL's paper has no `static`; only beside it one sees what evolution adds.
#
# **Summary.** A constant number of synapses from first to last; the weakest of each sign move, ever
# fewer of them. What that is worth only a graph that stays can tell.
# ## Exercises
# 1. Drawn one by one with probability $p$, how far does the first layer's count scatter (784-800)?
# 2. Write the wrong rule "drop the fraction $ζ$ with the smallest $w$" (no $|·|$). Who disappears?
# 3. 18 rounds with $α = ½$: how often does a synapse move in a run, on average?
#
# <details><summary>Solutions</summary>

# %%
N, P = 800 * 784, 95_040 / (800 * 784)  # 1: a binomial distribution
drawn = np.random.default_rng(0).binomial(N, P, 10_000)
assert np.isclose(drawn.std(), np.sqrt(N * P * (1 - P)), rtol=0.05)  # 284
w = np.array([0.9, -0.1, 0.7, -0.2, 0.8, -0.3, 0.6, -0.4])
assert (np.sort(w)[: w.size // 2] < 0).all()  # 2: all inhibition, the strongest first
moves = sum(drop_fraction_at(np.arange(30, 558, 30), 558, 0.5, 0.0))  # 3: about 18 · ½ · ½
assert abs(moves - 18 / 4) < 0.3

# %% [markdown]
# </details>
