# %% [markdown]
# # 3 · Backpropagation through time, by hand
#
# **You will be able to** derive and write the backward pass of a spiking network: fifteen lines.
#
# **Question.** The loss looks at output spikes. How much should a weight one layer earlier change,
# for what it did many time steps earlier?

# %%
import dataclasses

import matplotlib.pyplot as plt
import numpy as np

from nsnn import surrogate
from nsnn.layers import LIF, Linear, Sequential
from nsnn.neuron import from_preset
from nsnn.reference.lif import lif_backward, lif_forward

# %% [markdown]
# ## Forward (NDSNN Eqs. 1a to 1c)
#
# Two layers of the neurons of [tutorial 1](pages/01_lif_neuron.md); one row a neuron, one column a
# time step. `W1 @ s` is the first layer's current at *all* steps: only the membrane looks back.

# %%
T, rng, target = 12, np.random.default_rng(1), np.array([2, 7])  # spikes wanted of two neurons
neuron = from_preset("ndsnn", decay=0.8, time_steps=T)
s = (rng.random((5, T)) < 0.4).astype(float)  # input spikes of 5 neurons
W1, W2 = rng.normal(0.3, 0.6, (6, 5)), rng.normal(0.3, 0.6, (2, 6))  # 5 -> 6 -> 2 neurons


def lif(I):
    """Membranes and spikes (N, T) for currents (N, T)."""
    v, o = np.zeros_like(I), np.zeros_like(I)
    for t in range(T):
        v[:, t] = neuron.decay * v[:, t - 1] + I[:, t] - neuron.threshold * o[:, t - 1]
        o[:, t] = surrogate.spike(v[:, t] - neuron.threshold)
    return v, o


v2, o2 = lif(W2 @ lif(W1 @ s)[1])
print(f"output spikes {o2.sum(axis=1).astype(int)}, wanted {target}")

# %% [markdown]
# ## Backward through a neuron (NDSNN Eq. 2b)
#
# Two letters: `delta[t] = dL/do[t]`, what a spike would do to the loss; `epsilon[t] = dL/dv[t]`,
# what a change of the membrane would. To get from one to the other, ask where `v[t]` goes:
#
# - into its own spike, `do[t]/dv[t] = phi[t]`, the surrogate of tutorial 2 at `v[t] - threshold`;
# - into the next membrane, by what the leak leaves and by the reset, since `o[t]` moves with
#   `v[t]`: `dv[t+1]/dv[t] = decay - threshold · phi[t]`.
#
# The chain rule adds the two ways. Nothing follows the last step, so we begin there:
#
# ```
# epsilon[t] = delta[t] · phi[t] + (decay - threshold · phi[t]) · epsilon[t+1]        epsilon[T] = 0
# ```
#
# A *detached* reset (`detach_reset=True`) leaves `threshold · phi` out: we choose not to see that a
# spike, by its reset, also changes what follows. (The paper prints `epsilon[t]` on both sides; t+1
# is meant.)
#
# **Predict:** the decay is 0.8 and phi is 1 at all steps. One unit of delta comes at the last step.
# What is epsilon one step before, with the reset detached, and not?


# %%
def back(delta, v, detached, order=reversed):
    """epsilon (N, T) from delta and v (N, T); another `order` of time than reversed is a bug."""
    phi = surrogate.derivative(neuron.surrogate, v - neuron.threshold)
    epsilon, later = np.zeros_like(delta), 0
    for t in order(range(delta.shape[1])):
        carry = neuron.decay - (0 if detached else neuron.threshold * phi[:, t])
        later = epsilon[:, t] = delta[:, t] * phi[:, t] + carry * later
    return epsilon


last, random = np.eye(1, T, T - 1), rng.normal(size=(2, T))  # delta: 0, …, 0, 1, and anything
for detached in (True, False):
    epsilon = back(last, np.full((1, T), neuron.threshold), detached)[0]
    print(f"reset {'detached' if detached else 'included'}: epsilon = …", *epsilon[-4:].round(3))
    changed = dataclasses.replace(neuron, detach_reset=detached)
    engine = lif_backward(random[..., None], v2[..., None], o2[..., None], changed)
    np.testing.assert_allclose(back(random, v2, detached), engine[..., 0], rtol=1e-12, atol=1e-12)

# %% [markdown]
# **Predict:** one error at the last of 24 steps, a neuron under a constant current of 0.3. How far
# back does it reach with a decay of 0.5, of 0.9? Further, or less far, if the reset is included?

# %%
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for decay, marker in ((0.5, "o"), (0.9, "s")):
    for detached, colour, word in ((True, "C0", "detached"), (False, "C1", "included")):
        n = dataclasses.replace(neuron, decay=decay, detach_reset=detached)
        epsilon = lif_backward(np.eye(24)[:, -1:], *lif_forward(np.full((24, 1), 0.3), n), n)[::-1]
        ax.plot(epsilon / epsilon[0], f"{colour}{marker}-", label=f"decay {decay}, reset {word}")
ax.set(xlabel="time steps before the error", ylabel="epsilon / epsilon at the error")
ax.set_title("The decay says how far an error reaches back; the reset shortens it", loc="left")
ax.legend(frameon=False)
ax.margins(x=0.02)

# %% [markdown]
# ## Backward through the synapses (NDSNN Eqs. 2a and 2c)
#
# A current is a product, `I = W s`, so its derivatives are products. A spike answers for every
# membrane that it reached; a weight answers for all time steps together (1, 2: the layers):
#
# - 2a: `delta_1 = W2ᵀ epsilon_2` (the paper omits the transpose),
# - 2c: `dL/dW2 = Σ_t epsilon_2[:, t] o1[:, t]ᵀ = epsilon_2 o1ᵀ`; for W1 with `epsilon_1` and `s`.
#
# With the loss `L = Σ (count - target)² / 2`, `delta_2` is `count - target` at every step.
# **Predict** the shapes of `delta_1`, `epsilon_1` and `dL/dW1`.


# %%
def gradients(W1, W2, detached, order=reversed):
    """dL/dW1, dL/dW2 and L."""
    v1, o1 = lif(W1 @ s)
    v2, o2 = lif(W2 @ o1)
    error = o2.sum(axis=1) - target
    epsilon2 = back(np.repeat(error[:, None], T, axis=1), v2, detached, order)
    epsilon1 = back(W2.T @ epsilon2, v1, detached, order)
    return epsilon1 @ s.T, epsilon2 @ o1.T, error @ error / 2


for detached in (True, False):
    changed = dataclasses.replace(neuron, detach_reset=detached)
    first, second = Linear(5, 6, rng, float, bias=False), Linear(6, 2, rng, float, bias=False)
    first.weight.data[...], second.weight.data[...] = W1, W2
    network = Sequential([first, LIF(changed, float), second, LIF(changed, float)])
    spikes = network.forward(s[..., None])  # (2, T, 1) bytes: say in which type to sum
    error = spikes.sum(axis=1, dtype=float) - target[:, None]
    network.backward(np.repeat(error[:, None], T, axis=1))
    for layer, by_hand in zip((first, second), gradients(W1, W2, detached), strict=False):
        np.testing.assert_allclose(layer.weight.gradient, by_hand, rtol=1e-12, atol=1e-12)
print("delta_1, epsilon_1", (6, T), "dL/dW1", first.weight.gradient.shape, "as in the engine")

# %% [markdown]
# ## What goes wrong: a wrong gradient trains, too
#
# We step against three gradients: detached, not detached, and one with a bug: its recursion runs
# *forwards* in time. **Predict:** which of them fails to reach L = 0?

# %%
for name, options in {"detached": (True,), "included": (False,), "bug": (True, iter)}.items():
    A, B, losses = W1.copy(), W2.copy(), []
    for _ in range(8):
        a, b, loss = gradients(A, B, *options)
        A, B, losses = A - 0.01 * a, B - 0.01 * b, [*losses, loss]
    print(f"~ {name:>8}: L =", *losses)

# %% [markdown]
# None: a network follows any arrow that points roughly downhill. A falling loss proves nothing
# about a gradient. Next: [how gradients are checked](pages/04_checking_gradients.md).
#
# ## Summary
#
# - 2b walks back in time, 2a back through the layers, 2c sums over time: three lines of NumPy.
# - The decay sets how far an error reaches; the reset's term shortens it, detaching drops the term.
#
# ## Exercises
#
# 1. **Reset to zero:** `v[t+1] = decay · v[t] · (1 - o[t]) + I[t+1]`. What is dv[t+1]/dv[t]?
# 2. **Gain.** Some neurons see `I = g · W s`. Where does g enter 2a, 2b, 2c?
# 3. **One step.** What is left of 2b if T = 1, and what does the reset change then?
#
# <details><summary>Solution 1</summary>

# %%
# decay · (1 - o[t] - v[t] · phi[t]); with the reset detached without v · phi
zero = dataclasses.replace(neuron, reset="zero", detach_reset=False)
v, o = lif_forward(rng.normal(0.5, 1, (2, 1)), zero)
delta, phi = rng.normal(size=(2, 1)), surrogate.derivative(zero.surrogate, v - zero.threshold)
first = delta[0] * phi[0] + zero.decay * (1 - o[0] - v[0] * phi[0]) * delta[1] * phi[1]
np.testing.assert_allclose(lif_backward(delta, v, o, zero)[0], first, rtol=1e-12)

# %% [markdown]
# </details><details><summary>Solution 2</summary>

# %%
strong = dataclasses.replace(neuron, gain=0.75)  # 2b as before; 2a and 2c take g · epsilon
network = Sequential([Linear(5, 2, rng, float, bias=False), LIF(strong, float)])
network.forward(s[..., None])
network.backward(random[..., None])
weight = network.parameters()[0]
v, _ = lif(strong.gain * weight.data @ s)
np.testing.assert_allclose(weight.gradient / strong.gain, back(random, v, True) @ s.T)

# %% [markdown]
# </details><details><summary>Solution 3</summary>

# %%
delta, v = random[:, :1], v2[:, :1]
assert np.array_equal(back(delta, v, True), back(delta, v, False))  # delta · phi, and nothing

# %% [markdown]
# </details>
