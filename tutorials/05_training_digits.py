# %% [markdown]
# # 5 · Ten digits
#
# **You will be able to** train a spiking network on images, by hand and by the engine.
#
# **Question.** What does [tutorial 3](pages/03_surrogate_bptt.md) lack to read digits?

# %%
import matplotlib.pyplot as plt
import numpy as np

from nsnn.data import batches, load
from nsnn.losses import cross_entropy
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.optim import SGD

# %% [markdown]
# ## The data, and how an image becomes a current
#
# *Glyphs* are digits that nsnn draws from the fonts of matplotlib, tilted and noisy; the test has
# fonts that training never sees. *Direct coding*: the image itself, scaled to mean 0 and standard
# deviation 1, is the input x at each of T time steps. A column of x is one of B images, a *batch*.

# %%
data, T, hidden, seeds = load("glyphs"), 4, 100, (0, 1)  # seeds: of the weights, of the order
neuron = from_preset("ndsnn", time_steps=T)  # decay 0.5, threshold 1, reset detached
print(f"{len(data.train):,} training images of {data.shape}, {len(data.test):,} to test")

# %% [markdown]
# ## The network
#
# ```
# I = W1 x + b1                      constant in time; drives LIF neurons, v[t] and o[t]
# score = mean_t (W2 o[t] + b2)      the readout has no spikes; the largest score wins
# L = -ln softmax(score)[label]      cross-entropy, mean over samples; softmax(z) = e^z / Σ e^z
# ```


# %%
def forward(weights, images):
    """Input (784, B), membranes and spikes (T, 100, B), score (10, B) of bytes (B, 1, 28, 28)."""
    W1, b1, W2, b2 = weights
    x = ((images / 255 - data.mean) / data.std).reshape(len(images), -1).T
    I = W1 @ x + b1[:, None]
    v, o = np.zeros((2, T, *I.shape))
    for t in range(T):
        v[t] = neuron.decay * v[t - 1] + I - neuron.threshold * o[t - 1]
        o[t] = v[t] >= neuron.threshold
    return x, v, o, W2 @ o.mean(axis=0) + b2[:, None]


# %% [markdown]
# ## The gradient
#
# Three things are new. `dL/dscore = softmax(score) - one_hot` (1 at the label, else 0).
# The score is a mean over time, so each step gets 1/T of that. And x is the same at all steps, so
# dL/dW1 needs only the *sum* of epsilon over them. An update takes off `lr`, the learning rate,
# times the *momentum*, a fading sum of gradients. **Predict:** what is the loss if all classes seem
# equally likely? What part of unknown fonts is read after an *epoch*, one look at each image?


# %%
def gradients(weights, images, labels):
    """The loss and its gradient in each of the weights."""
    x, v, o, score = forward(weights, images)
    p = np.exp(score - score.max(axis=0))
    p /= p.sum(axis=0)  # softmax
    one_hot = np.eye(10)[:, labels]
    loss = -np.log((p * one_hot).sum(axis=0)).mean()
    error = (p - one_hot) / labels.size  # the derivative of the loss in the score
    delta = weights[2].T @ error / T  # NDSNN Eq. 2a
    phi = 1 / (1 + (np.pi * (v - neuron.threshold)) ** 2)
    epsilon = total = 0
    for t in reversed(range(T)):
        epsilon = delta * phi[t] + neuron.decay * epsilon  # NDSNN Eq. 2b, reset detached
        total = total + epsilon
    return loss, (total @ x.T, total.sum(axis=1), error @ o.mean(axis=0).T, error.sum(axis=1))


def train(lr):
    """One epoch from weights in ±1/√inputs: the losses, and the weights at its end."""
    rng, losses, n = np.random.default_rng(seeds[0]), [], hidden
    sizes = (((n, 784), 784), (n, 784), ((10, n), n), (10, n))  # W1, b1, W2, b2
    weights = [rng.uniform(-1, 1, shape) / np.sqrt(inputs) for shape, inputs in sizes]
    momentum = [np.zeros_like(w) for w in weights]
    for batch in batches(data.train, 64, np.random.default_rng(seeds[1]), drop_last=True):
        loss, slopes = gradients(weights, batch.images, batch.labels)
        for w, m, g in zip(weights, momentum, slopes, strict=True):
            m[...] = 0.9 * m + g
            w -= lr * m
        losses.append(loss)
    return losses, weights


losses, weights = train(lr := 0.02)
right = np.mean(forward(weights, data.test.images)[-1].argmax(axis=0) == data.test.labels)
print(f"~ loss {losses[0]:.2f} (ln 10: {np.log(10):.2f}), then {losses[-1]:.2f}; {right:.1%} read")

# %% [markdown]
# ## The same in the engine
#
# `build` reads `"100"` as one layer of 100 spiking neurons, and adds the readout. It draws the
# weights in the same order from the same generator.


# %%
def train_engine(lr, epochs=1, dtype=float):
    """As `train`: losses, network, and accuracy in training and in test after each epoch."""
    net = build(str(hidden), neuron, data.shape, 10, np.random.default_rng(seeds[0]), dtype=dtype)
    net.normalise(data.mean, data.std)
    optimiser, losses, accuracy = SGD(net.parameters(), momentum=0.9), [], []
    order = np.random.default_rng(seeds[1])
    for _ in range(epochs):
        for batch in batches(data.train, 64, order, drop_last=True):
            losses.append(net.loss_and_backward(batch)[0])
            optimiser.step(lr)
        right = (net.predict(s.images) == s.labels for s in (data.train, data.test))
        accuracy.append([100 * np.mean(r) for r in right])
    return losses, net, accuracy


engine_losses, net, _ = train_engine(lr)
np.testing.assert_allclose(engine_losses[:10], losses[:10], rtol=1e-12)
pairs = zip(net.parameters(), weights, strict=True)
apart = max(np.abs(p.data - w).max() for p, w in pairs)
print(f"~ {len(losses)} steps later the weights differ by {apart:.0e} at most")

# %% [markdown]
# Now for longer, and in 32-bit numbers, which are faster. **Predict:** what do the accuracies on
# training and on test images do from epoch to epoch?

# %%
_, net, accuracy = train_engine(lr=0.05, epochs=10, dtype=np.float32)
fig, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
ax.plot(range(1, 11), accuracy, "o-", label=["training fonts", "test fonts"])
ax.set(xlabel="epochs (looks at each training image)", ylabel="digits read correctly (%)")
ax.set_title("It learns its own fonts nearly by heart, others less well", loc="left")
ax.legend(frameon=False)
ax.grid(alpha=0.3)

# %% [markdown]
# ## What goes wrong: two correct programs part
#
# Both programs are right, yet they round differently in the sixteenth digit. **Predict:** how far
# are their weights apart after the same epoch at other learning rates?

# %%
for lr in (0.01, 0.03, 0.1, 0.3):
    _, net_64, _ = train_engine(lr)
    pairs = zip(net_64.parameters(), train(lr)[1], strict=True)
    print(f"~ lr = {lr}: {max(np.abs(p.data - w).max() for p, w in pairs):.0e}")

# %% [markdown]
# At a high learning rate each step enlarges a small difference, until a neuron fires in one program
# only. So compare programs over few steps, and accuracies by means over seeds, never by two runs.
#
# ## Summary
#
# - New are encoding, readout and loss; the backward pass is NDSNN Eqs. 2a to 2c.
# - A constant input is multiplied once for all time steps, forward and backward.
# - From here: `nsnn train --set method.name=dense --set model.name=custom --set model.layers=100`
# - Next: [images with a neighbourhood: convolution](pages/06_convolution.md)
#
# ## Exercises
#
# 1. **Read early.** How much of the accuracy is there after 1, 2, 3 time steps?
# 2. **Count.** A spike costs the readout one addition a class. How many replace how many products?
# 3. **Sure.** One class has the score 10, the others 0. What is the loss if it is right, if not?
#
# <details><summary>Solution 1</summary>

# %%
W1, b1, W2, b2 = (p.data for p in net.parameters())
_, _, o, _ = forward((W1, b1, W2, b2), data.test.images)
early = [(W2 @ o[:t].mean(axis=0) + b2[:, None]).argmax(axis=0) for t in range(1, T + 1)]
right = [np.mean(found == data.test.labels) for found in early]
assert abs(100 * right[-1] - accuracy[-1][1]) < 1
print(f"~ after 1 to {T} steps:", *(f"{r:.1%}" for r in right))

# %% [markdown]
# </details><details><summary>Solution 2</summary>

# %%
net.predict(data.test.images, batch_size=2000)
additions = net.measures().operations.layers["linear2.weight"]
assert additions == 10 * np.count_nonzero(net.layers()[2].s)
print(f"~ {additions:,} additions in place of {10 * o.size:,} multiply-adds")

# %% [markdown]
# </details><details><summary>Solution 3</summary>

# %%
score = np.where(np.arange(10) == 3, 10.0, 0.0)[:, None, None]  # (classes, T, samples)
for label, loss in ((3, np.log(1 + 9 * np.exp(-10))), (5, np.log(np.exp(10) + 9))):
    np.testing.assert_allclose(cross_entropy(score, np.array([label]))[0], loss)

# %% [markdown]
# </details>
