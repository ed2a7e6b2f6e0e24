"""Ions that hop through a narrow channel: what little knowledge tells, and what currents add."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Colour, Curve, Frame, Points, Segments
from engine.core.parameters import Scalar, live, size
from engine.core.system import System, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics import hopping
from engine.numerics.maximum_entropy import levels


SHOWN = 14  # channels that are drawn
LENGTH, HEIGHT, BATH = 1.6, 1.8, 0.5  # of the picture: channels, all of them, a bath beside
RADIUS = 0.036  # of an ion there
DOTS = 160  # of a bath at the highest concentration that a slider offers
DENSEST = 10.0
REACH = 128  # ions that may pass in a window, either way, and be counted
PARTS = (0.25, 0.5, 1.0)  # of a window after which they are counted
FEWEST = 10  # counts behind a ratio that is drawn
BARS = 24
MOST = 40  # ions in a ratio that is drawn
VOLTAGES = np.linspace(-4, 4, 41)
TILTS = 41


class Tally(NamedTuple):
    """What is counted while the parameters stay as they are."""

    under: Float[Array, " p"]  # the parameters
    window: Int[Array, ""]  # windows that are over; the first is for settling
    passed: Int[Array, ""]  # ticks of the present one
    counts: Int[Array, "parts charges"]  # of channels by the ions that have passed in a window
    ticks: Int[Array, ""]  # after the first window
    crowd: Float[Array, " crowds"]  # sums over them: the share of channels by their ions, ...
    flow: Float[Array, ""]  # ... and the current


class State(NamedTuple):
    taken: Int[Array, " n"]  # of each channel: bit i says whether an ion is on site i
    charge: Int[Array, " n"]  # ions that have left to the right in this window
    flow: Float[Array, ""]  # of the last step: ions per channel and time
    tally: Tally


class IonChannel(System[State]):
    """Ion channel

    Ions hop along a few sites between two baths, one ion on a site, driven by a voltage and by
    unequal concentrations. Attempts to move succeed at the rate

        k = c e^{−ΔE/2T},    c the concentration of the bath that an ion comes from, else 1

    Without a current, what is known of the channel is built up by maximum entropy: how many ions
    are in it, on which sites, which of them side by side; the last is all there is to know. With
    one it is not, but the odds of Q ions passing to the right, rather than back, know only the
    force that drives them: a straight line.
    """

    sources = ("rogers2011information",)
    after = True
    equations = (
        Equation(r"P(s)\propto e^{-(E_s-\mu N_s)/T}", "no current: the maximum of entropy"),
        Equation(
            r"E=\sum_i\left[U_i-V\left(\frac{i}{n+1}-\frac12\right)\right]n_i"
            r"+J\sum_i n_in_{i+1},\quad U_i=\varepsilon+4b\,\frac{i\,(n+1-i)}{(n+1)^2}",
            "wells, voltage, neighbours",
        ),
        Equation(
            r"\ln\frac{P(Q_t)}{P(-Q_t)}\to\frac{V+T\ln(c_L/c_R)}{T}\,Q_t",
            "fluctuation theorem, in long windows",
        ),
        Equation(
            r"\langle e^{sQ_t}\rangle\sim e^{\lambda(s)t},\qquad\lambda(s)=\lambda(-A-s)",
            "the same, for all cumulants",
        ),
        Equation(
            r"j=P\,\frac{V}{T}\,\frac{c_L-c_R\,e^{-V/T}}{1-e^{-V/T}}",
            "few ions, many sites (Goldman, Hodgkin, Katz)",
        ),
    )
    theory_name = "exact"
    assumptions = (
        "All states of a channel are listed, so the averages are exact; the law of Q is that of "
        "long windows, by its saddle."
    )
    presets = (
        Preset("driven", voltage=1.0, left=2.0, right=1.0),
        Preset("at reversal", voltage=-0.693147, left=2.0, right=1.0, repulsion=2.0),
        Preset("one site", voltage=0.81093, left=2.0, right=0.75, well=0.405465, sites=1),
        Preset("uphill", voltage=2.0, left=0.3, right=1.0),
        Preset("single file", voltage=2.0, left=5.0, right=5.0, well=-1.0, sites=6),
        Preset("few ions", voltage=2.0, left=0.05, right=0.05, sites=6),
    )
    quantities = (
        Quantity("dissipation", symbol="σ", help="entropy made per channel and time, in k"),
        Quantity("current", symbol="j", help="ions to the right per channel and time"),
        Quantity("occupancy", symbol="⟨n⟩", span=(0, 1), help="share of sites with an ion"),
        Quantity("noise", symbol="Var Q/t", help="of the ions that pass in a window"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "channels": Hint(glow=False),
        "odds": Hint(large=False),
        "charge": Hint(large=False),
        "current": Hint(large=False),
        "ions": Hint(large=False),
    }
    cell: ClassVar[Mapping[str, int]] = {"n": 256}

    voltage: Scalar = live(
        default=1.0, span=(-4, 4), symbol="V", help="drives ions to the right", limits=(-40, 40)
    )
    left: Scalar = live(
        default=2.0,
        span=(0.01, DENSEST),
        symbol="c_L",
        help="concentration on the left",
        log=True,
        limits=(1e-4, 1e3),
    )
    right: Scalar = live(
        default=1.0,
        span=(0.01, DENSEST),
        symbol="c_R",
        help="concentration on the right",
        log=True,
        limits=(1e-4, 1e3),
    )
    repulsion: Scalar = live(
        default=1.0, span=(-3, 3), symbol="J", help="between neighbours", limits=(-20, 20)
    )
    well: Scalar = live(
        default=0.0, span=(-2, 2), symbol="ε", help="energy of a site", limits=(-20, 20)
    )
    barrier: Scalar = live(
        default=0.0, span=(-2, 2), symbol="b", help="more of it in the middle", limits=(-20, 20)
    )
    temperature: Scalar = live(
        default=1.0, span=(0.5, 2), symbol="T", help="of the ions", log=True, limits=(0.2, 100)
    )
    window: Scalar = live(
        default=8.0,
        span=(1, 50),
        symbol="t",
        help="time that passing ions are counted for",
        log=True,
        limits=(0.1, 1e4),
    )
    dt: Scalar = live(
        default=0.05, span=(0.005, 0.5), symbol="Δt", help="step", log=True, limits=(1e-4, 10)
    )
    n: int = size(default=2000, span=(32, 65_536), symbol="N", help="channels")
    sites: int = size(default=3, span=(1, 6), symbol="n", help="sites of a channel")

    # The channel.

    def wells(self, voltage: Scalar) -> tuple[Float[Array, " sites"], Float[Array, " states"]]:
        """Energies of sites without the voltage, and of all states with it."""
        x = jnp.arange(1, self.sites + 1) / (self.sites + 1)
        well = self.well + self.barrier * 4 * x * (1 - x)
        return well, hopping.energies(well, jnp.asarray(voltage), jnp.asarray(self.repulsion))

    def rates(self, voltage: Scalar) -> Float[Array, "states moves"]:
        _, energy = self.wells(voltage)
        numbers = (voltage, self.left, self.right, self.temperature)
        return hopping.rates(energy, *(jnp.asarray(number, float) for number in numbers))

    def force(self) -> Float[Array, ""]:
        """Entropy that one ion makes on its way to the right."""
        return self.voltage / self.temperature + jnp.log(self.left / self.right)

    def init(self, key: Key[Array, ""]) -> State:
        # As in equilibrium with the mean of both baths, from where it settles soon.
        _, energy = self.wells(self.voltage)
        number = hopping.moves(self.sites).full.sum(axis=1)
        mean = jnp.log(self.left * self.right) / 2
        taken = jax.random.categorical(
            key, mean * number - energy / self.temperature, shape=(self.n,)
        )
        taken = taken.astype(jnp.int32)
        none = jnp.zeros(self.n, jnp.int32)
        return State(taken, none, jnp.zeros(()), self._fresh())

    def _fresh(self) -> Tally:
        zero, none = jnp.int32(0), jnp.zeros(())
        counts = jnp.zeros((len(PARTS), 2 * REACH + 1), jnp.int32)
        return Tally(self._under(), zero, zero, counts, zero, jnp.zeros(self.sites + 1), none)

    def _under(self) -> Float[Array, " p"]:
        numbers = (
            *(self.voltage, self.left, self.right, self.repulsion, self.well),
            *(self.barrier, self.temperature, self.window, self.dt),
        )
        return jnp.stack([jnp.asarray(number, float) for number in numbers])

    def step(self, state: State, key: Key[Array, ""]) -> State:
        taken, passed = self.hopped(state.taken, key)
        flow = jnp.mean(passed.astype(float)) / self.dt
        return self._counted(State(taken, state.charge + passed, flow, state.tally))

    def hopped(
        self, taken: Int[Array, " n"], key: Key[Array, ""]
    ) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
        """All channels one step later, and the ions that have left each to the right.

        Exact (Gillespie): each channel waits for its next event and takes it, if it comes within
        the step. What is left of a wait can be forgotten at its end, for waits have no memory.
        """
        rate = self.rates(self.voltage)
        upto = jnp.cumsum(rate, axis=1)
        target = jnp.asarray(hopping.moves(self.sites).target, jnp.int32)
        way = jnp.zeros(2 * self.sites + 2, jnp.int32).at[-2:].set(jnp.array([1, -1]))

        def busy(carry: tuple[Array, Array, Array, Array]) -> Array:
            return jnp.any(carry[1] < self.dt)

        def event(carry: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
            turn, time, taken, passed = carry
            drawn = jax.random.uniform(jax.random.fold_in(key, turn), (2, self.n))
            chances = upto[taken]
            time = time - jnp.log1p(-drawn[0]) / chances[:, -1]
            move = jnp.sum(drawn[1, :, None] * chances[:, -1:] >= chances, axis=1)
            move = jnp.minimum(move, 2 * self.sites + 1)
            now = time < self.dt
            return (
                turn + 1,
                time,
                jnp.where(now, target[taken, move], taken),
                passed + jnp.where(now, way[move], 0),
            )

        none = jnp.zeros(self.n, jnp.int32)
        carry = (jnp.int32(0), jnp.zeros(self.n), taken, none)
        _, _, taken, passed = lax.while_loop(busy, event, carry)
        return taken, passed

    # What is counted.

    def _counted(self, state: State) -> State:
        under = self._under()
        same = jnp.all(under == state.tally.under)
        fresh = self._fresh()
        tally = jax.tree.map(lambda old, new: jnp.where(same, old, new), state.tally, fresh)
        charge = jnp.where(same, state.charge, 0)
        passed = tally.passed + 1
        due = jnp.maximum(jnp.ceil(jnp.asarray(PARTS) * self.window / self.dt), 1).astype(jnp.int32)
        part = jnp.max(jnp.where(passed == due, jnp.arange(len(PARTS)), -1))
        over, settled = passed >= due[-1], tally.window > 0
        heard = settled & (part >= 0) & (jnp.abs(charge) <= REACH)
        place = jnp.clip(charge + REACH, 0, 2 * REACH)
        counts = tally.counts.at[jnp.maximum(part, 0), place].add(heard.astype(jnp.int32))
        weight = settled.astype(float)
        tally = Tally(
            under,
            tally.window + over,
            jnp.where(over, 0, passed),
            counts,
            tally.ticks + settled,
            tally.crowd + weight * self.crowd(state.taken),
            tally.flow + weight * state.flow,
        )
        return state._replace(charge=jnp.where(over, 0, charge), tally=tally)

    def crowd(self, taken: Int[Array, " n"]) -> Float[Array, " crowds"]:
        """The share of channels with 0, 1, 2 ... ions."""
        number = jnp.asarray(hopping.moves(self.sites).full.sum(axis=1))[taken]
        return jnp.mean(number[:, None] == jnp.arange(self.sites + 1), axis=0)

    def observables(self, state: State) -> Scalars:
        number = jnp.asarray(hopping.moves(self.sites).full.sum(axis=1))
        q = jnp.arange(-REACH, REACH + 1)
        counts = state.tally.counts[-1].astype(float)
        share = counts / jnp.maximum(jnp.sum(counts), 1)
        counted = (share @ q**2 - (share @ q) ** 2) / self.window
        time = jnp.maximum(state.tally.passed, 1) * self.dt
        now = jnp.var(state.charge.astype(float)) / time
        return {
            "dissipation": self.force() * state.flow,
            "current": state.flow,
            "occupancy": jnp.mean(number[state.taken]) / self.sites,
            "noise": jnp.where(jnp.sum(counts) > 0, counted, now),
        }

    # What is exact.

    def theory(self) -> Scalars:
        rate = self.rates(self.voltage)
        current, noise = hopping.current_cumulants(rate)
        number = hopping.moves(self.sites).full.sum(axis=1)
        p = hopping.stationary(hopping.flows(rate))
        return {
            "dissipation": self.force() * current,
            "current": current,
            "occupancy": p @ number / self.sites,
            "noise": noise,
        }

    def boundaries(self) -> dict[str, Boundary]:
        balanced = self.temperature * jnp.log(self.right / self.left)
        left = self.right * jnp.exp(-self.voltage / self.temperature)
        return {"reversal": Boundary({"voltage": balanced, "left": left}, kind="guide")}

    def caveats(self, state: State) -> Flags:
        many = jnp.mean(jnp.abs(state.charge) > REACH) > 0.01
        return {f"more than {REACH} ions pass in a window: shorten it": many}

    @poke()
    def empty(self, state: State, key: Key[Array, ""]) -> State:
        """Take all ions out of the channels."""
        return State(0 * state.taken, 0 * state.charge, state.flow, self._fresh())

    @poke()
    def fill(self, state: State, key: Key[Array, ""]) -> State:
        """Put an ion on every site."""
        full = 0 * state.taken + (2**self.sites - 1)
        return State(full, 0 * state.charge, state.flow, self._fresh())

    # What is drawn.

    def frame(self, state: State) -> Frame:
        return {
            "channels": self.channels(state),
            "odds": self.odds(state),
            "charge": self.charges(state),
            "current": self.currents(state),
            "ions": self.crowds(state),
        }

    def channels(self, state: State) -> tuple[Box, Segments, Points]:
        """Some of the channels, one above the other, and dots for the concentrations."""
        row = (jnp.arange(SHOWN) + 0.5) / SHOWN - 0.5
        x = (jnp.arange(1, self.sites + 1) / (self.sites + 1) - 0.5) * LENGTH
        site = jnp.stack(jnp.meshgrid(x, row * HEIGHT), axis=-1).reshape(-1, 2)
        there = (state.taken[:SHOWN, None] >> jnp.arange(self.sites)) & 1
        ions = jnp.where(there.reshape(-1, 1) == 1, site, jnp.nan)
        dots = jnp.concatenate([self.bath(self.left, -1), self.bath(self.right, 1)])
        passed = jnp.repeat(state.charge[:SHOWN].astype(float), self.sites)
        colour = Colour(jnp.concatenate([passed, jnp.zeros(len(dots))]), "signed", (-8, 8))
        height = (row[:, None] + jnp.array([-0.3, 0.3]) / SHOWN).reshape(-1) * HEIGHT
        walls = jnp.stack([jnp.full(2 * SHOWN, LENGTH / 2), height], axis=1)
        corner = jnp.array([LENGTH / 2 + BATH, HEIGHT / 2])
        return (
            Box(-corner, corner),
            Segments(walls * jnp.array([-1.0, 1.0]), walls),
            Points(
                jnp.concatenate([ions, dots]), {"ions passed to the right": colour}, radius=RADIUS
            ),
        )

    def bath(self, concentration: Scalar, side: int) -> Float[Array, "dots 2"]:
        """As many dots as there are ions to come in, spread evenly and always alike."""
        k = jnp.arange(DOTS)
        across, up = 0.7548777 * k % 1, 0.5698403 * k % 1
        x = side * (LENGTH / 2 + BATH * (0.08 + 0.88 * across))
        place = jnp.stack([x, HEIGHT * (0.96 * up - 0.48)], axis=1)
        seen = k < DOTS * jnp.asarray(concentration) / DENSEST
        return jnp.where(seen[:, None], place, jnp.nan)

    def odds(self, state: State) -> tuple[Axes, Curve, Curve, Curve, Curve]:
        """ln P(Q)/P(−Q) after parts of a window, and the line that it comes to."""
        q = jnp.arange(1, MOST + 1)
        onward = state.tally.counts[:, REACH + 1 : REACH + 1 + MOST].astype(float)
        back = state.tally.counts[:, REACH - MOST : REACH][:, ::-1].astype(float)
        seen = (onward >= FEWEST) & (back >= FEWEST)
        ratio = jnp.where(seen, jnp.log(jnp.maximum(onward, 1) / jnp.maximum(back, 1)), jnp.nan)
        there = jnp.where(seen, q, jnp.nan)
        end = jnp.maximum(jnp.max(jnp.where(seen, q, 0)), 4) + 1.0
        line = jnp.stack([jnp.zeros(()), end])
        quarter, half, whole = (
            Curve(there[k], ratio[k], role, label)
            for k, (role, label) in enumerate(
                [("guide", "t/4"), ("guide", "t/2"), ("measured", "t")]
            )
        )
        return (
            Axes("ions Q", "ln P(Q)/P(−Q)"),
            Curve(line, self.force() * line, label="A Q"),
            quarter,
            half,
            whole,
        )

    def charges(self, state: State) -> tuple[Axes, Bars, Curve]:
        """The law of the ions that pass in a window, in bars of some whole numbers each."""
        time = jnp.maximum(jnp.ceil(self.window / self.dt), 1) * self.dt
        rate = self.rates(self.voltage)
        current, noise = hopping.current_cumulants(rate)
        mean, spread = current * time, jnp.sqrt(jnp.maximum(noise * time, 1e-6))
        wide = jnp.maximum(jnp.ceil(8 * spread / BARS), 1)
        first = jnp.floor(mean - wide * BARS / 2)
        edges = first + wide * jnp.arange(BARS + 1)
        counts = state.tally.counts[-1].astype(float)
        upto = jnp.concatenate([jnp.zeros(1), jnp.cumsum(counts)])
        below = upto[jnp.clip(edges + REACH, 0, 2 * REACH + 1).astype(jnp.int32)]
        height = jnp.diff(below) / (jnp.maximum(upto[-1], 1) * wide)
        # By its saddle: Q = t λ'(s) has P ∝ weight · e^{t (λ − s λ')} / √λ''.
        reach = jnp.abs(self.force()) / 2 + 2.5
        s = jnp.linspace(-1, 1, TILTS) * reach - jnp.clip(self.force(), -5, 5) / 2
        growth, slope, weight = jax.vmap(lambda s: hopping.settled(rate, s))(s)
        curvature = jnp.asarray(jnp.gradient(slope)) / (s[1] - s[0])
        sure = curvature > 1e-6
        law = weight * jnp.exp(time * (growth - s * slope))
        law = jnp.where(sure, law / jnp.sqrt(jnp.where(sure, curvature, 1.0)), 0.0)
        there = time * slope + 0.5
        law = law / jnp.maximum(jnp.trapezoid(law, there), 1e-12)  # far better than √(2πt)
        inside = sure & (there > edges[0]) & (there < edges[-1])
        return (
            Axes("ions Q in t", "P(Q)"),
            Bars(edges, height, label="measured"),
            Curve(there, jnp.where(inside, law, jnp.nan), label="long windows"),
        )

    def currents(self, state: State) -> tuple[Axes, Curve, Curve, Curve]:
        """Current against voltage, with the run as a dot."""
        v = jnp.asarray(VOLTAGES, jnp.float32)

        def current(voltage: Array) -> Array:
            rate = self.rates(voltage)
            return hopping.stationary(hopping.flows(rate)) @ (rate[:, -2] - rate[:, -1])

        well, _ = self.wells(0.0)
        few = hopping.permeability(well, jnp.asarray(self.temperature))
        ends = (jnp.asarray(self.left), jnp.asarray(self.right))
        there = state.tally.flow / jnp.maximum(state.tally.ticks, 1)
        there = jnp.where(state.tally.ticks > 0, there, jnp.nan)
        return (
            Axes("V", "current"),
            Curve(v, few * hopping.goldman(v / self.temperature, *ends), "guide", "few ions"),
            Curve(v, jax.vmap(current)(v), label="exact"),
            Curve(jnp.asarray(self.voltage, float)[None], there[None], "measured"),
        )

    def crowds(self, state: State) -> tuple[Axes, Bars, Curve, Curve, Curve, Curve]:
        """How many ions a channel holds, and what maximum entropy makes of it, level by level."""
        full = jnp.asarray(hopping.moves(self.sites).full, float)
        p = hopping.stationary(hopping.flows(self.rates(self.voltage)))
        known = levels(full, p)
        number = jnp.sum(full, axis=1)
        crowds = jnp.arange(self.sites + 1.0)
        shares = known @ (number[:, None] == crowds).astype(float)
        seen = state.tally.crowd / jnp.maximum(state.tally.ticks, 1)
        seen = jnp.where(state.tally.ticks > 0, seen, self.crowd(state.taken))
        nothing, many, where, pairs = (
            Curve(crowds, shares[k], role, label)
            for k, (role, label) in enumerate(
                [
                    ("guide", "nothing known"),
                    ("guide", "how many"),
                    ("guide", "where"),
                    ("theory", "side by side"),
                ]
            )
        )
        return (
            Axes("ions in a channel", "share"),
            Bars(jnp.arange(self.sites + 2) - 0.5, seen, label="measured"),
            nothing,
            many,
            where,
            pairs,
        )
