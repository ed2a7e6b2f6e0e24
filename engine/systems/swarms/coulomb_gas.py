"""Charges in a trap: a droplet whose linear statistics have cumulants that theory knows."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import gammainc, gammaincc, gammaln
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Colour, Curve, Frame, Points, strung
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics import cumulants, ginibre, linear_statistics
from engine.numerics.cumulants import GROUPS, Moments
from engine.numerics.hexatic import hexatic
from engine.numerics.long_range import on_mesh, pair_forces
from engine.numerics.particle_mesh import covered, mesh_forces


FREEZING = 140.0  # β at which the plasma freezes, by simulations of others
MESH = 128  # nodes along a side
TESTS = ("square", "quartic", "bump", "wave")
POWERS = {"square": 2, "quartic": 4}  # f = r^p
RINGS = np.linspace(0, 1.5, 46)
RECENT = 4096  # values of L_N that the histogram remembers
SETTLED = 5.0  # time after which the run is taken to have forgotten its start
APART = 0.25  # time between samples of the run, half of the slowest relaxation of Σ|x|²
TOGETHER = 8  # samples that follow each other go to one group, or their errors came out too small
WHOLE = 1024  # charges up to which a whole configuration is drawn exactly: it takes N³ ln N


class Tally(NamedTuple):
    """What is counted while the parameters stay as they are."""

    under: Float[Array, " p"]  # the parameters
    age: Float[Array, ""]  # time that this has been counted for
    wait: Float[Array, ""]  # time since the last sample of the run
    groups: Moments  # of L_N − N ⟨f⟩
    recent: Float[Array, " m"]  # its last values, the newest at the end
    density: Float[Array, " rings"]  # charge per area


class State(NamedTuple):
    position: Float[Array, "n 2"]
    tally: Tally


class CoulombGas(System[State]):
    """2D Coulomb gas

    Charges that repel by a logarithm, in a trap V, at inverse temperature β:

        dxᵢ = (−∇V(xᵢ) + (1/N) Σⱼ (xᵢ − xⱼ)/|xᵢ − xⱼ|²) dt + √(2/βN) dW

    They fill the unit disc, freeze at β ≈ 140, and hold sums over all charges, L_N = Σ f(xᵢ),
    almost still. The variance of L_N depends on f in the whole disc, but its third and fourth
    cumulant only on f at the edge. At β = 2 everything is known for any N, and drawn exactly.
    """

    sources = ("debruyne2023coulomb", "ginibre1965")
    equations = (
        Equation(
            r"\dot x_i=-\nabla V(x_i)+\frac{1}{N}\sum_{j\neq i}\frac{x_i-x_j}{|x_i-x_j|^2}"
            r"+\sqrt{\frac{2}{\beta N}}\,\xi_i",
            "trap, repulsion, heat",
        ),
        Equation(
            r"P\propto e^{-\beta\left[N\sum_i V(x_i)-\sum_{i<j}\ln|x_i-x_j|\right]}",
            "what it settles to",
        ),
        Equation(
            r"\kappa_q=\frac{(-1)^q}{\beta^{q-1}N^{q-2}}\,\partial_s^{q-2}"
            r"\!\int_0^{R(s)}\! r f'(r)^2\,dr\,\Big|_{s=0},\qquad R\,(V'+sf')(R)=1",
            "cumulants of Σ f(|x|): from the third on, f at the edge alone",
        ),
        Equation(
            r"\sum_i|x_i|^p\sim\Gamma\!\left(\frac{2N}{p}+\frac{\beta N(N-1)}{2p},"
            r"\frac{p}{\beta N}\right)\quad\mathrm{for}\;V=r^p/p",
            "exact for every N and β",
        ),
        Equation(
            r"2N|x|_{(k)}^p/p\sim\Gamma(2k/p),\quad k=1\ldots N",
            "the moduli at β = 2: independent",
        ),
    )
    assumptions = (
        "N → ∞ but for Σ|x|^p in a trap r^p/p, exact for every N and β, and for the mean of L_N at "
        "β = 2. The variance of a wave, which is not radial, is that of Gaussian fluctuations."
    )
    presets = (
        Preset("gas", beta=2.0),
        Preset("liquid", beta=20.0),
        Preset("crystal", beta=400.0),
        Preset("small and exact", beta=2.0, test="quartic", n=32),
        Preset("hollow", beta=20.0, trap="quartic"),
        Preset("many, on a mesh", beta=20.0, n=8192),
    )
    quantities = (
        Quantity("hexatic", symbol="|ψ₆|", span=(0, 1), help="sixfold order within r < 0.8"),
        Quantity("statistic", symbol="L_N", help="sum of f over all charges"),
        Quantity("variance", symbol="κ₂", help="of L_N"),
        Quantity("spread", symbol="Σ|x|²", help="sum of all square distances from the middle"),
        Quantity("middle", symbol="share at r < ½", span=(0, 1), help="an even disc has ¼"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "charges": Hint(large=True),
        "density": Hint(large=False),
        "statistic": Hint(large=False),
        "cumulants": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"n": 64}

    beta: Scalar = live(
        default=2.0,
        span=(0.5, 400),
        symbol="β",
        help="inverse temperature: cold is large",
        log=True,
        limits=(1e-3, np.inf),
    )
    dt: Scalar = live(
        default=0.005,
        span=(0.001, 0.01),
        symbol="Δt",
        help="Euler–Maruyama step",
        limits=(1e-6, 0.5),
    )
    wave: Scalar = live(
        default=2.0, span=(0, 8), symbol="q", help="wave number of f = cos q x", limits=(-50, 50)
    )
    test: str = mode(
        default="square",
        choices=TESTS,
        help="the function f that is summed: r², r⁴, exp(−r²), cos q x",
    )
    forces: str = mode(
        default="auto",
        choices=("auto", "direct", "mesh"),
        help="over all pairs, or by way of a mesh from 2049 charges on",
    )
    trap: str = start(
        default="parabolic", choices=("parabolic", "quartic"), help="V = r²/2 or r⁴/4"
    )
    n: int = size(default=512, span=(16, 65_536), symbol="N", help="charges")

    @property
    def power(self) -> int:
        """p of the trap V = r^p / p."""
        return 2 if self.trap == "parabolic" else 4

    @property
    def solvable(self) -> bool:
        """Whether L_N is a sum over independent moduli at β = 2."""
        return self.test != "wave"

    def f(self, r: Array) -> Array:
        """The radial test functions, of which derivatives are taken."""
        return jnp.exp(-(r**2)) if self.test == "bump" else r ** POWERS[self.test]

    def init(self, key: Key[Array, ""]) -> State:
        for_radius, for_angle = jax.random.split(key)
        r = jax.random.uniform(for_radius, (self.n,)) ** (1 / self.power)
        angle = jax.random.uniform(for_angle, (self.n,), maxval=2 * jnp.pi)
        position = r[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
        return State(position, self._fresh(position))

    def _fresh(self, position: Float[Array, "n 2"]) -> Tally:
        none = jnp.zeros(())
        recent = jnp.zeros(RECENT)
        groups = cumulants.nothing(GROUPS)
        return Tally(self._under(), none, none, groups, recent, rings(position))

    def _under(self) -> Float[Array, " p"]:
        numbers = (self.beta, self.dt, self.wave, float(TESTS.index(self.test)))
        return jnp.stack([jnp.asarray(number, float) for number in numbers])

    def step(self, state: State, key: Key[Array, ""]) -> State:
        x = state.position
        # Within a step two charges part by √(dt/N): closer ones must not leap out of the trap.
        softening = jnp.sqrt(self.dt / self.n)
        if on_mesh(self.forces, self.n):
            push = mesh_forces(x, softening, MESH)
        else:
            push = pair_forces(x, softening)
        pull = x * jnp.sum(x**2, axis=1, keepdims=True) ** (self.power / 2 - 1)
        kick = jnp.sqrt(2 * self.dt / (self.beta * self.n)) * jax.random.normal(key, x.shape)
        return state._replace(position=x + self.dt * (push / self.n - pull) + kick)

    def backend(self) -> str:
        return f"mesh {MESH}²" if on_mesh(self.forces, self.n) else "all pairs"

    # What is counted.

    def counted(self, state: State, key: Key[Array, ""]) -> State:
        position, tally = state
        same = (tally.under == self._under()).all()
        fresh = self._fresh(position)
        tally = jax.tree.map(lambda old, new: jnp.where(same, old, new), tally, fresh)
        age = tally.age + self.dt
        density = cumulants.average(tally.density, rings(position), tally.age / self.dt, 1e5)
        tally = tally._replace(age=age, wait=tally.wait + self.dt, density=density)
        take = (tally.wait >= APART) & (age > SETTLED)
        source = take.astype(int)
        if self.solvable:
            source = jnp.where(jnp.asarray(self.beta) == 2, 2, source)
        ways = (lambda t, x, k: t, self._of_run, self._exact)[: 3 if self.solvable else 2]
        return State(position, lax.switch(source, ways, tally, position, key))

    def _of_run(self, tally: Tally, position: Float[Array, "n 2"], key: Key[Array, ""]) -> Tally:
        """One more value of L_N, as the run has it."""
        value = self.fluctuation(position)
        group = (jnp.sum(tally.groups.number) // TOGETHER).astype(int) % GROUPS
        return tally._replace(
            wait=jnp.zeros(()),
            groups=cumulants.dealt(tally.groups, value, group),
            recent=jnp.append(tally.recent[1:], value),
        )

    def _exact(self, tally: Tally, position: Float[Array, "n 2"], key: Key[Array, ""]) -> Tally:
        """Many more of them, at β = 2: from independent moduli, whatever the run does."""
        many = max(1, 1024 // (GROUPS * self.n))
        r = ginibre.moduli(key, self.n, self.power, GROUPS * many)
        values = jnp.sum(self.f(r) - self.mean_f(), axis=1)
        groups = cumulants.merged(tally.groups, cumulants.of(values.reshape(GROUPS, many)))
        recent = jnp.append(tally.recent, values)[-RECENT:]
        return tally._replace(groups=groups, recent=recent)

    def fluctuation(self, position: Float[Array, "n 2"]) -> Float[Array, ""]:
        """L_N less what the droplet of infinitely many has: small, so that little is rounded."""
        if self.test == "wave":
            f = jnp.cos(self.wave * position[:, 0])
        else:
            f = self.f(jnp.linalg.norm(position, axis=1))
        return jnp.sum(f - self.mean_f())

    def observables(self, state: State) -> Scalars:
        square = jnp.sum(state.position**2, axis=1)
        bulk = (square < 0.64).astype(float)
        _, c, s = self.hexatic(state.position)
        inside = jnp.maximum(jnp.sum(bulk), 1.0)
        off = self.fluctuation(state.position)
        return {
            "hexatic": jnp.hypot(jnp.sum(bulk * c), jnp.sum(bulk * s)) / inside,
            "statistic": off + self.n * self.mean_f(),
            "spread": jnp.sum(square),
            "middle": jnp.mean(square < 0.25),
            "ℓ²": off**2,
        }

    def derived(self, mean: Scalars) -> Scalars:
        off = mean["statistic"] - self.n * self.mean_f()
        return {"variance": mean["ℓ²"] - off**2}

    def hexatic(
        self, position: Float[Array, "n 2"]
    ) -> tuple[Float[Array, " n"], Float[Array, " n"], Float[Array, " n"]]:
        """Neighbours of each charge, and the real and imaginary part of its ψ₆."""
        square = jnp.clip(jnp.sum(position**2, axis=1), 0.04, 1.0)
        density = self.n * self.power / (2 * jnp.pi) * square ** (self.power / 2 - 1)
        return hexatic(position, density)

    # Theory.

    def mean_f(self) -> Float[Array, ""]:
        """∫ f over the droplet of infinitely many."""
        f = linear_statistics.wave(self.wave) if self.test == "wave" else self.f
        return linear_statistics.mean(f, self.power)

    def known_law(self) -> bool:
        """Whether L_N itself follows the Gamma law."""
        return POWERS.get(self.test) == self.power

    def law(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Shape and scale of the Gamma law of Σ|x|^p, for every N and β."""
        n, p = self.n, self.power
        shape = 2 * n / p + self.beta * n * (n - 1) / (2 * p)
        return jnp.asarray(shape), jnp.asarray(p / (self.beta * n))

    def limit_cumulants(self) -> Float[Array, " 3"]:
        """κ₂, N κ₃ and N² κ₄ to leading order."""
        if self.test != "wave":
            return linear_statistics.cumulants(self.f, self.power, self.beta)
        even = linear_statistics.variance_of_wave(self.wave, self.beta)
        silent = jnp.full((), jnp.nan)
        return jnp.stack([even if self.power == 2 else silent, silent, silent])

    def of_moduli(self) -> Float[Array, " 4"]:
        """The mean of L_N − N ⟨f⟩, κ₂, N κ₃ and N² κ₄ at β = 2 and this N; else not-a-number."""
        if not self.solvable:
            return jnp.full(4, jnp.nan)
        r, weight = ginibre.law(self.n, self.power)
        share = weight / jnp.sum(weight, axis=1, keepdims=True)
        f = self.f(r) - self.mean_f()
        k = jnp.sum(cumulants.cumulants(f, weight), axis=1)
        known = jnp.concatenate([jnp.sum(share * f)[None], k * self.n ** jnp.arange(3.0)])
        return jnp.where(jnp.asarray(self.beta) == 2, known, jnp.nan)

    def theory(self) -> Scalars:
        n, known = self.n, self.of_moduli()
        mean = jnp.where(jnp.isnan(known[0]), 0.0, known[0]) + n * self.mean_f()
        variance = jnp.where(jnp.isnan(known[1]), self.limit_cumulants()[0], known[1])
        shape, scale = self.law()
        if self.known_law():
            mean, variance = shape * scale, shape * scale**2
        spread = shape * scale if self.power == 2 else jnp.asarray(2 / 3 * n)
        return {
            "statistic": mean,
            "variance": variance,
            "spread": spread,
            "middle": jnp.asarray(0.5**self.power),
        }

    def landscape(self) -> dict[str, Curve]:
        shape, scale = self.law()
        name = "spread" if self.power == 2 else "statistic"
        if self.power == 4 and not self.known_law():
            return {}
        x = shape * scale + jnp.sqrt(shape) * scale * jnp.linspace(-5, 5, 101)
        x = jnp.maximum(x, 1e-3)
        minus_log = x / scale - (shape - 1) * jnp.log(x / scale) + gammaln(shape) + jnp.log(scale)
        return {name: Curve(x, minus_log, label="exact")}

    def boundaries(self) -> dict[str, Boundary]:
        return {"freezing": Boundary({"beta": jnp.asarray(FREEZING)}, kind="first order")}

    def regions(self) -> Flags:
        cold = jnp.asarray(self.beta) > FREEZING
        return {"crystal": cold, "fluid": ~cold}

    def caveats(self, state: State) -> Flags:
        beta, dt = jnp.asarray(self.beta), jnp.asarray(self.dt)
        _, error = cumulants.estimated(state.tally.groups)
        unknown = ~(error * self.n ** jnp.arange(3.0) < jnp.abs(self.limit_cumulants()))
        _, cell = covered(state.position, MESH)
        flags = {
            "hot charges come closer than a step resolves: L_N spreads too far": beta * dt**0.5
            < 0.05,
            "steps too long for the trap": dt > 0.05,
            "cumulants without a bar still drown in noise": unknown.any()
            & ~jnp.isnan(self.limit_cumulants()).any(),
        }
        if self.solvable:
            flags["the law of L_N and its cumulants come from exact draws, not the run"] = beta == 2
        if on_mesh(self.forces, self.n):
            flags["on a mesh neighbours repel too little: densities are right, order is not"] = (
                cell > 0.3 / np.sqrt(self.n)
            )
        return flags

    @poke(view="charges")
    def stir(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Drag the charges under the hand along."""
        apart = state.position - touch.position
        grip = jnp.exp(-jnp.sum(apart**2, axis=1) / (2 * jnp.asarray(touch.radius) ** 2))
        return self._moved(state, state.position + grip[:, None] * touch.drag)

    @poke()
    def draw(self, state: State, key: Key[Array, ""]) -> State:
        """Draw all charges anew: exactly as β = 2 has them, up to 1024; more, as an even fluid."""
        if self.n > WHOLE:
            return self.init(key)
        return self._moved(state, ginibre.configuration(key, self.n, self.power))

    def _moved(self, state: State, position: Float[Array, "n 2"]) -> State:
        """What a hand did is not what the gas does: it has to settle again."""
        return State(position, state.tally._replace(age=jnp.zeros(()), wait=jnp.zeros(())))

    # What is seen.

    def frame(self, state: State) -> Frame:
        count, c, s = self.hexatic(state.position)
        order = jnp.hypot(c, s)
        colours = {
            "sixfold direction": Colour(jnp.arctan2(s, c) % (2 * jnp.pi), scale="phase"),
            "sixfold order": Colour(order, span=(0.0, 1.0)),
            "neighbours": Colour(count, span=(3.0, 9.0)),
            "radius": Colour(jnp.linalg.norm(state.position, axis=1)),
        }
        return {
            "charges": (
                Box(jnp.full(2, -1.5), jnp.full(2, 1.5)),
                Points(state.position, colours),
            ),
            "density": self._density(state.tally),
            "statistic": self._statistic(state.tally),
            "cumulants": self._cumulants(state.tally),
        }

    def _density(self, tally: Tally) -> tuple[Axes, Bars, Curve, Curve]:
        r = jnp.linspace(0.0, 1.5, 121)
        droplet = jnp.where(r <= 1, self.power / (2 * jnp.pi) * r ** (self.power - 2), 0.0)
        exact = jnp.where(jnp.asarray(self.beta) == 2, self.density(r), jnp.nan)
        return (
            Axes("r", "charges per area, share of N"),
            Bars(jnp.asarray(RINGS, float), tally.density),
            Curve(r, droplet, label="N → ∞"),
            Curve(r, exact, "guide", label="exact, β = 2"),
        )

    def density(self, r: Float[Array, " m"]) -> Float[Array, " m"]:
        """The share of charges per area at β = 2, for this N: Σ over k of the laws of moduli.

        Σₖ yᵏ e^{−y}/k! over k < N is an incomplete gamma function of y = N r². In a trap r⁴/4 the
        even k are such a sum in y = N r⁴/2, and the odd ones are one shifted by half.
        """
        n = self.n
        if self.power == 2:
            return gammaincc(float(n), n * r**2) / jnp.pi
        y = n * r**4 / 2
        even = gammaincc(jnp.maximum(n // 2, 1.0), y)
        odd = gammaincc((n + 1) // 2 - 0.5, y) - 1 + gammainc(0.5, y)
        first = jnp.sqrt(2 / (jnp.pi * n)) * jnp.exp(-y)  # r² times the term k = 1
        return (r**2 * (even + odd) + first) / jnp.pi

    def _statistic(self, tally: Tally) -> tuple[Axes, Bars, Curve]:
        seen = jnp.minimum(jnp.sum(tally.groups.number), RECENT)
        there = jnp.arange(RECENT) >= RECENT - seen
        middle = jnp.sum(jnp.where(there, tally.recent, 0)) / jnp.maximum(seen, 1.0)
        width = jnp.sqrt(jnp.maximum(self.theory()["variance"], 1e-12))
        # Edges move with the mean, by whole bars of a quarter width: a histogram must not shiver.
        at = jnp.round(middle / width * 4) / 4 * width
        edges = at + width * jnp.linspace(-4.5, 4.5, 37)
        bar = jnp.searchsorted(edges, tally.recent) - 1
        count = jnp.zeros(36).at[bar].add(there.astype(float), mode="drop")
        height = count / (jnp.maximum(seen, 1.0) * width / 4)
        u = jnp.linspace(-4.5, 4.5, 121)
        if self.known_law():
            shape, scale = self.law()
            gap = u / jnp.sqrt(shape)
            x = shape * scale * (1 + gap)
            log = (shape - 1) * jnp.log1p(jnp.maximum(gap, -0.999)) - shape * gap
            y = jnp.exp(log) / jnp.sqrt(2 * jnp.pi * shape) / scale
            curve = Curve(x, y, label="exact")
        else:
            y = jnp.exp(-(u**2) / 2) / (np.sqrt(2 * np.pi) * width)
            curve = Curve(self.n * self.mean_f() + middle + width * u, y, label="Gaussian")
        return (
            Axes("L_N", "probability"),
            Bars(self.n * self.mean_f() + edges, height),
            curve,
        )

    def _cumulants(self, tally: Tally) -> tuple[Axes, Bars, Curve, Curve, Curve]:
        """κ₂, κ₃ and κ₄ over what theory says for N → ∞, once they stand out of the noise."""
        scale = self.n ** jnp.arange(3.0)
        limit = self.limit_cumulants()
        k, error = (part * scale / limit for part in cumulants.estimated(tally.groups))
        clear = jnp.abs(error) < 1
        q = jnp.arange(2.0, 5.0)
        low, high = k - jnp.abs(error), k + jnp.abs(error)
        whisker = jnp.where(clear, jnp.stack([low, high]), jnp.nan)
        here = self.of_moduli()[1:] / limit
        flat = strung(jnp.array([-0.4, 0.4]), jnp.stack([here, here]), "guide", "exact, this N")
        flat = Curve(flat.x + jnp.repeat(q, 3), flat.y, "guide", "exact, this N")
        return (
            Axes("order of the cumulant", "measured / theory"),
            Bars(jnp.array([1.6, 2.4, 2.6, 3.4, 3.6, 4.4]), clear_bars(jnp.where(clear, k, 0.0))),
            Curve(jnp.array([1.5, 4.5]), jnp.ones(2), label="N → ∞"),
            flat,
            Curve(jnp.repeat(q, 3), strung(q[:2], whisker, "guide").y, "guide"),
        )


def clear_bars(height: Float[Array, " 3"]) -> Float[Array, " 5"]:
    """Three bars with room between them."""
    return jnp.zeros(5).at[::2].set(height)


def rings(position: Float[Array, "n 2"]) -> Float[Array, " rings"]:
    """Charges per area in each ring, as a share of all."""
    r = jnp.linalg.norm(position, axis=1)
    ring = (r * ((len(RINGS) - 1) / RINGS[-1])).astype(int)
    count = jnp.zeros(len(RINGS) - 1).at[ring].add(1.0, mode="drop")
    return count / (len(r) * np.pi * np.diff(RINGS**2))
