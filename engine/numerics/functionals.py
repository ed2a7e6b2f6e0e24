"""Functionals of a cloud, and the density that minimises F(μ) + T ∫ μ ln μ.

The minimiser is μ* ∝ exp(−δF/δμ(μ*)/T). Each functional finds it on a grid of the plane, by an
iteration whose state, the `guess`, is damped by as much as the functional needs: so it may go on
beside a run, and follows when a parameter is dragged. The slope that particle i of N feels is
N ∂F/∂xᵢ, the gradient of δF/δμ at its place.
"""

import abc

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.numerics.matrices import solve


Scalar = int | float | Float[Array, ""]
Grid = Float[Array, "g g"]  # by x, then by y

SIDE = 4.0  # half the width of the grid
CELLS = 48  # along a side
AXIS = ((np.arange(CELLS) + 0.5) / CELLS * 2 - 1).astype(np.float32) * np.float32(SIDE)
X, Y = np.meshgrid(AXIS, AXIS, indexing="ij")
SQUARE = X**2 + Y**2


class Functional(abc.ABC):
    """F(μ), for clouds and for densities on the grid."""

    dim: int = 2
    temperature: Scalar
    confinement: Scalar

    @abc.abstractmethod
    def fit(self, x: Float[Array, "n d"]) -> tuple[Float[Array, ""], Float[Array, "n d"]]:
        """F without the confinement, and its slope at each particle."""

    @abc.abstractmethod
    def start(self) -> Float[Array, "..."]:
        """A first guess of the minimiser."""

    @abc.abstractmethod
    def nearer(self, guess: Float[Array, "..."]) -> Float[Array, "..."]:
        """One damped iteration."""

    @abc.abstractmethod
    def density(self, guess: Float[Array, "..."]) -> Grid:
        """Shares of the grid's cells, of sum 1."""

    @abc.abstractmethod
    def at(self, guess: Float[Array, "..."]) -> Float[Array, ""]:
        """F of the guess."""

    def felt(self, x: Float[Array, "n d"]) -> tuple[Float[Array, ""], Float[Array, "n d"]]:
        """F, and its slope at each particle."""
        value, slope = self.fit(x)
        own = self.confinement / 2 * jnp.mean(jnp.sum(x**2, axis=1))
        return value + own, slope + self.confinement * x


class Quadratic(Functional):
    """½⟨|x|²⟩ + (a/2)|⟨x⟩ − c|²: a Gaussian of mean a c/(1 + a) and variance T."""

    confinement = 1.0

    def __init__(self, temperature: Scalar, pull: Scalar, centre: Float[Array, " 2"]) -> None:
        self.temperature, self.pull, self.centre = temperature, pull, centre

    def mean(self) -> Float[Array, " 2"]:
        return self.pull * self.centre / (1 + self.pull)

    def fit(self, x: Float[Array, "n 2"]) -> tuple[Float[Array, ""], Float[Array, "n 2"]]:
        off = jnp.mean(x, axis=0) - self.centre
        return self.pull / 2 * jnp.sum(off**2), jnp.broadcast_to(self.pull * off, x.shape)

    def start(self) -> Float[Array, " 2"]:
        return self.mean()

    def nearer(self, guess: Float[Array, " 2"]) -> Float[Array, " 2"]:
        return self.mean()

    def density(self, guess: Float[Array, " 2"]) -> Grid:
        return shares(((X - guess[0]) ** 2 + (Y - guess[1]) ** 2) / 2, self.temperature)

    def at(self, guess: Float[Array, " 2"]) -> Float[Array, ""]:
        own = jnp.sum(guess**2) / 2 + self.temperature
        return own + self.pull / 2 * jnp.sum((guess - self.centre) ** 2)


class Gridded(Functional):
    """A functional whose guess is the first variation δF/δμ, on the grid."""

    @abc.abstractmethod
    def pairs(self, density: Grid) -> tuple[Grid, Float[Array, ""]]:
        """What a density adds to δF/δμ, and an upper bound of how much it answers to itself."""

    def field(self) -> Grid:
        """The part of δF/δμ that does not depend on the density."""
        return self.confinement / 2 * jnp.asarray(SQUARE)

    def start(self) -> Grid:
        return self.field()

    def nearer(self, guess: Grid) -> Grid:
        own, answer = self.pairs(self.density(guess))
        # The answer's eigenvalues lie between −answer/T and 0: this damping never overshoots.
        return guess + self.temperature / (self.temperature + answer) * (self.field() + own - guess)

    def density(self, guess: Grid) -> Grid:
        return shares(guess, self.temperature)

    def at(self, guess: Grid) -> Float[Array, ""]:
        density = self.density(guess)
        return jnp.sum(density * (self.field() + self.pairs(density)[0] / 2)) + self.constant()

    def constant(self) -> Float[Array, ""]:
        return jnp.zeros(())


class Discrepancy(Gridded):
    """MMD² to a target sample, with the kernel exp(−|x − y|²/2ℓ²); a point with itself counts."""

    def __init__(
        self,
        temperature: Scalar,
        confinement: Scalar,
        width: Scalar,
        target: Float[Array, "m 2"],
    ) -> None:
        self.temperature, self.confinement = temperature, confinement
        self.width, self.target = width, target

    def fit(self, x: Float[Array, "n 2"]) -> tuple[Float[Array, ""], Float[Array, "n 2"]]:
        near, towards = summed(x, x, self.width)
        far, away = summed(x, self.target, self.width)
        value = jnp.mean(near) - 2 * jnp.mean(far) + self.constant()
        return value, 2 / self.width**2 * (towards - away)

    def constant(self) -> Float[Array, ""]:
        return jnp.mean(kernel(self.target, self.target, self.width))

    def field(self) -> Grid:
        ways = [lines(AXIS, self.target[:, i], self.width) for i in (0, 1)]
        return super().field() - 2 * ways[0] @ ways[1].T / len(self.target)

    def pairs(self, density: Grid) -> tuple[Grid, Float[Array, ""]]:
        along = lines(AXIS, jnp.asarray(AXIS), self.width)
        # 2k has the trace 2 under any density; its largest eigenvalue, less its mean, is below 1.
        return 2 * along @ density @ along, jnp.ones(())


class Stein(Gridded):
    """½ of the kernel Stein discrepancy to a mixture of Gaussians, of which it needs the score."""

    def __init__(
        self,
        temperature: Scalar,
        confinement: Scalar,
        width: Scalar,
        centres: Float[Array, "m 2"],
        spread: float,
    ) -> None:
        self.temperature, self.confinement = temperature, confinement
        self.width, self.centres, self.spread = width, centres, spread

    def score(self, x: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
        apart = self.centres - x[:, None]
        own = jax.nn.softmax(-jnp.sum(apart**2, axis=-1) / (2 * self.spread**2), axis=1)
        return jnp.sum(own[:, :, None] * apart, axis=1) / self.spread**2

    def bend(self, x: Float[Array, "n 2"]) -> Float[Array, "n 2 2"]:
        """The Jacobian of the score."""
        return jax.vmap(jax.jacfwd(lambda x: self.score(x[None])[0]))(x)

    def fit(self, x: Float[Array, "n 2"]) -> tuple[Float[Array, ""], Float[Array, "n 2"]]:
        n, near = len(x), 1 / self.width**2
        k, score = kernel(x, x, self.width), self.score(x)
        # s·s′ + (s·d − s′·d)/ℓ² + 2/ℓ² − d²/ℓ⁴ for d = x − y, as one product of matrices.
        own = near * jnp.sum(score * x, axis=1) + near - near**2 * jnp.sum(x**2, axis=1)
        both = jnp.concatenate([score - near * x, near * x], axis=1)
        own, one = own[:, None], jnp.ones((n, 1))
        left, right = jnp.concatenate([both, own, one], 1), jnp.concatenate([both, one, own], 1)
        whole = k * (left @ right.T)
        count, y, there = jnp.split(k @ jnp.concatenate([one, x, score], axis=1) / n, (1, 3), 1)
        total, pulled = jnp.split(whole @ jnp.concatenate([one, x], axis=1) / n, (1,), 1)
        apart = near * (x * count - y)
        slope = (
            near * (pulled - x * total)
            + jnp.einsum("nij,ni->nj", self.bend(x), there + apart)
            + near * (score * count - there - 2 * apart)
        )
        return jnp.mean(total) / 2, slope

    def pairs(self, density: Grid) -> tuple[Grid, Float[Array, ""]]:
        score = self.score(jnp.stack([X, Y], axis=-1).reshape(-1, 2))
        s, t = score.T.reshape(2, CELLS, CELLS)
        apart = (AXIS[:, None] - AXIS) / self.width**2
        k = lines(AXIS, jnp.asarray(AXIS), self.width)
        d, dd = -apart * k, (1 / self.width**2 - apart**2) * k  # ∂k, and ∂∂′k
        own = (
            s * (k @ (s * density) @ k - d @ density @ k)
            + t * (k @ (t * density) @ k - k @ density @ d.T)
            + d @ (s * density) @ k
            + k @ (t * density) @ d.T
            + dd @ density @ k
            + k @ density @ dd
        )
        return own, jnp.sum(density * (s**2 + t**2 + 2 / self.width**2))


class Network(Functional):
    """½ the mean square error of f(x) = ⟨a tanh(wx + b)⟩: a particle is a neuron (w, b, a).

    In a the first variation is a parabola: it is integrated out, and the grid is that of w and b.
    The guess is f at the data, few enough for Newton's method.
    """

    dim = 3

    def __init__(self, temperature: Scalar, confinement: Scalar, data: Float[Array, "m 2"]) -> None:
        self.temperature, self.confinement = temperature, confinement
        self.x, self.y = data.T

    def made(self, x: Float[Array, "n 3"], at: Float[Array, " m"]) -> Float[Array, " m"]:
        """f of a cloud of neurons."""
        return x[:, 2] @ jnp.tanh(x[:, :1] * at + x[:, 1:2]) / len(x)

    def fit(self, x: Float[Array, "n 3"]) -> tuple[Float[Array, ""], Float[Array, "n 3"]]:
        answer = jnp.tanh(x[:, :1] * self.x + x[:, 1:2])
        off = (x[:, 2] @ answer / len(x) - self.y) / len(self.x)
        steep = (1 - answer**2) * x[:, 2:]
        slope = [steep @ (off * self.x), steep @ off, answer @ off]
        return jnp.sum(off**2) * len(self.x) / 2, jnp.stack(slope, axis=1)

    def answers(self, at: Float[Array, " m"]) -> Float[Array, "g g m"]:
        return jnp.tanh(X[:, :, None] * at + Y[:, :, None])

    def start(self) -> Float[Array, " m"]:
        return self.y

    def wish(self, guess: Float[Array, " m"]) -> Grid:
        """The mean of a for each w and b."""
        return -self.answers(self.x) @ (guess - self.y) / (len(self.x) * self.confinement)

    def density(self, guess: Float[Array, " m"]) -> Grid:
        gain = self.confinement * self.wish(guess) ** 2 / 2
        return shares(self.confinement / 2 * SQUARE - gain, self.temperature)

    def function(self, guess: Float[Array, " m"], at: Float[Array, " k"]) -> Float[Array, " k"]:
        """f of the minimiser."""
        weight = self.density(guess) * self.wish(guess)
        return jnp.einsum("ij,ijk->k", weight, self.answers(at))

    def nearer(self, guess: Float[Array, " m"]) -> Float[Array, " m"]:
        """Half a step of Newton's method: f answers to itself by the covariance of what neurons do.

        −∂f/∂f′ = [⟨t tᵀ⟩ + (λ/T) Cov(a t)] / λM with t = tanh(wx + b) at the data.
        """
        wish = self.wish(guess).reshape(-1, 1)
        share = self.density(guess).reshape(-1, 1)
        answer = self.answers(self.x).reshape(-1, len(self.x))
        made = (share * wish).T @ answer
        tied = (answer * share * (1 + self.confinement / self.temperature * wish**2)).T @ answer
        tied = tied - self.confinement / self.temperature * made.T @ made
        matrix = jnp.eye(len(self.x)) + tied / (self.confinement * len(self.x))
        return guess + solve(matrix, made[0] - guess) / 2

    def at(self, guess: Float[Array, " m"]) -> Float[Array, ""]:
        density, wish = self.density(guess), self.wish(guess)
        square = jnp.sum(density * (SQUARE + wish**2)) + self.temperature / self.confinement
        return jnp.mean((guess - self.y) ** 2) / 2 + self.confinement / 2 * square


def shares(energy: Grid | np.ndarray, temperature: Scalar) -> Grid:
    """exp(−energy/T), of sum 1."""
    return jax.nn.softmax(-energy.reshape(-1) / temperature).reshape(energy.shape)


def rim(density: Grid) -> Float[Array, ""]:
    """The share that lies in the outermost cells: the grid is too small for it."""
    inside = density[1:-1, 1:-1]
    return jnp.sum(density) - jnp.sum(inside)


def summed(
    x: Float[Array, "n d"], y: Float[Array, "m d"], width: Scalar
) -> tuple[Float[Array, " n"], Float[Array, "n d"]]:
    """At each x the mean of k(x, y) over all y, and of (y − x) k(x, y)."""
    k = kernel(x, y, width) / len(y)
    count = jnp.sum(k, axis=1)
    return count, k @ y - x * count[:, None]


def kernel(x: Float[Array, "n d"], y: Float[Array, "m d"], width: Scalar) -> Float[Array, "n m"]:
    square = [jnp.sum(z**2, axis=1, keepdims=True) / (2 * width**2) for z in (x, y)]
    one = [jnp.ones_like(z) for z in square]
    left = jnp.concatenate([x / width**2, -square[0], one[0]], axis=1)
    return jnp.exp(left @ jnp.concatenate([y, one[1], -square[1]], axis=1).T)


def lines(
    x: np.ndarray | Float[Array, " n"], y: Float[Array, " m"], width: Scalar
) -> Float[Array, "n m"]:
    """The factor of the kernel along one axis."""
    return jnp.exp(-((x[:, None] - y) ** 2) / (2 * width**2))
