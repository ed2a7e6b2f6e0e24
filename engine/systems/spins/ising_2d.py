"""The Ising magnet in two dimensions, beside its exact solution."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int8, Key, UInt32

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Curve, Frame, Image, Text, histogram
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Branch, Criticality, Flags, Scalars
from engine.numerics import checkerboard, small_ising
from engine.numerics.exchange import exchanged
from engine.numerics.fixed_points import fixed_point
from engine.numerics.onsager import BETHE, CRITICAL, CRITICAL_DECAY, onsager
from engine.numerics.roots import bisect


SMALL = 4  # side of the board of which all states are listed
BOARDS = 256  # copies of it that are sampled
BONDS = small_ising.torus(SMALL)
BLOCK = 8  # side of the parts of a lattice whose energies are told apart


class State(NamedTuple):
    spin: UInt32[Array, "2 rows half"]  # black squares, white ones; see `checkerboard`
    observed: Int8[Array, "16"]  # of the small board: ±1 as clamped, 0 free
    board: Float[Array, "copies 16"]  # ±1


class Ising2D(System[State]):
    """2D Ising ferromagnet

    Spins ±1 on a periodic square lattice that agree with their neighbours where heat lets them:

        H = −J Σ_⟨ij⟩ sᵢsⱼ − h Σᵢ sᵢ,    P(sᵢ = +1) = 1 / (1 + e^{−2fᵢ/T}),   fᵢ = J Σⱼ sⱼ + h

    Below T_c = 2J / ln(1 + √2) one direction wins; at T_c there are domains of every size. A tick
    is a sweep: the black squares of the board, then the white ones.

    In the mean field every spin sees the mean of all (Curie and Weiss). A lattice gas exchanges
    unlike neighbours, so that the number of particles (spins up) never changes; bonds of energy
    ε = 4J hold them together, and below T_c = 0.567 ε they part into a dense and a dilute phase.
    Any-order marginals ask a 4 × 4 board, of which any sites may be observed, for the
    probabilities of all others: counted exactly, sampled, and by two approximations.
    """

    sources = (
        "onsager1944", "yang1952", "glauber1963", "metropolis1953", "liu2024mam", "deng2023chgnet",
    )  # fmt: skip
    equations = (
        Equation(
            r"H=-J\sum_{\langle ij\rangle}s_is_j-h\sum_i s_i,\qquad s_i=\pm 1",
            "neighbours agree, and follow the field",
        ),
        Equation(
            r"P(s_i=+1)=\frac{1}{1+e^{-2f_i/T}},\qquad f_i=J\sum_{j\sim i}s_j+h",
            "heat bath",
        ),
        Equation(
            r"m=\left[1-\sinh^{-4}(2J/T)\right]^{1/8},\qquad T_c=\frac{2J}{\ln(1+\sqrt{2})}",
            "Onsager and Yang, for h = 0",
        ),
        Equation(
            r"x_\pm=\frac{1}{2}\left[1\pm m(T)\right],\qquad \epsilon=4J",
            "densities of the two phases of a lattice gas",
        ),
        Equation(
            r"P(s_A\mid s_B)=\frac{\sum_{s\setminus A,B}e^{-H/T}}{\sum_{s\setminus B}e^{-H/T}}",
            "any-order marginals, of an energy alone",
        ),
    )
    theory_name = "Onsager"
    assumptions = (
        "An infinite lattice in equilibrium without field (h = 0); in the mean field, any h. Two "
        "phases of a lattice gas lie beside each other as two slabs."
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "lattice": Hint(glow=False),
        "correlation": Hint(large=False),
        "energies": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"length": 64}
    presets = (
        Preset("critical", temperature=2.2692, field=0.0, coupling=1.0, arrangement="random"),
        Preset("ordered", temperature=1.9, field=0.0, coupling=1.0, arrangement="up"),
        Preset("quench", temperature=1.0, field=0.0, coupling=1.0, arrangement="random"),
        Preset("coexistence", temperature=1.8, field=0.0, coupling=1.0, arrangement="halves"),
        Preset("hot", temperature=3.5, field=0.0, coupling=1.0, arrangement="random"),
        Preset("antiferromagnet", temperature=1.5, field=0.0, coupling=-1.0, arrangement="random"),
        Preset("mean field", temperature=0.8, field=0.0, coupling=1.0, update="mean field"),
        Preset(
            "lattice gas", temperature=1.6, field=0.0, coupling=1.0, update="lattice gas",
            arrangement="halves", composition=0.4,
        ),
        Preset(
            "any-order marginals", temperature=5.0, field=1.0, coupling=1.0,
            update="any-order marginals",
        ),
    )  # fmt: skip
    quantities = (
        Quantity("order", symbol="|m|", span=(0, 1), help="staggered if J < 0"),
        Quantity("magnetisation", symbol="m", span=(-1, 1), signed=True),
        Quantity("energy", symbol="e", span=(-2, 0), help="per spin"),
        Quantity("binder", symbol="U", span=(0, 0.667), help="Binder's cumulant"),
        Quantity("susceptibility", symbol="χ", log=True),
        Quantity("heat capacity", symbol="c"),
    )
    clock = "sweeps"
    critical = Criticality(
        "temperature", (8, 16, 32), (2.1, 2.5), "binder", boundary="critical point"
    )

    temperature: Scalar = live(
        default=2.27, span=(0.5, 5), symbol="T", help="of the bath", limits=(1e-3, math.inf)
    )
    field: Scalar = live(default=0.0, span=(-1, 1), symbol="h", help="along the spins")
    coupling: Scalar = live(default=1.0, span=(-1, 1), symbol="J", help="between neighbours")
    update: str = mode(
        default="heat bath",
        choices=("heat bath", "metropolis", "mean field", "lattice gas", "any-order marginals"),
        help="how a spin decides, and what is asked",
    )
    arrangement: str = start(
        default="up", choices=("up", "random", "halves"), help="how the spins begin"
    )
    composition: Scalar = start(
        default=0.5,
        span=(0.02, 0.98),
        symbol="x",
        help="share of spins up, unless all are",
        limits=(0, 1),
    )
    length: int = size(default=256, span=(8, 1024), symbol="L", help="side of the lattice; even")

    def init(self, key: Key[Array, ""]) -> State:
        if self.length % 2:
            raise ValueError(f"length = {self.length} is odd: a periodic chessboard is even.")
        for_spin, for_board = jax.random.split(key)
        shape = (self.length, self.length)
        slab = jnp.arange(self.length) < jnp.round(self.composition * self.length)
        up = {
            "up": jnp.ones(shape, bool),
            "random": jax.random.bernoulli(for_spin, self.composition, shape),
            "halves": jnp.broadcast_to(slab, shape),
        }[self.arrangement]
        return State(
            checkerboard.packed(jnp.where(up, 1, -1).astype(jnp.int8)),
            jnp.zeros(SMALL**2, jnp.int8),
            jax.random.rademacher(for_board, (BOARDS, SMALL**2), float),
        )

    def step(self, state: State, key: Key[Array, ""]) -> State:
        match self.update:
            case "mean field":
                return state._replace(spin=self._curie_weiss(state.spin, key))
            case "lattice gas":
                if self.length % 4:
                    raise ValueError(
                        f"length = {self.length} is no multiple of 4: a lattice gas takes one."
                    )
                spin = exchanged(
                    key, checkerboard.unpacked(state.spin), self.coupling / self.temperature
                )
                return state._replace(spin=checkerboard.packed(spin))
            case "any-order marginals":
                return state._replace(board=self._sampled(state, key))
            case _:
                return state._replace(spin=checkerboard.updated(key, state.spin, self.chances()))

    def chances(self) -> tuple[list[Array], list[Array]]:
        """Of being up in the next sweep, for a spin that is down or up, by its neighbours up."""
        f = [self.coupling * (2.0 * n - 4) + self.field for n in range(5)]
        if self.update == "heat bath":
            up = [jax.nn.sigmoid(2 * x / self.temperature) for x in f]
            return up, up
        turns = [jnp.exp(jnp.minimum(2 * x / self.temperature, 0)) for x in f]
        back = [jnp.exp(jnp.minimum(-2 * x / self.temperature, 0)) for x in f]
        return turns, [1 - b for b in back]

    def _curie_weiss(
        self, spin: UInt32[Array, "2 rows half"], key: Key[Array, ""]
    ) -> UInt32[Array, "2 rows half"]:
        for colour, its_key in enumerate(jax.random.split(key)):
            f = self.coupling * jnp.mean(checkerboard.magnetisation(spin)) + self.field
            up = jax.nn.sigmoid(2 * f / self.temperature)
            (new,) = checkerboard.chances(its_key, spin.shape[1:], [up])
            spin = spin.at[colour].set(new)
        return spin

    def _sampled(self, state: State, key: Key[Array, ""]) -> Float[Array, "copies 16"]:
        """A sweep of all copies of the small board, site after site."""
        draw = jax.random.uniform(key, (SMALL**2, BOARDS))

        def update(site: Array, board: Array) -> Array:
            f = self.coupling * board @ jnp.asarray(BONDS)[site] + self.field
            up = draw[site] < jax.nn.sigmoid(2 * f / self.temperature)
            seen = state.observed[site]
            return board.at[:, site].set(jnp.where(seen != 0, seen, jnp.where(up, 1.0, -1.0)))

        return lax.fori_loop(0, SMALL**2, update, state.board)

    def observables(self, state: State) -> Scalars:
        if self.update == "any-order marginals":
            m, bonds = jnp.mean(state.board), jnp.mean(self._bonds(state.board))
            order = jnp.abs(m)
        else:
            black, white = checkerboard.magnetisation(state.spin)
            m, bonds = (black + white) / 2, checkerboard.bonds(state.spin)
            order = jnp.where(
                jnp.asarray(self.coupling) < 0, jnp.abs(black - white) / 2, jnp.abs(m)
            )
        if self.update == "mean field":
            bonds, order = m**2 / 2, jnp.abs(m)
        if self.update == "lattice gas":
            order = self._parted(state)
        e = -self.coupling * bonds - self.field * m
        return {
            "order": order,
            "magnetisation": m,
            "energy": e,
            "m²": order**2,
            "m⁴": order**4,
            "e²": e**2,
        }

    def _bonds(self, board: Float[Array, "copies 16"]) -> Float[Array, " copies"]:
        """Σ ss' over the bonds of each small board, per site."""
        return jnp.sum(board @ jnp.asarray(BONDS) * board, axis=1) / (2 * SMALL**2)

    def _parted(self, state: State) -> Float[Array, ""]:
        """How far the particles have parted: the longest wave, 1 for half a board of either."""
        spin = checkerboard.unpacked(state.spin).astype(float)
        angle = 2 * jnp.pi * jnp.arange(self.length) / self.length
        wave = jnp.stack([jnp.cos(angle), jnp.sin(angle)]) / self.length
        both = jnp.stack([wave @ jnp.mean(spin, axis=axis) for axis in (0, 1)])
        return jnp.pi / 2 * jnp.sqrt(jnp.sum(both**2))

    def derived(self, mean: Scalars) -> Scalars:
        sites = SMALL**2 if self.update == "any-order marginals" else self.length**2
        per_kelvin = sites / self.temperature
        return {
            "susceptibility": per_kelvin * (mean["m²"] - mean["order"] ** 2),
            "heat capacity": per_kelvin / self.temperature * (mean["e²"] - mean["energy"] ** 2),
            "binder": 1 - mean["m⁴"] / (3 * mean["m²"] ** 2),
        }

    # Theory.

    def theory(self) -> Scalars:
        """Onsager's energy and Yang's magnetisation, for h = 0; of a mean field, in any."""
        if self.update == "mean field":
            return self._weiss(jnp.where(jnp.asarray(self.field) < 0, -1.0, 1.0)).values
        k = jnp.abs(self.coupling) / self.temperature
        order, energy = onsager(k)
        silent = jnp.where((jnp.asarray(self.field) == 0) & (k > 0), 0, jnp.nan)
        if self.update == "any-order marginals":
            weight = jax.nn.softmax(
                small_ising.log_weights(
                    BONDS, self.coupling / self.temperature, self.field / self.temperature
                )
            )
            m = jnp.sum(weight @ small_ising.all_states(SMALL**2)) / SMALL**2
            return {"magnetisation": m}  # with all sites free
        if self.update == "lattice gas":
            share = (jnp.asarray(self.composition) - (1 - order) / 2) / jnp.maximum(order, 1e-6)
            dense = jnp.clip(share, 0, 1)  # by the lever rule; a slab of two has the longest wave
            parted = jnp.where((order > 0) & (dense == share), order * jnp.sin(jnp.pi * dense), 0)
            return {"order": parted + jnp.where(jnp.asarray(self.coupling) > 0, 0, jnp.nan)}
        return {"order": order + silent, "energy": jnp.abs(self.coupling) * energy + silent}

    def branches(self) -> dict[str, Branch]:
        if self.update == "mean field":
            return {
                "up": self._weiss(1.0),
                "between": self._saddle(),
                "down": self._weiss(-1.0),
            }
        if self.update in ("lattice gas", "any-order marginals"):
            return {}
        settled = self.theory()
        m, e = settled["order"], settled["energy"]
        silent = jnp.where(jnp.asarray(self.coupling) > 0, 0, jnp.nan)
        return {
            name: Branch({"order": m, "magnetisation": way * m + silent, "energy": e})
            for name, way in (("up", 1), ("down", -1))
        }

    def _weiss(self, guess: Scalar) -> Branch:
        """The solution of m = tanh((Jm + h)/T) that this guess leads to."""
        m, residual = fixed_point(
            lambda m: jnp.tanh((self.coupling * m + self.field) / self.temperature),
            jnp.asarray(guess, float),
            newton=4,
        )
        there = (residual < 1e-4) & (m * guess >= -1e-3)
        return self._of_mean_field(jnp.where(there, m, jnp.nan), stable=True)

    def _saddle(self) -> Branch:
        """The unstable solution between, where there are three."""
        up, down = (self._weiss(way).values["magnetisation"] for way in (1.0, -1.0))
        span = up - down

        def above(share: Array) -> Array:
            m = down + span * share
            return m - jnp.tanh((self.coupling * m + self.field) / self.temperature)

        share = bisect(lambda s: above(0.001 + 0.998 * s), 0.0, 1.0)
        m = down + span * (0.001 + 0.998 * share)
        return self._of_mean_field(jnp.where(span > 1e-2, m, jnp.nan), stable=False)

    def _of_mean_field(self, m: Float[Array, ""], stable: bool) -> Branch:
        e = -self.coupling * m**2 / 2 - self.field * m
        values = {"order": jnp.abs(m), "magnetisation": m, "energy": e}
        return Branch(values, stable, free_energy=e - self.temperature * entropy(m))

    def landscape(self) -> dict[str, Curve]:
        """N f(m)/T of the mean field."""
        if self.update != "mean field":
            return {}
        m = jnp.linspace(-1, 1, 257)
        e = -self.coupling * m**2 / 2 - self.field * m
        height = self.length**2 * (e / self.temperature - entropy(m))
        return {"magnetisation": Curve(m, height - jnp.min(height))}

    def boundaries(self) -> dict[str, Boundary]:
        t, h, j = (jnp.asarray(x, float) for x in (self.temperature, self.field, self.coupling))
        if self.update == "lattice gas":
            return self._binodal(t, j)
        if self.update == "any-order marginals":
            return {}
        # Spinodals of a mean field: of total coupling J, or of four bonds of J each.
        z, name = (1, "spinodal") if self.update == "mean field" else (4, "mean-field spinodal")
        room = jnp.sqrt(jnp.maximum(1 - t / (z * j), 0))
        edge = z * j * room - t * jnp.arctanh(jnp.minimum(room, 0.9999999))
        edge = jnp.where((j > 0) & (t < z * j), edge, jnp.nan)
        critical = j if z == 1 else CRITICAL * jnp.abs(j)
        ordered = (t < critical) & (j > 0)

        def point(t: Array, kind: str) -> Boundary:
            return Boundary({"temperature": jnp.where(h == 0, t, jnp.nan)}, kind=kind)

        rough = {} if z == 1 else {"Bethe": BETHE * jnp.abs(j), "mean field": z * jnp.abs(j)}
        return {
            "critical point": point(critical, "continuous"),
            **{f"critical point, {name}": point(t, "guide") for name, t in rough.items()},
            "either way up": Boundary(
                {"field": jnp.where(ordered, 0, jnp.nan)}, kind="first order"
            ),
            f"{name}, up": Boundary({"field": -edge}, kind="spinodal"),
            f"{name}, down": Boundary({"field": edge}, kind="spinodal"),
        }

    def _binodal(self, t: Float[Array, ""], j: Float[Array, ""]) -> dict[str, Boundary]:
        m, _ = onsager(j / t)
        m = jnp.where((m > 0) & (j > 0), m, jnp.nan)
        x = jnp.asarray(self.composition, float)
        apart = jnp.clip(jnp.abs(2 * x - 1), 0, 0.9999999)
        inverse = jnp.arcsinh((1 - apart**8) ** -0.25)
        room = jnp.sqrt(jnp.where(t < 4 * j, 1 - t / (4 * j), jnp.nan))
        return {
            "critical point": Boundary({"temperature": jnp.where(x == 0.5, CRITICAL * j, jnp.nan)}),
            "they part": Boundary(
                {"composition": (1 - m) / 2, "temperature": 2 * j / inverse}, kind="first order"
            ),
            "they part, dense side": Boundary({"composition": (1 + m) / 2}, kind="first order"),
            "mean-field spinodal": Boundary(
                {"composition": (1 - room) / 2, "temperature": 16 * j * x * (1 - x)},
                kind="spinodal",
            ),
            "mean-field spinodal, dense side": Boundary(
                {"composition": (1 + room) / 2}, kind="spinodal"
            ),
        }

    def caveats(self, state: State) -> Flags:
        gas = self.update == "lattice gas"
        near = jnp.abs(self.temperature - CRITICAL * jnp.abs(self.coupling)) < 2.0 / self.length
        return {
            "at T_c a finite lattice keeps some order, and forgets slowly": near
            & (self.update in ("heat bath", "metropolis")),
            "particles part slowly: theory is for two slabs at rest": jnp.bool_(
                gas and self.arrangement != "halves"
            ),
        }

    @poke(view="lattice")
    def flip(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Turn the spins under the hand up, or down with the other button; observe them so."""
        if self.update == "any-order marginals":
            x, y = touch.position
            column, row = jnp.arange(SMALL**2) % SMALL, jnp.arange(SMALL**2) // SMALL
            here = (jnp.floor(x) == column) & (jnp.floor(y) == row)
            seen = jnp.where(here, jnp.sign(touch.sign), state.observed)
            return state._replace(observed=seen.astype(jnp.int8))
        under = disc(self.length, touch)
        new = jnp.where(under, jnp.sign(touch.sign), checkerboard.unpacked(state.spin))
        return state._replace(spin=checkerboard.packed(new.astype(jnp.int8)))

    @poke()
    def forget(self, state: State, key: Key[Array, ""]) -> State:
        """Let all sites of the small board be free again."""
        return state._replace(observed=jnp.zeros_like(state.observed))

    def frame(self, state: State) -> Frame:
        if self.update == "any-order marginals":
            return self._marginals(state)
        # Once, and not for each of those that read it: see `checkerboard.updated`.
        spin = lax.optimization_barrier(checkerboard.unpacked(state.spin))
        board = Box(jnp.zeros(2), jnp.full(2, float(self.length)), periodic=True)
        return {
            "lattice": (board, Image(spin.astype(float), scale="signed", span=(-1, 1))),
            "correlation": self._correlation(state.spin),
            "energies": self._energies(spin),
        }

    def _energies(self, spin: Int8[Array, "length length"]) -> tuple[Axes, Bars, Curve]:
        """Of blocks of the lattice, each in the heat bath of all others."""
        m = checkerboard.block_means(spin, BLOCK)
        around = jnp.roll(spin, -1, 0) + jnp.roll(spin, -1, 1)
        bonds = checkerboard.block_means(spin * around, BLOCK)
        if self.update == "mean field":
            bonds = m * jnp.mean(m) / 2
        e = -self.coupling * bonds - self.field * m
        return self._counted(e.ravel(), f"{BLOCK} × {BLOCK} blocks")

    def _counted(self, e: Float[Array, " many"], label: str) -> tuple[Axes, Bars, Curve]:
        # Without field a block has 129 levels J/32 apart: three in each bin, or bars would ripple.
        reach = 129 / 64 * jnp.abs(self.coupling) + jnp.abs(self.field) + 1e-3
        bars = histogram(e / reach, (-1, 1), bins=43)
        density, mean = bars.height / reach, self.theory().get("energy", jnp.nan)
        return (
            Axes("energy per spin e", "P(e)"),
            Bars(bars.edges * reach, density, label=label),
            Curve(jnp.full(2, mean), jnp.max(density) * jnp.arange(2.0), label="mean, by theory"),
        )

    def _correlation(self, board: UInt32[Array, "2 rows half"]) -> tuple[Axes, Curve, Curve]:
        far = max(1, self.length // 2 - 1)
        apart = jnp.asarray(np.unique(np.geomspace(1, far, 64).astype(int)))
        r = apart.astype(float)
        return (
            Axes("distance r", "⟨s₀ s_r⟩", log="x"),
            Curve(r, CRITICAL_DECAY * r**-0.25, "guide", label="at T_c: 0.703 r^{-1/4}"),
            Curve(r, checkerboard.correlation(board, apart), "measured"),
        )

    def _marginals(self, state: State) -> Frame:
        k, h = self.coupling / self.temperature, self.field / self.temperature
        exact, _ = small_ising.exact(BONDS, k, h, state.observed.astype(int))
        naive = small_ising.mean_field(BONDS, k, h, state.observed.astype(int))
        bethe = small_ising.bethe(BONDS, k, h, state.observed.astype(int))
        place = jnp.stack(jnp.divmod(jnp.arange(SMALL**2), SMALL)[::-1], axis=1) + 0.5
        hidden = jnp.full((SMALL**2, 2), -1e6)  # no view reaches there
        ends = jnp.arange(SMALL**2 + 1.0)
        middle = ends[:-1] + 0.5
        e = -self.coupling * self._bonds(state.board) - self.field * jnp.mean(state.board, axis=1)

        def marks(seen: int, word: str) -> Text:
            shown = jnp.where((state.observed == seen)[:, None], place, hidden)
            return Text(shown, (word,) * SMALL**2)

        return {
            "lattice": (
                Box(jnp.zeros(2), jnp.full(2, float(SMALL))),
                Image(exact.reshape(SMALL, SMALL), scale="signed", span=(-1, 1)),
                marks(1, "+"),
                marks(-1, "−"),
            ),
            "correlation": (
                Axes("site", "P(up | observed)"),
                Bars(ends, (1 + jnp.mean(state.board, axis=0)) / 2, label="sampled"),
                Curve(middle, (1 + exact) / 2, label="exact"),
                Curve(middle, (1 + bethe) / 2, "guide", label="Bethe"),
                Curve(middle, (1 + naive) / 2, "guide", label="mean field"),
            ),
            "energies": self._counted(e, f"{BOARDS} copies"),
        }


def entropy(m: Float[Array, "*m"]) -> Float[Array, "*m"]:
    """Of a free spin of mean m."""
    up, down = (1 + m) / 2, (1 - m) / 2
    return -jax.scipy.special.xlogy(up, up) - jax.scipy.special.xlogy(down, down)


def disc(length: int, touch: Touch) -> Bool[Array, "length length"]:
    """The sites that a hand covers; x counts columns, y rows."""
    x, y = touch.position
    row, column = jnp.indices((length, length)) + 0.5
    apart = jnp.stack([column - x, row - y])
    apart = apart - length * jnp.round(apart / length)
    return jnp.sum(apart**2, axis=0) < jnp.asarray(touch.radius) ** 2
