# %% [markdown]
# # 1 · One neuron
#
# **You will be able to** simulate a leaky integrate-and-fire (LIF) neuron in four lines of NumPy,
# read its trace, and say from two numbers how strongly it must be driven before it fires.
#
# **Question.** A neuron receives a current, a number that goes up and down. It answers with
# *spikes*: events that happen or do not. How does a number become events?

# %%
import matplotlib.pyplot as plt
import numpy as np

import nsnn
from nsnn.neuron import from_preset
from nsnn.plot import membrane_trace
from nsnn.reference.lif import lif_forward

# %% [markdown]
# ## The equation, first half: it leaks
#
# The state of the neuron is one number, its *membrane* `v`. Think of a bucket with a hole: the
# fuller it is, the faster it loses what it holds, `dv/dt = -v / tau`, with a *time constant* `tau`.
# After a time Δt a fraction `exp(-Δt / tau)` is left. We look at *time steps* t = 0, 1, 2, … only;
# then all that matters is the fraction left after one: `decay = exp(-1 / tau)`, tau in time steps.
#
# **Predict:** with `decay = 0.5` and `v = 1` at first, what is left after one time step, after two?

# %%
v, tau, dt = 1.0, -1 / np.log(0.5), 1e-4  # tau and dt in time steps
for step in (1, 2):
    for _ in range(10_000):  # the differential equation, in tiny steps
        v -= dt * v / tau
    print(f"time step {step}: v = {v:.4f}")

# %% [markdown]
# ## The equation, second half: it integrates, fires and is reset (NDSNN Eqs. 1a to 1c)
#
# [NDSNN](papers/ndsnn.md) is a paper that tutorial 8 rebuilds; this is its neuron. At each step the
# current `I[t]` is added. Where the membrane reaches the `threshold`, the neuron fires: its output
# `o[t]` is 1, otherwise 0. A spike costs it one `threshold`, taken off at the next step:
#
# ```
# v[t] = decay · v[t-1] + I[t] - threshold · o[t-1]          v[-1] = o[-1] = 0
# o[t] = 1 if v[t] >= threshold else 0
# ```
#
# So `v[t]` is the membrane *before* its reset, the value that is compared with the threshold.
#
# **Predict,** with pencil and paper: `decay = 0.5`, `threshold = 1` and a constant current of 0.75.
# What is `v` at the first four steps, and at which of them does the neuron fire?


# %%
def lif(I, decay, threshold):
    """Membrane before the reset and spikes of one neuron, for a current I (T,)."""
    v, o = np.zeros(len(I)), np.zeros(len(I), int)
    for t in range(len(I)):  # at t = 0, v[-1] and o[-1] are the last entries: still 0
        v[t] = decay * v[t - 1] + I[t] - threshold * o[t - 1]
        o[t] = v[t] >= threshold
    return v, o


v, o = lif(np.full(8, 0.75), decay=0.5, threshold=1.0)
print("v", *(f"{x:7.4f}" for x in v))
print("o", *(f"{x:7d}" for x in o))

# %% [markdown]
# ## The same in the engine
#
# The *engine* is the library nsnn. Its `Neuron` holds the constants, here NDSNN's. `lif_forward` is
# the equation in plain NumPy, for arrays whose last axes are time and sample. `nsnn.simulate` runs
# the compiled code that trains networks, on a plain array. All must agree, spikes exactly.

# %%
neuron = from_preset("ndsnn", decay=0.5, threshold=1.0)
arrivals = np.random.default_rng(1).random(24) < 0.5  # an input spike arrives …
current = 0.7 * arrivals  # … and brings a current of 0.7
v, o = lif(current, neuron.decay, neuron.threshold)
for v_other, o_other in (lif_forward(current[:, None], neuron), nsnn.simulate(current, neuron)):
    np.testing.assert_allclose(v_other.ravel(), v, rtol=1e-12, atol=1e-12)
    assert np.array_equal(o_other.ravel(), o)
print(f"{arrivals.sum()} input spikes, {o.sum()} output spikes; all three agree")

# %% [markdown]
# **Predict:** an input brings 0.7, the threshold is 1: when does it fire? Then follow the line. It
# loses half between two steps, jumps up where an input arrives, and after a spike (triangle) the
# reset takes one threshold off (dotted).

# %%
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
membrane_trace(v, o, neuron.threshold, neuron.decay, neuron.reset, ax=ax)
ax.vlines(np.flatnonzero(arrivals), -0.95, -0.85, color="black", label="input spike")
ax.set_title("It fires when inputs come close together", loc="left", fontsize=10)
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
ax.set(ylabel="membrane v (thresholds)", xmargin=0.02)
# %% [markdown]
# ## From current to rate: the f–I curve
#
# Now hold the current constant at `I`. As long as there is no spike the membrane is a geometric
# series, `v[t] = I (1 + decay + … + decay^t)`. It rises towards `I / (1 - decay)` and never passes
# it. If that limit is below the threshold, the neuron is silent for ever.
#
# **Predict:** with `decay = 0.9` and `threshold = 1`, from which current on does the neuron fire?
# And from which on at every step? We also try another neuron in use, `reset="zero"`: a spike
# empties its membrane. (`nsnn.simulate` takes many neurons at once, one a row.)

# %%
currents, rates = np.linspace(0, 1.3, 521), {}
for reset in ("subtract", "zero"):
    drive = np.repeat(currents[:, None], 2000, axis=1)  # (neurons, T)
    _, o = nsnn.simulate(drive, from_preset("ndsnn", decay=0.9, reset=reset))
    rates[reset] = o.mean(axis=1)  # spikes per time step
    first, full = currents[rates[reset] > 0][0], currents[rates[reset] > 0.999][0]
    print(f"{reset:>8}: fires from I = {first:.4f} on, at every step from I = {full:.4f} on")

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for reset, rate in rates.items():
    ax.plot(currents, rate, label=f"reset = {reset}")
ax.legend(frameon=False)
ax.set(xlabel="constant current I (thresholds per time step)", ylabel="rate (spikes per time step)")
ax.set_title("Reset to zero knows only the rates 1, 1/2, 1/3, …", loc="left", fontsize=10)
ax.margins(x=0.02)
# %% [markdown]
# At `I = (1 - decay) · threshold` = 0.1 the membrane creeps up for ever; the next current tried
# fires. To fire at every step takes `I = threshold` where a spike empties the membrane. Where it
# takes a threshold off, it is as if `I - threshold` came in: that is `I = (2 - decay) · threshold`.
#
# Why the steps? Reset to zero forgets by how much the threshold was passed: every interval between
# spikes is the same whole number k of steps, and the rate is 1/k. Subtraction hands the surplus on;
# intervals of k and k + 1 steps mix, to nearly any rate.
#
# ## What goes wrong: a spike hangs on one bit
#
# Without leak (`decay = 1`) a current of 0.1 fills the bucket in ten steps. **Predict:** does the
# neuron fire at the tenth, in 64-bit and in 32-bit numbers?

# %%
for dtype in (np.float64, np.float32):
    v = np.full(10, 0.1, dtype).cumsum(dtype=dtype)
    print(f"{dtype.__name__}: after ten steps v - 1 = {v[9] - 1:.0e}, fires: {v[9] >= 1}")

# %% [markdown]
# 0.1 has no exact binary form. Two correct programs that round differently can disagree about one
# spike, and from there on about everything. So nsnn compares its code with the equations in 64-bit
# numbers and on random inputs, where ties do not happen.
#
# ## Summary
#
# - Leak, integrate, reset: `v[t] = decay · v[t-1] + I[t] - threshold · o[t-1]`.
# - A constant current fires only if `I / (1 - decay)` exceeds the threshold.
# - Reset to zero forgets the surplus, subtraction keeps it.
#
# Next: [how should a weight change so that it fires more often?](pages/02_true_gradient.md)
#
# ## Exercises
#
# 1. **Memory.** After how many steps without input is less than 1 % of a membrane left, for a decay
#    of 0.5 and of 0.9? Find the formula, then count.
# 2. **Coincidence.** Two inputs of 0.6 arrive k steps apart, `threshold = 1`. Up to which k does
#    the neuron fire, for a decay of 0.5 and of 0.9? Derive it, then simulate.
# 3. **Reset to zero.** A spike empties the membrane: `v[t] = decay · v[t-1] · (1 - o[t-1]) + I[t]`.
#    Write it and compare with `nsnn.simulate`.
#
# <details><summary>Solution 1</summary>

# %%
for decay in (0.5, 0.9):  # decay^n < 0.01: the first n above log 0.01 / log decay
    n = int(np.log(0.01) / np.log(decay)) + 1
    v, _ = lif(np.r_[0.5, np.zeros(n)], decay, threshold=1.0)
    assert v[n] < 0.01 * v[0] <= v[n - 1]
    print(f"decay = {decay}: {n} steps")

# %% [markdown]
# </details><details><summary>Solution 2</summary>

# %%
for decay in (0.5, 0.9):  # 0.6 · decay^k + 0.6 >= 1: k <= log(0.4 / 0.6) / log decay
    k = int(np.log(0.4 / 0.6) / np.log(decay))
    pulses = 0.6 * np.eye(20) + 0.6 * np.eye(1, 20)  # row k: at step 0 and at step k
    fires = nsnn.simulate(pulses, from_preset("ndsnn", decay=decay))[1].any(axis=1)
    assert np.array_equal(fires, np.arange(20) <= k)
    print(f"decay = {decay}: up to {k} step(s) apart")

# %% [markdown]
# </details><details><summary>Solution 3</summary>

# %%
zero = from_preset("ndsnn", decay=0.5, reset="zero")
I, v, o = np.random.default_rng(2).random(50), np.zeros(50), np.zeros(50, int)
for t in range(50):
    v[t] = zero.decay * v[t - 1] * (1 - o[t - 1]) + I[t]
    o[t] = v[t] >= zero.threshold
np.testing.assert_allclose(nsnn.simulate(I, zero), (v, o), rtol=1e-12, atol=1e-12)

# %% [markdown]
# </details>
