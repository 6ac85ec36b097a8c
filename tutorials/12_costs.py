# %% [markdown]
# # 12 · What it costs: operations, bytes, joules, seconds
#
# **You will be able to** count the operations of a spiking network by hand, exactly · say what the
# papers' formulas of training cost, memory and energy count, and what they leave out · put all of
# them beside a clock. **Before this**: tutorials 5, 7 and 8.
#
# **The question.** "40 % of the training cost", "12.5 pJ per operation", "ten times sparser". All
# true somewhere, and all different. What does each number count, and what do *you* save?

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from nsnn import metrics
from nsnn.energy import PER_FLOP, PER_SOP, energy
from nsnn.methods import METHODS, RunLength
from nsnn.training.config_file import load_config
from nsnn.training.run import Run

# %% [markdown]
# ## Spikes
# Two networks, 784-100-10 with T = 4, trained on the digits: dense, and NDSNN at 95 % sparsity. The
# **spike rate** $R$ is the number of spikes for each neuron and time step.
#
# **Predict**: does a neuron with a twentieth of the inputs fire a twentieth as often?

# %%
runs, n = {}, 100  # n: the pictures that we count for
for name in ("dense", "ndsnn"):
    words = ["model.name=custom", "model.layers=100", f"method.name={name}"]
    runs[name] = run = Run(load_config(None, words))
    for step, batch in enumerate(b for epoch in range(5) for b in run.batches(epoch)):
        run.method.before_backward(step)
        run.network.loss_and_backward(batch)
        run.method.update(step, run.optimiser, run.learning_rate(step))
    run.network.forward(run.data.test.take(slice(0, n)))  # what we count from here on
    s = next(layer.s for layer in run.network.layers() if layer.name == "lif1")  # (100, T, B)
    R = np.count_nonzero(s) / s.size
    assert np.isclose(R, run.network.measures().spike_rate)
    print(f"~ {name}: R = {R:.3f} spikes per neuron and time step")

# %% [markdown]
# Not at all: training and batch normalisation (all currents get one mean, one spread) bring each
# neuron near its threshold, whatever feeds it. Sparse weights and sparse spikes save separately.
#
# ## Synaptic operations
# A spike of neuron $i$ is one addition at each synapse that leads on from it: its *fan-out*. So the
# operations of a layer are $\sum_i \text{spikes}_i · \text{fan-out}_i$. **Predict**, for 100
# pictures: which layer works more, the first (784 pixels) or the second (100 neurons)?

# %%
ops = {}
for name, run in runs.items():
    by_hand = {}
    for layer in run.network.layers():
        if layer.name.startswith("linear"):
            fan_out = np.count_nonzero(layer.weight.to_dense(), axis=0)
            by_hand[layer.weight.name] = np.count_nonzero(layer.x, axis=(1, 2)) @ fan_out
            print(f"~ {name} {layer.name}, input {layer.x.shape}: {by_hand[layer.weight.name]:,}")
    ops[name] = run.network.measures().operations
    assert ops[name].layers == by_hand
    assert ops[name].real == by_hand["linear1.weight"]

# %% [markdown]
# The pixels: there are more, and none is 0 (black is below the mean). They are the same at all T
# steps, so the engine multiplies them *once* (their array has one time step), and they are real
# numbers: multiply-adds, no synaptic operations. A claim about "additions only" forgets this layer.
#
# ## The papers' training cost
# NDSNN IV-C: relative to dense, an epoch costs $R_s (1 − θ)/R_d$, with $θ$ the sparsity and the
# spike rates of the sparse and the dense network. It assumes that each layer is as sparse and as
# active as all are on average. **Predict**: is that more or less than what is counted?

# %%
density = metrics.density(runs["ndsnn"].network.parameters()).density
R_s, R_d = (runs[name].network.measures().spike_rate for name in ("ndsnn", "dense"))
formula = R_s * density / R_d
assert formula == metrics.relative_cost(R_s, density, R_d)
spikes = ops["ndsnn"].total / ops["dense"].total
everything = sum(ops["ndsnn"].layers.values()) / sum(ops["dense"].layers.values())
print(f"~ formula {100 * formula:.1f} %; synaptic operations {100 * spikes:.1f} %,", end=" ")
print(f"with the pixels {100 * everything:.1f} % of dense")

# %% [markdown]
# ERK left the small second layer far denser than the first, and only that one sees spikes. One
# number for all layers hides it. (And this is the *end* of training: see exercise 3.)
#
# ## Bytes
# NDSNN III-D counts, for $(1 − θ)N$ active weights, a weight and $T$ gradients of $b_w$ bits, an
# index of $b_{idx}$ bits (32 each), and $F_l + 1$ row starts in each layer of $F_l$ neurons.
# **Predict**: what does a training program hold that is not in it?

# %%
T, weights = run.network.time_steps, [p for p in run.network.parameters() if p.prunable]
active, rows = sum(p.active for p in weights), sum(p.shape[0] + 1 for p in weights)
paper = ((1 + T) * 32 + 32) * active / 8 + 32 * rows / 8
assert paper == metrics.paper_bytes(weights, T)
held = runs["ndsnn"].network.bytes_held()
buffers = held.pop("buffers")
print(f"~ paper {paper:,.0f} B; held {sum(held.values()):,} B: {held}")
print(f"~ activations of {n} samples: {buffers:,} B, as many as for the dense network")

# %% [markdown]
# One gradient and not T, but a momentum, and a second index for $W^T$ (tutorial 7). And
# activations, which no sparsity of weights makes smaller.
#
# ## Joules
# ESL's Table 1 multiplies *connections* by 17.86 pJ (a graphics card: 250 W / 14 TFLOPS) or by 12.5
# pJ (TrueNorth, a chip for spikes), as if each connection worked once in an inference. **Predict**:
# a connection from a neuron that fires in a quarter of 4 steps works how often?

# %%
for name, run in runs.items():
    e = energy(run.network, ops[name], samples=n)
    by_hand = (ops[name].real * PER_FLOP + ops[name].total * PER_SOP) / n
    assert np.isclose(e["counted"], by_hand)
    as_paper, count = 1e9 * e["paper_gpu"], 1e9 * e["counted"]
    print(f"~ {name}: by connections {as_paper:.0f} nJ, counted {count:.0f} nJ")
print(f"~ R · T = {T * R_s:.2f} spikes a neuron and picture")

# %% [markdown]
# Here both agree, by luck: pixels work once, and hidden neurons fire about once. With rarer spikes,
# or in a convolution, where a weight works at each pixel, they are far apart.
#
# ## Seconds
# The same training step, of a network 784-512-512-10, at falling density: what is left of the dense
# network's operations, of its bytes, and of its time? **Predict** which falls least.

# %%
densities, left, steps = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01), [], []
for density in (1, *densities):
    words = ["method.name=dense"] if density == 1 else [f"method.final_sparsity={1 - density}"]
    words = ["method.name=static", *words, "model.name=custom", "model.layers=512-512"]
    run = Run(load_config(None, words))
    batch = next(run.batches(0))
    run.network.loss_and_backward(batch)
    run.method.update(0, run.optimiser, 0.0)  # makes the momentum; learning rate 0
    amount = sum(run.network.measures().operations.layers.values())
    held = run.network.bytes_held()
    left.append([amount, sum(held.values()) - held["buffers"], np.inf])
    steps.append((run, batch))
for _ in range(15):  # in turn, and the best counts: disturbances only add
    for row, (run, batch) in zip(left, steps, strict=True):
        start = time.process_time()
        run.network.loss_and_backward(batch)
        run.method.update(0, run.optimiser, 0.0)
        row[2] = min(row[2], time.process_time() - start)
left = 100 * np.array(left[1:]) / left[0]
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for values, title in zip(left.T, ("operations", "bytes held", "processor time"), strict=True):
    ax.loglog(100 * np.array(densities), values, "o-", label=title)
ax.loglog([1, 50], [1, 50], ":", color="grey", label="density")
ax.set(xlabel="density (% of the weights that exist)", ylabel="left of the dense network (%)")
ax.set_title("Operations follow the density; the clock stops following")
ax.xaxis.set_major_formatter("{x:g}")
ax.yaxis.set_major_formatter("{x:g}")
ax.legend()
for density, row in zip(densities, left, strict=True):
    print(
        f"~ density {density:4}:", *(f"{part:5.1f} %" for part in row), "(operations, bytes, time)"
    )

# %% [markdown]
# Bytes fall later, because a sparse weight needs its indices. Time falls with the density only
# until what is left no longer depends on the weights: neurons, normalisation, activations, calling
# the code.
# ## What goes wrong
# - **"FLOPs" that are connections** (ESL's Table 1): no input, no time step, no spike is in them.
# - **An average of spike rates** hides the layer in which the work is done.
# - **A saving by formula, trained with masks**: the dense matrix is stored and multiplied all the
#   same.
# - **One measurement of time.** Measure in turn, many times; the fastest says what the code can do.
#
# **Summary.** [Operations](../nsnn/operations.py) are spikes × fan-out, layer by layer; pixels are
# multiply-adds, once. Bytes follow with an overhead of indices, seconds until overheads win. Say
# which one you mean.
# ## Exercises
# 1. ESL's Table 1 has 1.84 µJ on a graphics card and 1.29 µJ on TrueNorth for 103,040 connections,
#    and the text says "about one order of magnitude". Which constants are these? Which factor is
#    it?
# 2. A conventional network does one multiply-add for each connection. Up to which $R·T$ does a
#    spiking one take less energy, with the constants above?
# 3. Which part of the weights has NDSNN on *average*: 80 to 95 % sparsity, rounds until ¾ of a run?
#
# <details><summary>Solutions</summary>

# %%
for joules, constant in ((1.84e-6, PER_FLOP), (1.29e-6, PER_SOP)):  # 1: a factor of 1.43
    assert np.isclose(joules / 103_040, constant, rtol=0.01)
assert np.isclose(PER_FLOP / PER_SOP, 1.43, atol=0.01)  # 2: R T · 12.5 = 17.86
plan = METHODS["ndsnn"].cost_plan(METHODS["ndsnn"].Config(), RunLength(100, 10))
expected = 0.75 * (0.05 + 0.15 / 4) + 0.25 * 0.05  # 3: rounds end at three quarters
assert np.isclose(plan.density.mean(), expected, atol=0.002)

# %% [markdown]
# </details>
