"""Hamiltonian systems, and a network that has learnt from some of them how to learn another."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Captions, Colour, Curve, Frame, Points, Segments
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics import hamiltonians as zoo
from engine.numerics.canonical import (
    Hamiltonian,
    Section,
    canonical,
    leapfrog,
    misfit,
    passed,
    runge_kutta,
    stretched,
)
from engine.numerics.meta_learning import after_adapting, descent
from engine.numerics.training import ROWS, History, Learned, Training, adam, drawn_at_once, longer


LEAPS = 4  # leapfrog steps in one step, in which the learnt flow takes a single larger one
TASKS = 4  # systems that a step of meta-learning tries
INNER = 5  # steps of adaptation that it looks ahead
TRACED = 96  # orbits whose section is drawn
SECTION = 6144  # points of it
TESTED = 256  # points of the cloud at which J∇H is compared
PLANE = (slice(0, 3, 2), slice(0, 3, 2), slice(0, 2), slice(0, 2))  # of (q, p), or of q
CORNER = ((2.0, 2.0), (3.3, 2.8), (1.1, 1.1), (4.5, 4.5))  # of the large view
FASTEST = (0.0, 0.15)  # rates of parting that colours tell apart


class State(NamedTuple):
    x: Float[Array, "2 n 4"]  # (q₁, q₂, p₁, p₂): the true cloud, and the one of the learnt H
    first: Float[Array, "2 n"]  # true energy when these clouds began
    hue: Float[Array, " n"]  # rad: where a point began
    aside: Float[Array, "n 4"]  # a short vector beside each true orbit
    growth: Float[Array, " n"]  # logarithm of how much longer it has become
    age: Float[Array, ""]  # of the true cloud
    energy: Float[Array, ""]  # that the cloud was made for
    section: Section
    drift: tuple[History, History]  # of the true energy
    meta: Learned
    born: Any  # weights that meta-learning began with
    trial: Learned  # of two networks: from what was meta-learnt, and from scratch
    tried: Int[Array, ""]  # steps since both began


class HamiltonianZoo(System[State]):
    """Hamiltonian systems and a meta-learned H

    A cloud of points flows in phase space by Hamilton's equations. Beside it, the same points
    follow a network H_w, which was told only how fast some states move:

        L = ⟨|J∇H_w − (q̇, ṗ)|²⟩ / ⟨|(q̇, ṗ)|²⟩

    It is meta-trained on the other systems of the zoo, with masses and stiffnesses at random, so
    that a few steps of gradient descent make it fit for one it has never seen; another network
    takes the same steps from random weights. Whether orbits stay is a matter of the energy alone,
    in units of that at which the well opens; whether they are chaotic, of the system as well.
    """

    after = True
    sources = ("song2022hamiltonian",)
    equations = (
        Equation(
            r"\dot q=\partial H/\partial p,\quad\dot p=-\partial H/\partial q,\quad "
            r"H=\frac{p^2}{2}+V(q)",
            "leapfrog on the left; the gradient of the learnt H on the right",
        ),
        Equation(
            r"V=\frac{q^2}{2},\;\;-\cos q,\;\;\frac{x^2+y^2}{2}+x^2y-\frac{y^3}{3},\;\;-\frac1r",
            "mass and spring, pendulum, Hénon and Heiles, two bodies",
        ),
        Equation(
            r"w\leftarrow w-\beta\,\nabla_{w'}L_{\rm query}(w'),\quad "
            r"w'=w-\alpha\sum_{k<5}\nabla L_{\rm support}(w_k)",
            "meta-learning, to first order",
        ),
    )
    theory_name = "exact"
    assumptions = "H is kept, and no orbit leaves a closed well."
    cell: ClassVar[Mapping[str, int]] = {"n": 256, "width": 8, "batch": 4}
    hints: ClassVar[Mapping[str, Hint]] = {
        "clouds": Hint(glow=False),
        "section": Hint(large=False),
        "adaptation": Hint(large=False),
        "energy": Hint(large=False),
        "learning": Hint(large=False),
    }
    presets = (
        Preset("order", kind="Hénon–Heiles", energy=0.5),
        Preset("order and chaos", kind="Hénon–Heiles", energy=0.75),
        Preset("escape", kind="Hénon–Heiles", energy=1.15),
        Preset("pendulum", kind="pendulum", energy=0.8),
        Preset("over the top", kind="pendulum", energy=1.1),
        Preset("two bodies", kind="two-body", energy=0.4),
        Preset("noisy data", kind="Hénon–Heiles", energy=0.5, noise=0.5),
    )
    quantities = (
        Quantity("chaotic", symbol="χ", span=(0, 1), help="share of those here that part as e^λt"),
        Quantity("escaped", symbol="f", span=(0, 1), help="share that has left"),
        Quantity("drift", symbol="|ΔH|", log=True, help="mean error of the energy, by leapfrog"),
        Quantity(
            "learnt drift", symbol="|ΔH| learnt", log=True, help="true energy along learnt orbits"
        ),
        Quantity("error", symbol="ε", log=True, help="of the adapted J∇H on the cloud, squared"),
        Quantity("scratch", symbol="ε scratch", log=True, help="of the one born untaught"),
        Quantity("loss", symbol="L", log=True, help="after five steps, on systems at random"),
        Quantity("trained", symbol="k", help="steps of meta-learning so far"),
        Quantity("tried", symbol="j", help="steps of adaptation so far"),
    )

    energy: Scalar = live(
        default=0.75,
        span=(0.05, 1.2),
        symbol="E/E_c",
        help="above the bottom, over that at which the well opens; a change begins anew",
        limits=(1e-3, 3),
    )
    dt: Scalar = live(
        default=0.05,
        span=(0.01, 0.2),
        symbol="Δt",
        help="leapfrog step",
        log=True,
        limits=(1e-4, 0.4),
    )
    adaptation: Scalar = live(
        default=50, span=(1, 200), symbol="j", help="steps of adaptation", log=True, limits=(0, 1e4)
    )
    again: Scalar = live(
        default=200,
        span=(50, 2000),
        symbol="m",
        help="steps until adaptation is tried anew",
        log=True,
        limits=(1, 1e6),
    )
    noise: Scalar = live(
        default=0.0, span=(0, 1), symbol="σ", help="of the data, over their size", limits=(0, 100)
    )
    descent: Scalar = live(
        default=0.1,
        span=(1e-3, 0.5),
        symbol="α",
        help="rate of adaptation",
        log=True,
        limits=(0, 10),
    )
    rate: Scalar = live(
        default=2e-3,
        span=(1e-4, 1e-2),
        symbol="β",
        help="rate of meta-learning",
        log=True,
        limits=(0, 1),
    )
    pace: Scalar = live(
        default=1, span=(0, 8), symbol="k", help="steps of meta-learning; 0 pauses", limits=(0, 100)
    )
    taught: str = mode(
        default="the others", choices=("the others", "all"), help="systems that are learnt from"
    )
    kind: str = start(default="Hénon–Heiles", choices=zoo.KINDS, help="what is shown")
    n: int = size(default=2048, span=(128, 32_768), symbol="N", help="points of a cloud")
    width: int = size(default=64, span=(8, 256), symbol="W", help="neurons of a layer")
    batch: int = size(default=32, span=(4, 512), symbol="B", help="states in a step of learning")

    # Learning.

    def built(self, key: Key[Array, ""]) -> eqx.nn.MLP:
        def outline(key: Key[Array, ""]) -> eqx.nn.MLP:
            return eqx.nn.MLP(4, "scalar", self.width, 2, activation=jnp.tanh, key=key)

        return drawn_at_once(outline, key)

    def teaching(self) -> Training[eqx.nn.MLP]:
        """Meta-learning: what is learnt is where adaptation begins."""

        def tried(network: eqx.nn.MLP, u: Float[Array, " numbers"]) -> Float[Array, ""]:
            task = self.drawn(u[:3])
            return after_adapting(
                network,
                lambda network, x: misfit(
                    network, x, canonical(lambda x: zoo.energy_of(task, x), x)
                ),
                zoo.strewn(task.kind, 2 * u[3:].reshape(INNER + 1, self.batch, 4) - 1),
                rate=self.descent,
            )

        def loss(network: eqx.nn.MLP, key: Key[Array, ""]) -> Float[Array, ""]:
            # All numbers at once: each further draw would take longer to compile than it saves.
            u = jax.random.uniform(key, (TASKS, 3 + (INNER + 1) * self.batch * 4))
            return jnp.mean(lax.map(lambda u: tried(network, u), u))

        return Training(self.built, loss, adam(self.rate, decay=5000, floor=0.1))

    def adapting(self) -> Training[eqx.nn.MLP]:
        """Plain gradient descent on the system that is shown."""

        def loss(network: Hamiltonian, key: Key[Array, ""]) -> Float[Array, ""]:
            place, luck = jax.random.uniform(key, (2, self.batch, 4), minval=-1 + 1e-6)
            x = zoo.strewn(jnp.int32(self.index), place)
            speed = canonical(self.hamiltonian, x)
            noise = self.noise * jnp.sqrt(2 * jnp.mean(speed**2)) * lax.erf_inv(luck)
            return misfit(network, x, speed + noise)

        return Training(self.built, loss, descent(self.descent))

    def drawn(self, u: Float[Array, " 3"]) -> zoo.Task:
        """A system to learn from, of numbers in [0, 1); mass and stiffness between ½ and 2."""
        which, *scales = u
        many = len(zoo.KINDS)
        if self.taught == "all":
            kind = jnp.floor(many * which).astype(int)
        else:
            kind = (self.index + 1 + jnp.floor((many - 1) * which).astype(int)) % many
        mass, stiffness = (2 ** (2 * u - 1) for u in scales)
        return zoo.Task(kind, mass, stiffness)

    # The true system.

    @property
    def index(self) -> int:
        return zoo.KINDS.index(self.kind)

    @property
    def tick(self) -> Scalar:
        """Time of a step."""
        return LEAPS * self.dt

    def hamiltonian(self, x: Float[Array, " 4"]) -> Float[Array, ""]:
        return zoo.energy(self.index, x)

    def energies(self, x: Float[Array, "n 4"]) -> Float[Array, " n"]:
        return jax.vmap(self.hamiltonian)(x)

    def moved(self, x: Float[Array, "n 4"]) -> Float[Array, "n 4"]:
        """A step of the true cloud; who has left stays where it is."""

        def leap(x: Array, _: None) -> tuple[Array, None]:
            gone = zoo.gone(self.index, x)[:, None]
            return jnp.where(gone, x, leapfrog(self.hamiltonian, x, self.dt)), None

        return zoo.wrapped(self.index, lax.scan(leap, x, length=LEAPS)[0])

    # The run.

    def init(self, key: Key[Array, ""]) -> State:
        for_cloud, for_meta = jax.random.split(key)
        meta = self.teaching().begin(for_meta, before=1.0)
        x = zoo.cloud(self.index, self.energy, for_cloud, self.n)
        aside = jnp.broadcast_to(jnp.asarray(zoo.FREE[self.index], float), (self.n, 4))
        state = State(
            x=jnp.stack([x, x]),
            first=jnp.zeros((2, self.n)),
            hue=jnp.zeros(self.n),
            aside=aside / jnp.linalg.norm(aside, axis=1, keepdims=True),
            growth=jnp.zeros(self.n),
            age=jnp.zeros(()),
            energy=jnp.zeros(()),
            section=Section(jnp.zeros((2, SECTION, 2)), jnp.zeros((2, SECTION)), jnp.zeros(2, int)),
            drift=(unwritten(), unwritten()),
            meta=meta,
            born=meta.weights,
            trial=self.begun(meta.weights, meta.weights),
            tried=jnp.int32(0),
        )
        return self.released(state, x)

    def begun(self, taught: Any, born: Any) -> Learned:
        """Two networks before they adapt: as it is meta-learnt, and as it was born."""
        none = self.adapting().begin(jax.random.key(0), before=1.0)
        both = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), none)
        return both._replace(weights=jax.tree.map(lambda a, b: jnp.stack([a, b]), taught, born))

    def released(self, state: State, x: Float[Array, "n 4"]) -> State:
        """A cloud that begins here, true and learnt alike."""
        energies = self.energies(x)
        away = (x - jnp.mean(x, axis=0))[:, PLANE[self.index]]
        return state._replace(
            x=jnp.stack([x, x]),
            first=jnp.stack([energies, energies]),
            hue=jnp.arctan2(away[:, 1], away[:, 0]),
            growth=jnp.zeros(self.n),
            age=jnp.zeros(()),
            energy=jnp.asarray(self.energy, float),
            section=state.section._replace(seen=jnp.zeros(2, int)),
            drift=(unwritten(), unwritten()),
        )

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_cloud, for_meta, for_trial = jax.random.split(key, 3)
        state = lax.cond(
            jnp.asarray(self.energy, float) != state.energy,
            lambda: self.released(state, zoo.cloud(self.index, self.energy, for_cloud, self.n)),
            lambda: state,
        )
        meta = self.teaching().on(state.meta, for_meta, self.pace)
        state = lax.cond(
            state.tried >= self.again,
            lambda: self.anew(state._replace(meta=meta)),
            lambda: state._replace(meta=meta),
        )
        adapting = self.adapting()
        left = (state.tried < self.adaptation).astype(int)
        trial = lax.map(lambda learned: adapting.on(learned, for_trial, left), state.trial)
        return self.flown(state._replace(trial=trial, tried=state.tried + 1))

    def anew(self, state: State) -> State:
        """Both networks adapt anew."""
        trial = self.begun(state.meta.weights, state.born)
        return state._replace(trial=trial, tried=jnp.int32(0))

    def arm(self, state: State, which: int) -> Learned:
        """Of the trial: 0 is what was meta-learnt, 1 what began from scratch."""
        return jax.tree.map(lambda leaf: leaf[which], state.trial)

    def flown(self, state: State) -> State:
        """Both clouds, a step on."""
        network = self.adapting().network(self.arm(state, 0))
        x, aside, longer_by = stretched(self.moved, state.x[0], state.aside)
        growth = state.growth + jnp.where(zoo.gone(self.index, state.x[0]), 0.0, longer_by)
        # What one degree of freedom has not is held at 0: nothing learnt would bring it back.
        free = jnp.asarray(zoo.FREE[self.index], float)
        y = runge_kutta(lambda y: free * canonical(network, y), state.x[1], self.tick)
        # A learnt field ends nowhere: who would go far from all that was learnt stays.
        lost = jnp.max(jnp.abs(y), axis=1) > zoo.FAR[self.index]
        y = jnp.where(lost[:, None], state.x[1], zoo.wrapped(self.index, y))
        # While it adapts, the learnt cloud is held on the true one.
        held = state.tried <= self.adaptation
        y = jnp.where(held, x, y)
        first = jnp.where(held, self.energies(x), state.first[1])
        x, first = jnp.stack([x, y]), jnp.stack([state.first[0], first])
        section, age = state.section, state.age + self.tick
        if self.kind == "Hénon–Heiles":
            section = jax.vmap(passed, in_axes=(0, 0, 0, None))(
                section, state.x[:, :TRACED], x[:, :TRACED], growth[:TRACED] / age
            )
        state = state._replace(
            x=x, first=first, aside=aside, growth=growth, age=age, section=section
        )
        true, learnt = self.off(state)
        return state._replace(drift=(longer(state.drift[0], true), longer(state.drift[1], learnt)))

    def off(self, state: State) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """By how much H has changed along true and learnt orbits, on average over who is there."""

        def mean(x: Float[Array, "n 4"], first: Float[Array, " n"]) -> Float[Array, ""]:
            there = ~zoo.gone(self.index, x)
            apart = jnp.where(there, jnp.abs(self.energies(x) - first), 0.0)
            return jnp.sum(apart) / jnp.maximum(jnp.sum(there), 1)

        return mean(state.x[0], state.first[0]), mean(state.x[1], state.first[1])

    # What is seen.

    def chaotic(self, state: State) -> Bool[Array, " n"]:
        """Whose short vector has outgrown every power of time below the second.

        Beside a regular orbit it grows in proportion to time, beside a chaotic one exponentially.
        """
        return state.growth > 2 * jnp.log1p(state.age) + 1

    def observables(self, state: State) -> Scalars:
        some = state.x[0, :TESTED]
        speed = canonical(self.hamiltonian, some)
        nets = [self.adapting().network(self.arm(state, which)) for which in (0, 1)]
        error, scratch = (misfit(network, some, speed) for network in nets)
        true, learnt = self.off(state)
        there = ~zoo.gone(self.index, state.x[0])
        return {
            "chaotic": jnp.sum(self.chaotic(state) & there) / jnp.maximum(jnp.sum(there), 1),
            "escaped": 1 - jnp.mean(there),
            "drift": true,
            "learnt drift": learnt,
            "error": error,
            "scratch": scratch,
            "loss": state.meta.loss,
            "trained": state.meta.steps.astype(float),
            "tried": jnp.minimum(state.tried, self.adaptation),
        }

    def theory(self) -> Scalars:
        """Nothing leaves a closed well, and three of the four systems are integrable."""
        closed = jnp.asarray(self.energy, float) < 1
        return {
            "chaotic": jnp.asarray(jnp.nan if self.kind == "Hénon–Heiles" else 0.0),
            "escaped": jnp.where(closed | (self.index < 2), 0.0, jnp.nan),
            "drift": jnp.zeros(()),
        }

    def boundaries(self) -> dict[str, Boundary]:
        return {"the well opens": Boundary({"energy": jnp.ones(())}, kind="guide")}

    def regions(self) -> Flags:
        closed = jnp.asarray(self.energy, float) < 1
        return {"orbits stay": closed, "orbits leave": ~closed}

    def caveats(self, state: State) -> Flags:
        return {
            "a network that has only begun to learn": state.meta.steps < 300,
            "a small network of single states: the paper's is a graph network": jnp.bool_(True),
            "too early to tell chaos from order": jnp.asarray(
                (self.kind == "Hénon–Heiles") & (state.age < 100)
            ),
            "steps so long that energy is lost": self.off(state)[0] > 0.01,
        }

    @poke()
    def adapt(self, state: State, key: Key[Array, ""]) -> State:
        """Let both networks adapt anew, from what is meta-learnt by now and from scratch."""
        return self.anew(state)

    @poke()
    def forget(self, state: State, key: Key[Array, ""]) -> State:
        """Begin meta-learning anew, with other weights."""
        meta = self.teaching().begin(key, before=1.0)
        return state._replace(meta=meta, born=meta.weights)

    @poke(view="clouds")
    def drop(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Begin with a drop of points where the hand is: at rest, or at its (q, p)."""
        x, y = touch.position
        none = jnp.zeros(())
        middle = [x, none, y, none] if self.index < 2 else [x, y, none, none]
        u = jax.random.uniform(key, (self.n, 4))
        return self.released(state, zoo.dropped(self.index, jnp.stack(middle), u))

    def frame(self, state: State) -> Frame:
        steps, true = state.drift[0].curve()
        _, learnt = state.drift[1].curve()
        learnt = jnp.where(learnt > 0, learnt, jnp.nan)  # while it is held on the true cloud
        start, end = zoo.outline(self.index, self.energy)
        both = jnp.zeros((2, 1, 1))
        where = Colour(jnp.broadcast_to(state.hue, (2, self.n)), scale="phase")
        colours = {"where it began": where}
        if self.kind == "Hénon–Heiles":
            rate = jnp.broadcast_to(state.growth / jnp.maximum(state.age, 1.0), (2, self.n))
            colours = {"rate of parting": Colour(rate, span=FASTEST), "where it began": where}
        corner = jnp.asarray(CORNER[self.index])
        frame: Frame = {
            "clouds": (
                Box(-corner, corner),
                Points(state.x[:, :, PLANE[self.index]], colours),
                Segments(start + both, end + both),
                Captions(("true", "learnt")),
            ),
            "adaptation": (
                Axes("steps of adaptation", "error of J∇H", log="y"),
                Curve(*self.arm(state, 1).history.curve(), role="guide", label="from scratch"),
                Curve(*self.arm(state, 0).history.curve(), role="measured", label="meta-learnt"),
            ),
            "energy": (
                Axes("t", "|H − H₀|", log="y"),
                Curve(steps * self.tick, true, label="leapfrog"),
                Curve(steps * self.tick, learnt, "measured", "learnt"),
            ),
            "learning": (
                Axes("steps of meta-learning", "loss", log="xy"),
                Curve(*state.meta.history.curve(), "measured"),
            ),
        }
        if self.kind == "Hénon–Heiles":
            frame["section"] = self.sections(state)
        return frame

    def sections(self, state: State) -> tuple[Box, Points, Captions]:
        """Where orbits pass x = 0 with p_x > 0: curves are regular orbits, a dust is chaos."""
        kept = jnp.arange(SECTION) < jnp.minimum(state.section.seen, SECTION)[:, None]
        at = jnp.where(kept[:, :, None], state.section.at, jnp.nan)
        ends = jnp.array([[-0.6, -0.65], [1.1, 0.65]])
        both = jnp.zeros((2, 1))
        return (
            Box(ends[0] + both, ends[1] + both),
            Points(at, {"rate of parting": Colour(state.section.rate, span=FASTEST)}),
            Captions(("(y, p_y), true", "(y, p_y), learnt")),
        )


def unwritten() -> History:
    """A history of nothing yet."""
    return History(jnp.zeros(ROWS), jnp.int32(0), jnp.int32(1), jnp.zeros(()), jnp.int32(0))
