"""Losses on the outputs of a network over time, with their gradients by hand.

Every loss takes outputs of shape (classes, T, B) and labels of shape (B,) and returns the mean over
the batch with its gradient. The arithmetic is float64, whatever the network computes in.
"""

import numpy as np


def _cross_entropy(logits, labels) -> tuple[float, np.ndarray]:
    """Sum of `−ln softmax(z)[y]` over the columns of z (classes, columns), and its gradient."""
    # ln softmax(z) = (z − max z) − ln Σ e^(z − max z): nothing overflows.
    shifted = logits - logits.max(axis=0)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=0)
    columns = np.arange(labels.size)
    loss = (np.log(sums) - shifted[labels, columns]).sum()
    # ∂L/∂z_k = softmax(z)_k − 1[k = y]
    gradient = exponentials / sums
    gradient[labels, columns] -= 1.0
    return float(loss), gradient


def cross_entropy(outputs, labels) -> tuple[float, np.ndarray]:
    """Cross-entropy of the time-averaged output, `CE(mean_t O[t], y)`.

    Parameters
    ----------
    outputs : ndarray of float, shape (classes, T, B)
    labels : ndarray of int64, shape (B,)

    Returns
    -------
    loss : float
        Mean over the batch.
    d_outputs : ndarray, shape (classes, T, B), dtype of `outputs`

    Examples
    --------
    >>> import numpy as np
    >>> loss, d_outputs = cross_entropy(np.zeros((2, 1, 1)), np.array([1]))
    >>> round(loss, 6), d_outputs.ravel()
    (0.693147, array([ 0.5, -0.5]))
    """
    T, B = outputs.shape[1:]
    loss, gradient = _cross_entropy(outputs.mean(axis=1, dtype=np.float64), labels)
    gradient /= T * B
    d_outputs = np.repeat(gradient[:, np.newaxis], T, axis=1)
    return loss / B, d_outputs.astype(outputs.dtype)


def tet(outputs, labels, lam=0.0) -> tuple[float, np.ndarray]:
    """Temporal efficient training: the loss of every time step, and a pull of outputs to 1.

    Source: ESL Eq. 10 (λ = 0); Deng et al. 2022 with λ

    Parameters
    ----------
    outputs : ndarray of float, shape (classes, T, B)
    labels : ndarray of int64, shape (B,)
    lam : float
        λ in [0, 1]: 0 for static images, 1e-3 for event data.

    Returns
    -------
    loss : float
        `(1 − λ)/T Σ_t CE(O[t], y) + λ mean((O − 1)²)`, mean over the batch.
    d_outputs : ndarray, shape (classes, T, B), dtype of `outputs`
    """
    classes, T, B = outputs.shape
    O = outputs.astype(np.float64)
    loss, gradient = _cross_entropy(O.reshape(classes, T * B), np.tile(labels, T))
    gradient = gradient.reshape(classes, T, B)
    # L = (1 − λ)/T Σ_t CE(O[t], y) + λ mean((O − 1)²)
    loss = (1.0 - lam) / (T * B) * loss + lam * np.square(O - 1.0).mean()
    gradient = (1.0 - lam) / (T * B) * gradient + 2.0 * lam / O.size * (O - 1.0)
    return float(loss), gradient.astype(outputs.dtype)


def mse_rate(outputs, labels) -> tuple[float, np.ndarray]:
    """Squared distance of the output rates from the one-hot label, `mean((mean_t O[t] − 1_y)²)`.

    Parameters
    ----------
    outputs : ndarray of float, shape (classes, T, B)
        Spikes of the output neurons, as a rule; their mean over time is a rate (spikes/step).
    labels : ndarray of int64, shape (B,)

    Returns
    -------
    loss : float
        Mean over classes and batch.
    d_outputs : ndarray, shape (classes, T, B), dtype of `outputs`
    """
    T, B = outputs.shape[1:]
    error = outputs.mean(axis=1, dtype=np.float64)
    error[labels, np.arange(B)] -= 1.0
    gradient = 2.0 / (error.size * T) * error
    d_outputs = np.repeat(gradient[:, np.newaxis], T, axis=1)
    return float(np.square(error).mean()), d_outputs.astype(outputs.dtype)


LOSSES = {"cross_entropy": cross_entropy, "tet": tet, "mse_rate": mse_rate}
