"""The spin glass of Sherrington and Kirkpatrick, and its relatives of three spins at a time."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Curve, Frame, Image
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System, poke
from engine.core.theory import Boundary, Branch, Flags, Scalars
from engine.numerics import p_spin
from engine.numerics.roots import bisect


LADDER = 16  # temperatures that replicas climb and descend
TOP = 1.6  # the highest of them, unless T is near it
BINS = 64  # of the overlap, from −1 to 1
MEMORY = 2000  # sweeps that the histogram remembers
WIDEST = 160  # spins whose triples fit into memory


class State(NamedTuple):
    spin: Float[Array, "ladder 2 n"]  # ±1; two replicas at each temperature, coldest first
    coupling: Float[Array, "..."]  # J_ij, or J_ijk: symmetric, 0 where two indices agree
    histogram: Float[Array, " bins"]  # how often each overlap was seen, forgetting slowly
    swaps: Float[Array, ""]  # share of the exchanges that were made, likewise


class SpinGlass(System[State]):
    """Spin glass

    Spins that all interact at random, in pairs (Sherrington and Kirkpatrick) or in triples:

        H = −Σ_{i<j} J_ij sᵢsⱼ − h Σᵢ sᵢ,    or    H = −Σ_{i<j<k} J_ijk sᵢsⱼs_k − h Σᵢ sᵢ

    Two replicas of the same disorder are compared. Below the transition they stop agreeing: the
    distribution P(q) of their overlap spreads (pairs), or splits in two (triples). Replicas at 16
    temperatures exchange places, or the glass would hold them for ever. A tick is a sweep.
    """

    sources = ("albanese2021rsb", "sherrington1975", "dealmeida1978", "parisi1979", "gardner1985")
    equations = (
        Equation(
            r"H=-\sum_{i_1<\dots<i_p}J_{i_1\dots i_p}s_{i_1}\cdots s_{i_p}-h\sum_i s_i,\qquad "
            r"\mathrm{Var}\,J=\frac{p!}{2N^{p-1}}",
            "random interactions of p spins",
        ),
        Equation(
            r"q=\int\!Dz\,\tanh^2\frac{h+\sqrt{pq^{p-1}/2}\,z}{T}", "replica symmetric overlap"
        ),
        Equation(
            r"1=\frac{p(p-1)}{2T^2}\,q^{p-2}\int\!Dz\,\mathrm{sech}^4\frac{h+\sqrt{pq^{p-1}/2}\,z}{T}",
            "its limit of stability (de Almeida and Thouless)",
        ),
        Equation(
            r"q=\frac{\int\!Dz\,\cosh^m(sz)\tanh^2(sz)}{\int\!Dz\,\cosh^m(sz)},\qquad "
            r"\frac{\partial f}{\partial m}=0,\qquad s=\frac{\sqrt{pq^{p-1}/2}}{T}",
            "one step of replica symmetry breaking",
        ),
    )
    theory_name = "replica theory"
    assumptions = (
        "N → ∞: replica symmetry where it is stable; for triples without field, one step of "
        "symmetry breaking below T_K. Silent in the glass of pairs, which breaks it in full."
    )
    hints: ClassVar[Mapping[str, Hint]] = {"ladder": Hint(large=False, glow=False)}
    quenched: ClassVar[tuple[str, ...]] = ("coupling",)
    cell: ClassVar[Mapping[str, int]] = {"n": 64}
    presets = (
        Preset("pairs, glass", order="2", temperature=0.4, field=0.0),
        Preset("pairs, paramagnet", order="2", temperature=1.4, field=0.0),
        Preset("pairs in a field", order="2", temperature=0.4, field=0.3),
        Preset("triples, glass", order="3", temperature=0.45, field=0.0, n=64),
    )
    quantities = (
        Quantity("overlap", symbol="|q|", span=(0, 1), help="of two replicas at T"),
        Quantity("energy", symbol="e", help="per spin, at T"),
        Quantity("swaps", symbol="swap rate", span=(0, 1), help="of exchanges on the ladder"),
        Quantity("glass susceptibility", symbol="N⟨q²⟩", log=True),
    )
    clock = "sweeps"

    temperature: Scalar = live(
        default=0.5, span=(0.1, 1.5), symbol="T", help="the lowest of the ladder", limits=(0.02, 99)
    )
    field: Scalar = live(
        default=0.0, span=(0, 2), symbol="h", help="along the spins", limits=(0, math.inf)
    )
    order: str = start(default="2", choices=("2", "3"), help="p: spins that interact at a time")
    n: int = size(default=128, span=(32, 2048), symbol="N", help="spins; triples at most 160")

    @property
    def p(self) -> int:
        return int(self.order)

    def init(self, key: Key[Array, ""]) -> State:
        for_coupling, for_spin = jax.random.split(key)
        if self.p == 2:
            raw = jax.random.normal(for_coupling, (self.n, self.n)) / math.sqrt(self.n)
            upper = jnp.triu(raw, 1)
            coupling = upper + upper.T
        else:
            if self.n > WIDEST:
                raise ValueError(
                    f"n = {self.n} spins have too many triples: give at most {WIDEST} for order 3."
                )
            raw = jax.random.normal(for_coupling, (self.n,) * 3) * math.sqrt(3) / self.n
            i, j, k = jnp.ogrid[: self.n, : self.n, : self.n]
            upper = jnp.where((i < j) & (j < k), raw, 0.0)
            turns = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
            coupling = sum((upper.transpose(turn) for turn in turns[1:]), upper)
        spin = jax.random.rademacher(for_spin, (LADDER, 2, self.n), float)
        return State(spin, coupling, jnp.zeros(BINS), jnp.zeros(()))

    def ladder(self) -> Float[Array, " ladder"]:
        """Temperatures from T up, at equal ratios."""
        low = jnp.asarray(self.temperature, float)
        return low * (jnp.maximum(TOP, 1.5 * low) / low) ** (jnp.arange(LADDER) / (LADDER - 1))

    def local(self, coupling: Float[Array, "..."], spin: Float[Array, "ladder 2 n"]) -> Array:
        """The field on one spin by all others, of its row of couplings."""
        if self.p == 2:
            return spin @ coupling
        return jnp.sum((spin @ coupling) * spin, axis=-1) / 2

    def energies(self, state: State) -> Float[Array, "ladder 2"]:
        if self.p == 2:
            inner = jnp.sum((state.spin @ state.coupling) * state.spin, axis=-1) / 2
        else:
            pairs = jnp.einsum("ijk,abk->abij", state.coupling, state.spin)
            inner = jnp.einsum("abij,abi,abj->ab", pairs, state.spin, state.spin) / 6
        return -inner - self.field * jnp.sum(state.spin, axis=-1)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_spin, for_swap, for_turn = jax.random.split(key, 3)
        beta = 1 / self.ladder()
        draw = jax.random.uniform(for_spin, (self.n, LADDER, 2))

        # One spin after the other: that keeps detailed balance, which blocks would not.
        def update(spin: Array, site: tuple[Array, ...]) -> tuple[Array, None]:
            number, coupling, draw = site
            h = self.local(coupling, spin) + self.field
            new = jnp.where(draw < jax.nn.sigmoid(2 * beta[:, None] * h), 1.0, -1.0)
            return spin.at[:, :, number].set(new), None

        spin, _ = lax.scan(update, state.spin, (jnp.arange(self.n), state.coupling, draw))
        state = state._replace(spin=spin)
        # Neighbours on the ladder exchange their states; every other sweep other pairs.
        rung = jnp.arange(LADDER)
        odd = jax.random.bernoulli(for_turn).astype(int)
        other = jnp.clip(jnp.where((rung + odd) % 2 == 0, rung + 1, rung - 1), 0, LADDER - 1)
        energy = self.energies(state)
        gain = (beta[other] - beta)[:, None] * (energy[other] - energy)
        chance = jax.random.uniform(for_swap, (LADDER, 2))
        swap = chance[jnp.minimum(rung, other)] < jnp.exp(jnp.minimum(gain, 0))
        source = jnp.where(swap, other[:, None], rung[:, None])
        spin = jnp.take_along_axis(spin, source[:, :, None], axis=0)
        real = (other != rung)[:, None]
        rate = jnp.sum(swap & real) / jnp.sum(real & jnp.ones_like(swap))
        q = jnp.mean(spin[0, 0] * spin[0, 1])
        bin_ = jnp.clip(((q + 1) / 2 * BINS).astype(int), 0, BINS - 1)
        kept = 1 - 1 / MEMORY
        return State(
            spin,
            state.coupling,
            kept * state.histogram.at[bin_].add(1.0),
            kept * state.swaps + (1 - kept) * rate,
        )

    def observables(self, state: State) -> Scalars:
        q = jnp.mean(state.spin[0, 0] * state.spin[0, 1])
        seen = jnp.sum(state.histogram) / MEMORY  # of the swap rate's memory, so far
        return {
            "overlap": jnp.abs(q),
            "energy": jnp.mean(self.energies(state)[0]) / self.n,
            "swaps": state.swaps / jnp.maximum(seen, 1e-6),
            "q²": q**2,
        }

    def derived(self, mean: Scalars) -> Scalars:
        return {"glass susceptibility": self.n * mean["q²"]}

    # Theory.

    def _symmetric(self) -> tuple[Array, Array, Array]:
        """q, the energy and the stability coefficient of replica symmetry."""
        t, h = self.temperature, self.field
        q, _ = p_spin.symmetric(self.p, t, h)
        width = jnp.sqrt(self.p * q ** (self.p - 1) / 2)
        m = p_spin.gaussian_mean(lambda z: jnp.tanh((h + width * z) / t))
        energy = -(1 - q**self.p) / (2 * jnp.asarray(t)) - h * m
        return q, energy, p_spin.instability(self.p, t, h, q)

    def theory(self) -> Scalars:
        q, energy, coefficient = self._symmetric()
        if self.p == 2:
            silent = jnp.where(coefficient < 1.0001, 0, jnp.nan)
            hot = 1 / (1 - jnp.minimum(1 / jnp.asarray(self.temperature) ** 2, 1))
            hot = jnp.where((jnp.asarray(self.field) == 0) & (self.temperature > 1), hot, jnp.nan)
            return {"overlap": q + silent, "energy": energy + silent, "glass susceptibility": hot}
        q, m, energy = p_spin.broken(self.p, self.temperature)
        silent = jnp.where(jnp.asarray(self.field) == 0, 0, jnp.nan)
        return {"overlap": (1 - m) * q + silent, "energy": energy + silent}

    def branches(self) -> dict[str, Branch]:
        q, energy, coefficient = self._symmetric()
        found = {
            "replica symmetric": Branch(
                {"overlap": q, "energy": energy}, stable=coefficient <= 1.0001
            )
        }
        if self.p > 2:
            q, m, energy = p_spin.broken(self.p, self.temperature)
            there = (q > 0) & (jnp.asarray(self.field) == 0)
            values = {"overlap": (1 - m) * q, "energy": energy}
            found["one step broken"] = Branch(
                {name: jnp.where(there, value, jnp.nan) for name, value in values.items()}
            )
        return found

    def boundaries(self) -> dict[str, Boundary]:
        if self.p > 2:
            dynamic, static = p_spin.transitions(self.p)
            silent = jnp.where(jnp.asarray(self.field) == 0, 0, jnp.nan)
            return {
                "glass (T_K)": Boundary({"temperature": static + silent}, kind="first order"),
                "clusters (T_d)": Boundary({"temperature": dynamic + silent}, kind="spinodal"),
            }

        def unstable(t: Scalar, h: Scalar) -> Array:
            q, _ = p_spin.symmetric(2, t, h)
            return p_spin.instability(2, t, h, q) - 1

        t, h = jnp.asarray(self.temperature, float), jnp.asarray(self.field, float)
        at_h = bisect(lambda x: unstable(t, x), 1e-4, 3.0)
        at_t = bisect(lambda x: unstable(x, jnp.maximum(h, 1e-4)), 0.03, 1.1)
        return {
            "replica symmetry breaks": Boundary(
                {
                    "temperature": jnp.where(at_t > 0.031, at_t, jnp.nan),
                    "field": jnp.where(t < 1, at_h, jnp.nan),
                }
            )
        }

    def caveats(self, state: State) -> Flags:
        return {
            "cold glasses take 10⁴ sweeps to settle: see the swap rate": jnp.asarray(
                self.temperature < 0.4
            ),
            "one draw of the couplings: P(q) differs from draw to draw in a glass": jnp.asarray(
                self.temperature < 1
            ),
        }

    @poke()
    def forget_overlaps(self, state: State, key: Key[Array, ""]) -> State:
        """Count the overlaps anew."""
        return state._replace(histogram=jnp.zeros(BINS), swaps=jnp.zeros(()))

    def frame(self, state: State) -> Frame:
        edges = jnp.linspace(-1, 1, BINS + 1)
        density = state.histogram / jnp.maximum(jnp.sum(state.histogram), 1) * BINS / 2
        now = jnp.mean(state.spin[0, 0] * state.spin[0, 1])
        height = jnp.maximum(jnp.max(density), 1.0)
        peaks = self._peaks()
        rows = math.isqrt(self.n)
        board = state.spin[:, 0, : rows * (self.n // rows)].reshape(4, 4, rows, -1)
        # Four by four of them, the coldest at the bottom left.
        tiles = jnp.pad(board, ((0, 0), (0, 0), (1, 1), (1, 1))).transpose(0, 2, 1, 3)
        tiles = tiles.reshape(4 * (rows + 2), -1)
        return {
            "overlaps": (
                Axes("overlap q of two replicas", "P(q)"),
                Bars(edges, density, label="measured"),
                Curve(jnp.stack([now, now]), jnp.stack([0 * height, height]), "guide", "now"),
                *peaks,
            ),
            "ladder": (
                Box(jnp.zeros(2), jnp.array([float(tiles.shape[1]), float(tiles.shape[0])])),
                Image(tiles, scale="signed", span=(-1, 1)),
            ),
        }

    def _peaks(self) -> tuple[Curve, ...]:
        """Where theory puts P(q): weights m at 0 and 1 − m at ±q, or one peak."""
        if self.p == 2:
            q, _, coefficient = self._symmetric()
            q = jnp.where(coefficient < 1.0001, q, jnp.nan)
            heights, places = [jnp.asarray(4.0)], [q]
        else:
            q, m, _ = p_spin.broken(self.p, self.temperature)
            silent = jnp.where(jnp.asarray(self.field) == 0, 0, jnp.nan)
            q = q + silent
            heights, places = [8 * m, 4 * (1 - m), 4 * (1 - m)], [0 * q, q, -q]
        return tuple(
            Curve(jnp.stack([x, x]), jnp.stack([0 * x, y + 0 * x]), label="theory" if not k else "")
            for k, (x, y) in enumerate(zip(places, heights, strict=True))
        )
