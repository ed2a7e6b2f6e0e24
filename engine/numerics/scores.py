"""The exact score of a noised cloud, and exact steps with it.

The points y of a cloud are noised by dx = −x dt + √2 dW, so that at noise time t

    x = a y + √V z,    a = e^{−t},    V = 1 − a² (1 − h²),    z ~ N(0, I)

where each carries a Gaussian kernel of width h (often 0). What is left to know of y once x is
seen is a softmax over the cloud, and everything here is a moment of it:

    w_j ∝ exp(−|x − a y_j|² / 2V),    D = Σ_j w_j y_j,    ∇ log p_t(x) = (a D − x) / V
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from engine.numerics.exponential import decay


Scalar = int | float | Float[Array, ""]
BLOCK = 64  # points whose weights are held at once: with some thousand data they stay in the cache


class Belief(NamedTuple):
    """What x tells of the y it came from: moments of the weights w."""

    mean: Float[Array, "n dim"]  # D
    spread: Float[Array, " n"]  # tr Cov_w(y)
    entropy: Float[Array, " n"]  # −Σ w ln w; its exponential is how many data points take part


class Kernel(NamedTuple):
    """A Gaussian step x → a′ D + pull (x − a D) + √variance ξ from one noise time to another."""

    pull: Float[Array, ""]
    variance: Float[Array, ""]


def shrunk(t: Scalar) -> Float[Array, ""]:
    """a, by which noise of time t has shrunk the data."""
    return jnp.exp(-jnp.asarray(t, float))


def variance(t: Scalar, width: Scalar = 0.0) -> Float[Array, ""]:
    """V: 1 − e^{−2t} of the noise, and the kernel of the data, shrunk."""
    return -jnp.expm1(-2 * jnp.asarray(t, float)) + (shrunk(t) * width) ** 2


def belief(
    x: Float[Array, "n dim"],
    y: Float[Array, "m dim"],
    t: Scalar,
    width: Scalar = 0.0,
    *,
    block: int = BLOCK,
) -> Belief:
    """Where each x came from, in memory for `block` × m weights.

    A block is two products of matrices around one exponential: the logits x·y − a|y|²/2 (|x|²
    would shift all alike), then all moments at once. |y|² as one more column gives the spread and,
    because a logit is linear in y and |y|², the entropy too, at no second pass. Differences of
    numbers of order |y|² cost them an error of some 1e-7 |y|²/V.
    """
    a, v = shrunk(t), variance(t, width)
    square = jnp.sum(y**2, axis=1)
    columns = jnp.concatenate([y, square[:, None], jnp.ones((len(y), 1))], axis=1)
    sums, top = weighted(x, y, columns, a, v, block)
    total = sums[:, -1]
    mean, second = sums[:, :-2] / total[:, None], sums[:, -2] / total
    spread = jnp.maximum(second - jnp.sum(mean**2, axis=1), 0)
    logit = jnp.sum(x * mean, axis=1) * (a / v) - second * (a**2 / (2 * v))
    entropy = jnp.maximum(top + jnp.log(total) - logit, 0)
    return Belief(mean, spread, entropy)


def score(
    x: Float[Array, "n dim"],
    y: Float[Array, "m dim"],
    t: Scalar,
    width: Scalar = 0.0,
    *,
    block: int = BLOCK,
) -> Float[Array, "n dim"]:
    """∇ log p_t at each x."""
    a, v = shrunk(t), variance(t, width)
    columns = jnp.concatenate([y, jnp.ones((len(y), 1))], axis=1)
    sums, _ = weighted(x, y, columns, a, v, block)
    return (a * sums[:, :-1] / sums[:, -1:] - x) / v


def speciation(y: Float[Array, "m dim"], width: Scalar = 0.0) -> Float[Array, ""]:
    """The noise time below which the middle of the data, 0, draws no point any more.

    On the way back points leave the middle as soon as the score's Jacobian there, −1/V + a²
    Cov_w(y)/V², is positive along a direction. For data that are all as far from the middle that
    is at ½ ln(1 + Λ − h²), with Λ the largest variance along a direction. Not-a-number where the
    middle attracts at all times.
    """
    times = jnp.geomspace(1.0, 0.01, 64)  # a² Λ = V has no solution above ½ ln(1 + 3)
    a2, v = jax.vmap(shrunk)(times) ** 2, jax.vmap(lambda t: variance(t, width))(times)
    square = jnp.sum(y**2, axis=1)
    weight = jnp.exp(-(a2 / (2 * v))[:, None] * (square - jnp.min(square)))
    pairs = (y[:, :, None] * y[:, None, :]).reshape(len(y), -1)
    sums = weight @ jnp.concatenate([pairs, y, jnp.ones((len(y), 1))], axis=1)
    d = y.shape[1]
    mean, second = sums[:, -d - 1 : -1] / sums[:, -1:], sums[:, : -d - 1] / sums[:, -1:]
    spread = second.reshape(-1, d, d) - mean[:, :, None] * mean[:, None, :]
    slopes = a2 / v * widest(spread) - 1
    first = jnp.argmax(slopes > 0)
    before, after = slopes[first - 1], slopes[first]
    share = before / jnp.where(before == after, 1, before - after)
    there = (after > 0) & (first > 0)
    return jnp.where(there, times[first - 1] * (times[1] / times[0]) ** share, jnp.nan)


def widest(spread: Float[Array, "n dim dim"]) -> Float[Array, " n"]:
    """The largest eigenvalue of each covariance, by squaring them: after ten times, its power 1024.

    Where the next one is that near, so is the mean of both that is found.
    """

    def squared(_: Array, power: Array) -> Array:
        trace = jnp.trace(power, axis1=1, axis2=2)[:, None, None]
        power = power / jnp.maximum(trace, 1e-30)
        return power @ power

    power = lax.fori_loop(0, 10, squared, spread)
    trace = jnp.maximum(jnp.trace(power, axis1=1, axis2=2), 1e-30)
    return jnp.trace(spread @ power, axis1=1, axis2=2) / trace


def log_density(
    x: Float[Array, "n dim"],
    y: Float[Array, "m dim"],
    t: Scalar,
    width: Scalar = 0.0,
    *,
    block: int = BLOCK,
) -> Float[Array, " n"]:
    """log p_t at each x."""
    a, v = shrunk(t), variance(t, width)
    sums, top = weighted(x, y, jnp.ones((len(y), 1)), a, v, block)
    normal = jnp.sum(x**2, axis=1) / (2 * v) + x.shape[1] / 2 * jnp.log(2 * jnp.pi * v)
    return top + jnp.log(sums[:, 0] / len(y)) - normal


def weighted(
    x: Float[Array, "n dim"],
    y: Float[Array, "m dim"],
    columns: Float[Array, "m k"],
    a: Float[Array, ""],
    v: Float[Array, ""],
    block: int,
) -> tuple[Float[Array, "n k"], Float[Array, " n"]]:
    """Σ_j exp(logit_j − top) columns_j for each x, and the largest logit, `top`."""
    # The offset −a²|y|²/2V as one more column of the product: subtracting it would cost a pass of
    # its own over the block, a fifth of all.
    offset = jnp.sum(y**2, axis=1, keepdims=True) * (a**2 / (2 * v))
    forward, back = jnp.concatenate([y * (a / v), -offset], axis=1), columns.T
    x = jnp.concatenate([x, jnp.ones((len(x), 1))], axis=1)

    def of_block(x: Float[Array, "columns block"]) -> tuple[Array, Array]:
        # A column for each x: the largest of a column is found with vector instructions, that of a
        # row one number after the other. A quarter of all is saved by it on a CPU.
        logit = forward @ x
        top = jnp.max(logit, axis=0)
        return back @ decay(logit - top), top

    n, block = len(x), min(block, len(x))
    padded = jnp.pad(x, ((0, -n % block), (0, 0)))
    blocks = jnp.swapaxes(padded.reshape(-1, block, x.shape[1]), 1, 2)
    sums, top = lax.map(of_block, blocks)
    return jnp.swapaxes(sums, 1, 2).reshape(len(padded), -1)[:n], top.reshape(-1)[:n]


def local_dimension(
    spread: Float[Array, " n"], t: Scalar, width: Scalar = 0.0, *, dim: int = 3
) -> Float[Array, " n"]:
    """In how many directions x can move and still be data: the trace of ∂(a E[x₀|x]) / ∂x.

    Without a kernel it is a² tr Cov_w(y) / s². It is 0 in much noise, the dimension of the shape
    where the noise is finer than the shape and coarser than the spacing of its points, and 0
    again where it resolves the points; or `dim`, where it resolves their kernels.
    """
    a2, s2, v = shrunk(t) ** 2, variance(t), variance(t, width)
    return a2 * s2 / v**2 * spread + dim * a2 * jnp.asarray(width, float) ** 2 / v


def noising(t: Scalar, later: Scalar) -> Kernel:
    """Exactly what noise does to x from t on to `later`, whatever the score."""
    dt = jnp.asarray(later - t, float)
    return Kernel(jnp.exp(-dt), -jnp.expm1(-2 * dt))


def denoising(
    t: Scalar, earlier: Scalar, width: Scalar = 0.0, mixing: Scalar = 1.0, error: Scalar = 0.0
) -> Kernel:
    """A step of dx = [x + (1 + λ)(1 + δ) S] dt + √(2λ) dW back to `earlier`; `mixing` is λ.

    D stands still during the step; given that, it is exact in any step, any λ and any error δ of
    the score. So it is stable however long the step, exact where a single point is left to go to,
    and the first-order scheme of Euler and Maruyama where the step is short. With
    g = (1 + λ)(1 + δ) the distance r = x − aD obeys dr = (1 − g/V) r dt + √(2λ) dW, and
    1 − g/V is the rate of (g/2) ln V + (1 − g) t.
    """
    before, after = variance(t, width), variance(earlier, width)
    dt = jnp.asarray(t - earlier, float)
    ratio = jnp.log(after / before)
    g = (1 + mixing) * jnp.asarray(1 + error, float)
    pull = jnp.exp(g / 2 * ratio + (1 - g) * dt)
    return Kernel(pull, after * mixing * spent(g - 1, 2 * dt - ratio))


def resting(t: Scalar, width: Scalar = 0.0, mixing: Scalar = 1.0, error: Scalar = 0.0) -> Kernel:
    """Langevin motion with the score of time t, for a time `mixing` times V; D stands still."""
    rate = jnp.asarray(1 + error, float)
    return Kernel(jnp.exp(-mixing * rate), variance(t, width) * spent(rate, 2.0 * mixing))


def spent(rate: Scalar, time: Scalar) -> Float[Array, ""]:
    """∫₀^time e^{−rate u} du, for a rate of any sign and 0."""
    small = jnp.abs(rate) < 1e-6
    safe = jnp.where(small, 1.0, rate)
    return jnp.where(small, time, -jnp.expm1(-safe * time) / safe)
