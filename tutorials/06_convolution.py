# %% [markdown]
# # 6 · Convolution is a matrix product
#
# **You will be able to** write a convolution as one matrix product, forward and backward, and then
# to leave out the copy that this seems to need.
#
# **Question.** [Tutorial 5](pages/05_training_digits.md) connected every pixel with every neuron.
# What becomes of NDSNN Eqs. 2a and 2c when one small *kernel* visits every part of the image?

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from nsnn.layers import Conv2d
from nsnn.reference import conv

rng = np.random.default_rng(6)

# %% [markdown]
# ## The equation
#
# Spikes `s[c, y, x]` have channels c. Each output channel o (an index here, no spike) has a kernel
# `W[o]` of shape (channels, k, k). With `padding` rows and columns of zeros around, the current is
#
# ```
# I[o, y, x] = Σ_c Σ_dy Σ_dx W[o, c, dy, dx] · s[c, y + dy - padding, x + dx - padding]
# ```
#
# **Predict:** an image of 4 x 4, kernels of 3 x 3. How large is the output, with padding 1 and 0?


# %%
def convolve(W, s, padding):
    """The sums as they stand: W (O, C, k, k), s (C, H, W)."""
    k = W.shape[-1]
    s = np.pad(s, ((0, 0), (padding, padding), (padding, padding)))
    I = np.zeros((len(W), s.shape[1] - k + 1, s.shape[2] - k + 1))
    for o, y, x in np.ndindex(I.shape):
        I[o, y, x] = np.sum(W[o] * s[:, y : y + k, x : x + k])
    return I


s = (rng.random((2, 4, 4)) < 0.3).astype(float)
W = rng.normal(size=(3, 2, 3, 3))
for padding in (1, 0):
    print(f"padding {padding}: output {convolve(W, s, padding).shape}")

# %% [markdown]
# ## Explicit im2col
#
# Each output pixel is the dot product of a kernel with a patch. Write the patches side by side,
# each as a *column* in the order (c, dy, dx), and a kernel as a row: the convolution is one
# product. **Predict** the shape of the matrix of patches, for padding 1.


# %%
def im2col(s, k, padding):
    """Patches of k x k pixels of s (C, H, W) as columns (C·k·k, Ho·Wo)."""
    s = np.pad(s, ((0, 0), (padding, padding), (padding, padding)))
    Ho, Wo = s.shape[1] - k + 1, s.shape[2] - k + 1
    rows = [s[c, dy : dy + Ho, dx : dx + Wo] for c, dy, dx in np.ndindex(len(s), k, k)]
    return np.reshape(rows, (len(rows), Ho * Wo))


patches = im2col(s, 3, 1)
current = W.reshape(3, -1) @ patches
np.testing.assert_allclose(current, convolve(W, s, 1).reshape(3, -1), rtol=1e-12, atol=1e-12)
engine = conv.im2col(s[..., None], 3, 3, 1, 1)  # kernel 3 x 3, stride 1, padding 1
np.testing.assert_array_equal(patches, engine.reshape(patches.shape))
print(f"patches {patches.shape}: {patches.size / s.size:.0f} times the memory of the image")

# %% [markdown]
# ## Implicit im2col
#
# Nothing in that matrix is new: each entry is a pixel, or a zero beyond the border. So keep no
# copies but *addresses*: im2col of the pixels' numbers. **Predict:** how often does a pixel in the
# middle of the image turn up in the matrix, how often one in the corner?

# %%
numbers = np.arange(1, 17).reshape(1, 4, 4)  # one channel; 0 stands for the border
address = im2col(numbers, 3, 1)
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
colours = np.select([address == 0, address == 1, address == 6], [0, 2, 3], default=1)
ax.imshow(colours, cmap=ListedColormap(["white", "gainsboro", "orange", "skyblue"]), aspect="auto")
ax.set_yticks(range(9), [f"{dy}, {dx}" for dy, dx in np.ndindex(3, 3)])
ax.set_xticks(range(16), range(1, 17))
ax.set(xlabel="output pixel (column of the matrix)", ylabel="dy, dx (row of the matrix)")
ax.set_title("Pixel 6 lies in nine patches, pixel 1, a corner, in four", loc="left")
for (row, column), number in np.ndenumerate(address):
    ax.text(column, row, number or "·", ha="center", va="center", fontsize=8)

# %% [markdown]
# Write W as (O, C·k·k), a kernel a row. A synapse is one entry `W[o, j]`; row j of the addresses
# says which pixels it serves. A weight of zero costs nothing: its row is not fetched. Addresses are
# the same for all output channels, time steps and samples; nsnn computes them as it goes. The last
# line is for VGG-16, a well-known network of 13 convolutions, in 32-bit numbers.


# %%
def implicit(W, s, k, padding):
    """W (O, C·k·k), s (C, H, W) -> I (O, Ho·Wo), synapse by synapse, without patches."""
    address = im2col(np.arange(1, s.size + 1).reshape(s.shape), k, padding)
    pixels = np.append(0, s)  # pixel 0 is the border
    I = np.zeros((len(W), address.shape[1]))
    for o, j in zip(*np.nonzero(W), strict=True):
        I[o] += W[o, j] * pixels[address[j]]
    return I


sparse = np.where(rng.random((3, 18)) < 0.3, W.reshape(3, 18), 0)
layer = Conv2d(2, 3, kernel=3, rng=rng, padding=1, dtype=float, bias=False)
layer.weight.data[...] = sparse
layer.weight.sparsify(np.flatnonzero(sparse))  # from now on stored as CSR, see tutorial 7
current = layer.forward(s[..., None, None]).reshape(3, 16)  # the engine's axes: C, H, W, T, B
np.testing.assert_allclose(current, implicit(sparse, s, 3, 1), rtol=1e-12, atol=1e-12)
print(f"{np.count_nonzero(sparse)} of {sparse.size} synapses: equal to the engine's")
size = 64 * 32 * 32 * 4 * 128 * 4 / 1e9  # channels, pixels, T, samples, bytes of a float
print(f"second layer of VGG-16: image {size:.2f} GB, its patches {9 * size:.2f} GB")

# %% [markdown]
# ## Backward
#
# With S for the matrix of patches it is `I = W S`, and so the gradients are as in tutorial 3:
#
# - 2c: `dL/dW = epsilon Sᵀ`, a sum over output pixels now, too, since they share the weight;
# - 2a: `dL/dS = Wᵀ epsilon`, one number for each entry of S. A pixel's delta is the sum of what its
#   patches say: *col2im*, the transpose of im2col.


# %%
def col2im(columns, shape, k, padding):
    """Add the entries of patches (C·k·k, Ho·Wo) to the pixels (C, H, W) that they came from."""
    address = im2col(np.arange(1, np.prod(shape) + 1).reshape(shape), k, padding)
    pixels = np.zeros(1 + np.prod(shape))
    np.add.at(pixels, address, columns)
    return pixels[1:].reshape(shape)  # without the border


epsilon = rng.normal(size=(3, 16))
delta = col2im(sparse.T @ epsilon, s.shape, 3, 1)
engine = layer.backward(epsilon.reshape(3, 4, 4, 1, 1))
np.testing.assert_allclose(engine[..., 0, 0], delta, rtol=1e-12, atol=1e-12)
stored = layer.weight.positions()
np.testing.assert_allclose(layer.weight.gradient, (epsilon @ patches.T).flat[stored], atol=1e-12)
print("dL/dW and delta are equal to the engine's")

# %% [markdown]
# ## What goes wrong: += forgets
#
# `pixels[address] += columns` looks like col2im. **Predict:** with 1 in all columns it should count
# in how many patches a pixel lies. What does it give?

# %%
right, wrong = col2im(np.ones((9, 16)), (1, 4, 4), 3, 1), np.zeros(17)
wrong[address] += 1
print("np.add.at, first row:", right[0, 0], "\n+=, first row:       ", wrong[1:5])

# %% [markdown]
# NumPy fetches all pixels, adds 1 to each copy, and stores the copies over one another; no warning.
# The adjoint test of [tutorial 4](pages/04_checking_gradients.md) finds it (exercise 2).
#
# ## Summary
#
# - im2col makes a convolution the product W S; 2a and 2c stay, followed by col2im, which adds.
# - S need not exist: a synapse, in nsnn too, knows the addresses of its pixels.
# - Next: [storing only the weights that are there](pages/07_sparse_weights.md)
#
# ## Exercises
#
# 1. **Stride.** With stride 2 only every second patch is used, both ways. How large is the output
#    for an image of n pixels? Which columns of S stay?
# 2. **Adjoint.** Test col2im against im2col with ⟨A x, z⟩ = ⟨x, Aᵀ z⟩.
# 3. **1 x 1.** What is a convolution with a kernel of one pixel, in words of linear algebra?
#
# <details><summary>Solution 1</summary>

# %%
engine = conv.im2col(s[..., None], 3, 3, 2, 1)[..., 0]  # stride 2: (n + 2 · padding - k) // 2 + 1
assert engine.shape[1:] == ((4 + 2 - 3) // 2 + 1,) * 2 == (conv.output_size(4, 3, 2, 1),) * 2
np.testing.assert_array_equal(engine, patches.reshape(18, 4, 4)[:, ::2, ::2])

# %% [markdown]
# </details><details><summary>Solution 2</summary>

# %%
x, z = rng.normal(size=s.shape), rng.normal(size=patches.shape)
np.testing.assert_allclose(np.vdot(im2col(x, 3, 1), z), np.vdot(x, col2im(z, s.shape, 3, 1)))

# %% [markdown]
# </details><details><summary>Solution 3</summary>

# %%
V = rng.normal(size=(3, 2))
current = convolve(V[..., None, None], s, 0)  # one matrix for all pixels: V s
np.testing.assert_allclose(current, np.tensordot(V, s, axes=1), rtol=1e-12, atol=1e-12)

# %% [markdown]
# </details>
