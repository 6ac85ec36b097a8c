# %% [markdown]
# # 2 · Why the true gradient fails
#
# **You will be able to** say why a spike cannot be differentiated, what is put in the place of its
# derivative, and train the weight of a neuron with it.
#
# **Question.** A neuron with one weight `w` fires too rarely. Should `w` go up or down, and how
# far? Calculus usually answers: against the slope of the loss. Not here.

# %%
import functools

import matplotlib.pyplot as plt
import numpy as np

from nsnn import surrogate
from nsnn.neuron import from_preset
from nsnn.reference.lif import lif_backward, lif_forward

# %% [markdown]
# ## The equation
#
# The neuron of [tutorial 1](pages/01_lif_neuron.md) receives input spikes `s[t]` through `w`, so
# its current is `I[t] = w · s[t]`. It should answer with `target` spikes. Write `u` for the step
# that makes a spike, `u(x) = 1 if x >= 0 else 0`:
#
# ```
# v[t] = decay · v[t-1] + w · s[t] - threshold · o[t-1]            o[t] = u(v[t] - threshold)
# count = Σ_t o[t]            L(w) = (count - target)² / 2
# dL/dw = (count - target) · Σ_t do[t]/dw            do[t]/dw = u'(v[t] - threshold) · dv[t]/dw
# ```

# %%
neuron = from_preset("ndsnn", decay=0.8)  # threshold 1, reset by subtraction
s = (np.random.default_rng(2).random(20) < 0.5).astype(float)  # input spikes, 20 time steps
target = 6


def run(w, fire=surrogate.spike):
    """Membranes and outputs, both (T, W), of many weights w (W,) at once; `fire` is u."""
    v, o = np.zeros((2, s.size, len(w)))
    for t in range(s.size):
        v[t] = neuron.decay * v[t - 1] + s[t] * np.asarray(w) - neuron.threshold * o[t - 1]
        o[t] = fire(v[t] - neuron.threshold)
    return v, o


def loss(w, fire=surrogate.spike):
    """L (W,) of weights w (W,)."""
    return (run(w, fire)[1].sum(axis=0) - target) ** 2 / 2


weights = np.linspace(0, 1.4, 1401)
v, o = lif_forward(s[:, None] * weights, neuron)  # the engine's
np.testing.assert_allclose(run(weights)[0], v, rtol=1e-12, atol=1e-12)
assert np.array_equal(run(weights)[1], o)
print(f"{s.sum():.0f} input spikes; output spikes: {o[:, 0].sum()} to {o[:, -1].sum()}")

# %% [markdown]
# ## The slope, measured
#
# A finite difference `(L(w + h) - L(w - h)) / 2h` comes nearer to dL/dw the smaller h is. We
# measure it at 1000 random weights, and at one special weight, where a fifth spike becomes a sixth.
# **Predict** both columns of the table: what do the slopes tend to as h shrinks?

# %%
low, high = 0.7, 0.83  # 5 spikes and 6: halve the interval that the jump lies in
for _ in range(50):
    middle = (low + high) / 2
    low, high = (middle, high) if run([middle])[1].sum() < target else (low, middle)
places = np.append(np.random.default_rng(0).uniform(0.1, 1.3, 1000), high)
for h in (1e-2, 1e-3, 1e-4, 1e-5):
    slope = (loss(places + h) - loss(places - h)) / (2 * h)
    zero = (slope[:-1] == 0).mean()
    print(f"h = {h:.0e}: slope 0 at {zero:.1%} of the weights, {slope[-1]:.0f} at the jump")

# %% [markdown]
# Zero or infinite: a count changes in jumps. `u'(x)` is 0 wherever x ≠ 0 and does not exist at 0,
# so dL/dw is a sum of zeros. The neuron is wrong, and calculus says: stay where you are.
#
# ## The way out: a step that is smooth
#
# Put a smooth step in place of `u`: a *primitive*, which rises from 0 to 1 around 0. Its derivative
# is called a *surrogate*, `phi`. NDSNN's is `phi(x) = 1 / (1 + (π x)²)` (NDSNN Eq. 3). **Predict:**
# what is its primitive, if that is 1/2 at 0? (The third line below has the answer.) Then we
# check the five of nsnn, whose formulas are in [surrogate.py](../nsnn/surrogate.py).

# %%
x, h = np.linspace(-1.97, 2.03, 200), 1e-6
np.testing.assert_allclose(1 / (1 + (np.pi * x) ** 2), surrogate.derivative("arctan", x))
np.testing.assert_allclose(0.5 + np.arctan(np.pi * x) / np.pi, surrogate.primitive("arctan", x))
for name in surrogate.SURROGATES:
    above, below = surrogate.primitive(name, x + h), surrogate.primitive(name, x - h)
    np.testing.assert_allclose((above - below) / (2 * h), surrogate.derivative(name, x), atol=1e-8)
    phi = surrogate.derivative(name, [0, 0.25, 0.75]).round(2)
    print(f"{name:>12}: phi =", *phi, "at x = 0, 0.25, 0.75")

# %% [markdown]
# **Predict:** what does the loss look like over `w`, with `u` and with a smooth step in its place?

# %%
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name in surrogate.SURROGATES:
    ax.plot(weights, loss(weights, functools.partial(surrogate.primitive, name)), label=name)
ax.plot(weights, loss(weights), color="black", label="true spikes")
ax.set(xlabel="weight w (thresholds per input spike)", ylabel="loss L (spikes²)")
ax.set_title("Stairs have no slope; the smooth steps share one valley", loc="left")
ax.legend(frameon=False)
ax.margins(x=0)

# %% [markdown]
# ## The surrogate gradient
#
# We want to keep true spikes: they are cheap, and they are the point. So: **forward with `u`,
# backward with `phi`.** In dL/dw above only `u'` is replaced. For dv/dw differentiate the
# recursion with the reset's `o[t-1]` held constant (*detached*, see
# [tutorial 3](pages/03_surrogate_bptt.md)): `dv[t]/dw = decay · dv[t-1]/dw + s[t]`.
#
# nsnn computes the same number the other way round, from the loss back through time. `lif_backward`
# takes `delta[t] = dL/do[t]`, here `count - target` at every step, and returns
# `epsilon[t] = dL/dv[t]`, so that dL/dw is `Σ_t epsilon[t] · s[t]`.


# %%
def gradient(w, phi):
    """Surrogate gradient of the loss at one weight, and the count of spikes."""
    v, o = run([w])
    dv = np.zeros(s.size)
    for t in range(s.size):
        dv[t] = neuron.decay * dv[t - 1] + s[t]
    return (o.sum() - target) * (phi(v[:, 0] - neuron.threshold) @ dv), o.sum()


g, count = gradient(w := 0.4, functools.partial(surrogate.derivative, "arctan"))
epsilon = lif_backward(np.full((s.size, 1), count - target), *run([w]), neuron)
np.testing.assert_allclose(g, epsilon[:, 0] @ s, rtol=1e-12)
print(f"at w = {w}: {count:.0f} spikes, surrogate gradient {g:.2f}")

# %% [markdown]
# **Predict:** we step against this gradient from `w = 0.1`, where the neuron is silent, with each
# surrogate. Which of the five never arrives at six spikes? (Look at the figure, far left.)

# %%
for name in surrogate.SURROGATES:
    w, path, phi = 0.1, [], functools.partial(surrogate.derivative, name)
    for _ in range(12):
        g, count = gradient(w, phi)
        w -= 0.002 * g
        path.append(int(count))
    print(f"~ {name:>12}: spikes", *path)

# %% [markdown]
# ## What goes wrong: a surrogate that does not reach
#
# The rectangle is exactly 0 beyond half its width. A silent neuron whose membrane never comes that
# near to the threshold has the gradient 0 and stays silent for ever: the zero of the true gradient
# is back. A wider surrogate reaches further, and is less like `u`.
#
# ## Summary
#
# - The derivative of a spike is 0 or infinite; so is that of a count of spikes.
# - A surrogate `phi` is the exact derivative of a smooth step. Forward `u`, backward `phi`.
# - The result is the gradient of no function. That it leads downhill is experience, no theorem.
# - Next: [two layers, and errors that flow back in time](pages/03_surrogate_bptt.md)
#
# ## Exercises
#
# 1. **Area.** The area under each of the five `phi` is 1. Why must it be? Check it.
# 2. **Reach.** How wide must the rectangle be for a gradient at `w = 0.1`?
# 3. **Your own.** `phi(x) = max(0, 1 - x²) · 3/4` is a surrogate, too. Train with it.
#
# <details><summary>Solution 1</summary>

# %%
x = np.linspace(-50, 50, 200_001)  # the area is what the primitive gains: from 0 to 1
for name in surrogate.SURROGATES:
    assert abs(np.trapezoid(surrogate.derivative(name, x), x) - 1) < 0.01

# %% [markdown]
# </details><details><summary>Solution 2</summary>

# %%
x = run([0.1])[0] - neuron.threshold
width = 2 * np.abs(x).min()  # half of it must exceed the distance to the threshold
assert not surrogate.derivative("rectangle", x, width - 1e-6).any()
assert surrogate.derivative("rectangle", x, width + 1e-6).any()
print(f"more than {width:.2f}")

# %% [markdown]
# </details><details><summary>Solution 3</summary>

# %%
w = 0.3
for _ in range(20):
    w -= 0.002 * gradient(w, lambda x: np.maximum(0, 1 - x**2) * 3 / 4)[0]
assert run([w])[1].sum() == target

# %% [markdown]
# </details>
