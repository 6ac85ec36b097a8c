# %% [markdown]
# # 4 · How to check a gradient that does not exist
#
# **You will be able to** check any backward pass, and find the layer that a bug sits in.
#
# **Question.** The true gradient of a spiking network is zero ([2](pages/02_true_gradient.md)), and
# a wrong one trains ([3](pages/03_surrogate_bptt.md)). How can we know that one is right?

# %%
import dataclasses
import functools

import matplotlib.pyplot as plt
import numpy as np

import nsnn
from nsnn import surrogate
from nsnn.data import Batch
from nsnn.gradcheck.differences import slopes
from nsnn.layers import Conv2d
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.reference.lif import lif_backward, lif_forward

# %% [markdown]
# ## What is linear: the adjoint test
#
# Forward, a linear layer is a matrix, `y = A x`; backward it must be the transpose. Nobody has to
# write the matrix down to test that: `⟨A x, z⟩ = ⟨x, Aᵀ z⟩` for all x and z, where
# `⟨a, b⟩ = Σ a · b`. So draw them at random and compare two numbers. **Predict:** the leaky
# membrane without spikes, `v[t] = decay · v[t-1] + I[t]`, is such an A. In which direction of time
# does Aᵀ run?


# %%
def leak(I, decay=0.8):
    """v (T,) of a neuron that never fires."""
    v = np.zeros_like(I)
    for t in range(I.size):
        v[t] = decay * v[t - 1] + I[t]
    return v


rng = np.random.default_rng(4)
x, z = rng.normal(size=(2, 30))
for name, transposed in (("forwards", leak(z)), ("backwards", leak(z[::-1])[::-1])):
    print(f"Aᵀ {name} in time: {leak(x) @ z:.6f} and {x @ transposed:.6f}")
np.testing.assert_allclose(leak(x) @ z, x @ transposed, rtol=1e-12)

# %% [markdown]
# This is why backpropagation through time walks backwards.
#
# ## What fires: a network that is smooth
#
# `phi` is the exact derivative of a smooth step, its primitive. So let the neurons fire with that
# primitive, and leave the backward pass *as it is*: now it claims to be the true gradient of a
# smooth function. A finite difference can say whether it is: for weights W, any direction D and a
# small h, `(L(W + h D) - L(W - h D)) / 2h = ⟨dL/dW, D⟩`.

# %%
T, neuron = 8, from_preset("ndsnn", decay=0.8, detach_reset=False)
s, W1, W2 = rng.random((5, T)) < 0.5, rng.normal(0, 1, (6, 5)), rng.normal(0, 1, (2, 6))
smooth = functools.partial(surrogate.primitive, neuron.surrogate)


def run(W1, **held):
    """Loss, dL/dW1: 6 smooth neurons; mean_t of W2 o (2,) should be 1. `held`: exercise 3."""
    v, o = lif_forward((W1 @ s)[..., None], neuron, smooth, **held)  # (6, T, 1)
    error = (W2 @ o[..., 0]).mean(axis=1) - 1
    delta = np.repeat((W2.T @ error)[:, None, None], T, axis=1) / T
    epsilon = lif_backward(delta, v, o, neuron)
    return error @ error / 2, epsilon[..., 0] @ s.T


def difference(h, **held):
    """The left side of the equation."""
    return (run(W1 + h * D, **held)[0] - run(W1 - h * D, **held)[0]) / (2 * h)


D = rng.normal(size=W1.shape)
right_side = np.vdot(run(W1)[1], D)
engine = slopes(lambda: run(W1)[0], W1, run(W1)[1], [D], step=1e-6)  # nsnn's: both sides
np.testing.assert_allclose(np.ravel(engine), [difference(1e-6), right_side])
print(f"finite difference {difference(1e-6):.6f}, backward pass {right_side:.6f}")

# %% [markdown]
# **Predict:** how does the difference of the two depend on h? Is smaller always better? And what if
# the backward pass has a bug of 1 %?

# %%
steps = np.logspace(-12, 0, 60)
numeric = np.array([difference(h) for h in steps])
fig, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
for factor, label in ((1.01, "backward pass 1 % too large"), (1, "correct backward pass")):
    ax.loglog(steps, abs(numeric / (factor * right_side) - 1), label=label)
ax.set(xlabel="step h of the finite difference", ylabel="relative difference of the two")
ax.set_title("Left: rounding. Right: Taylor's remainder. h near 1e-6 is best", loc="left")
ax.legend(frameon=False)
ax.margins(x=0)

# %% [markdown]
# On the right the finite difference is wrong by the remainder of Taylor's series, about `h²`; on
# the left by rounding: L is known to 16 digits, and the error is divided by h. Between them a bug
# of 1 % stands out.
#
# ## The engine, and a bug to find
#
# `nsnn.check_network` does this to the input, the weights and the *biases* (a bias is added to each
# current of a neuron): it exchanges the step that fires, and checks the compiled backward pass that
# training uses, in 64-bit numbers.

# %%
neuron = dataclasses.replace(neuron, time_steps=5)
net = build("12-8", neuron, (1, 4, 4), 3, rng, dtype=float)  # 16 - 12 - 8 - 3, two spiking layers
for p in net.parameters():
    p.data *= 3  # currents that reach the threshold
batch = Batch(rng.random((6, 1, 4, 4)), rng.integers(0, 3, 6))
assert all(result.passed for result in nsnn.check_network(net, batch))
print("all gradients are right:", *(layer.name for layer in net.layers()))

# %% [markdown]
# Now we plant a bug: what the first spiking layer passes back is 1 % too large. **Predict** which
# of the gradients of linear1, linear2 and linear3 are still right. (Which way does the error flow?)

# %%
lif1, lif2 = net.layers()[2], net.layers()[4]
honest = lif1.backward
lif1.backward = lambda dy: 1.01 * honest(dy)
results = nsnn.check_network(net, batch)
print(*(f"{result.layer}: {'right' if result.passed else 'WRONG'}" for result in results), sep="\n")

# %% [markdown]
# The error meets linear3, lif2, linear2, lif1, linear1 in this order. What comes before the bug is
# right, what comes after it wrong; so the table of a broken network names the layer.
#
# ## What goes wrong: a check that sees only zeros
#
# The bug is still there. We make all weights small, take the rectangle, whose phi is 0 away from
# the threshold, and look at the error alone. **Predict:** does that find the bug?

# %%
for lif in (lif1, lif2):
    lif.neuron = dataclasses.replace(neuron, surrogate="rectangle")
for p in net.parameters():
    p.data *= 0.01
result = nsnn.check_network(net, batch)[0]
print(f"{result.layer}: error {result.error}, so this check says: right is {result.error < 1e-6}")
print(f"{result.live:.0%} of the gradient is not zero, so nsnn says: right is {result.passed}")
assert not result.passed

# %% [markdown]
# 0 equals 0. A check has to show that it *could* have failed: nsnn asks that the gradient is not
# zero and that an error of 1 % in it would be noticed.
#
# ## Summary
#
# - Linear: ⟨A x, z⟩ = ⟨x, Aᵀ z⟩. Spiking: fire with the primitive, keep the backward pass, compare
#   it with a central difference, h near 1e-6, in 64-bit numbers.
# - Break the code once, on purpose, and see the check fail. `nsnn gradcheck` checks all of nsnn.
# - Next: [ten digits](pages/05_training_digits.md).
#
# ## Exercises
#
# 1. **Convolution** ([6](pages/06_convolution.md)) is linear in its input and in its weight. Test
#    both gradients of a `Conv2d`; its arrays are (channels, height, width, T, samples).
# 2. **True spikes.** With true spikes the loss is *still* smooth in W2. Why? Check dL/dW2.
# 3. **Detached.** With `detach_reset=True` the check of `run` fails although the code is right.
#    Which side is to be mended? (`lif_forward(…, held=o)` resets by given spikes `o`.)
#
# <details><summary>Solution 1</summary>

# %%
conv = Conv2d(2, 3, kernel=3, rng=rng, padding=1, dtype=float, bias=False)
x, z = rng.normal(size=(2, 6, 6, 4, 1)), rng.normal(size=(3, 6, 6, 4, 1))
y, dx = conv.forward(x), conv.backward(z)
np.testing.assert_allclose(np.vdot(y, z), np.vdot(x, dx), rtol=1e-12)
np.testing.assert_allclose(np.vdot(y, z), np.vdot(conv.weight.data, conv.weight.gradient))

# %% [markdown]
# </details><details><summary>Solution 2</summary>

# %%
rates = lif_forward((W1 @ s)[..., None], neuron)[1].mean(axis=(1, 2))  # no spike sees W2
D2 = rng.normal(size=W2.shape)
above, below = (np.sum((W @ rates - 1) ** 2) / 2 for W in (W2 + 1e-6 * D2, W2 - 1e-6 * D2))
np.testing.assert_allclose((above - below) / 2e-6, (W2 @ rates - 1) @ D2 @ rates, rtol=1e-6)

# %% [markdown]
# </details><details><summary>Solution 3</summary>

# %%
neuron = dataclasses.replace(neuron, detach_reset=True)
_, o = lif_forward((W1 @ s)[..., None], neuron, smooth)  # held in the difference
right_side = np.vdot(run(W1)[1], D)
assert abs(difference(1e-6) / right_side - 1) > 1e-3
assert abs(difference(1e-6, held=o) / right_side - 1) < 1e-6

# %% [markdown]
# </details>
