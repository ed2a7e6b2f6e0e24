"""A game of protection on a sparse graph: a small core that all know, and a large periphery."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Colour, Curve, Frame, Points, Segments
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics import graphex, protection_game
from engine.numerics.graphex import Graph
from engine.numerics.protection_game import CLASSES, SEEN, Crowd, Rules, class_of
from engine.numerics.spatial_network import neighbours_that
from engine.numerics.training import ROWS, History, longer


HORIZON = 50  # times of an episode
SHOWN = 1500  # edges that are drawn
GOLDEN = 2.399963  # rad: vertices that follow each other stand apart


class State(NamedTuple):
    graph: Graph
    crowd: Crowd
    ill: Bool[Array, " n"]
    protects: Bool[Array, " n"]
    time: Int[Array, ""]  # within the episode
    wish: Float[Array, "times classes seen"]  # to protect: what is being learnt, ...
    chosen: Float[Array, "times classes seen"]  # ... and the chances that the crowd acts by
    hybrid: Float[Array, " classes"]  # infected share by theory with small neighbourhoods, ...
    dense: Float[Array, " classes"]  # ... and as if all met the mean
    gain: Float[Array, ""]
    course: History  # of the gain


class GraphexGame(System[State]):
    """Game on a sparse graph

    An infection spreads over a graph with a small dense core and a huge periphery. Who is well may
    pay for protection; who is ill pays, and recovers. All look ahead to the end of an episode and
    learn by mirror descent, in theory, what to do with j infected among k neighbours; in the next
    episode the crowd does it. In the core the mean of many neighbours decides. In the periphery
    there are one, two or three, and a theory of means alone misses what they do.
    """

    sources = ("fabian2024graphex",)
    after = True
    equations = (
        Equation(r"P(x\sim y)=(1+x)^{-a}(1+y)^{-a}", "vertices: Poisson, ν for each unit of x"),
        Equation(
            r"P(\mathrm{well}\to\mathrm{ill})=\min(1,b_u\,G),\quad "
            r"P(\mathrm{ill}\to\mathrm{well})=r",
            "G: infected share, or number, of the neighbours; u: protected or not",
        ),
        Equation(
            r"k\le k^*:\;j\sim\mathrm{Bin}(k,q),\qquad k>k^*:\;j=kq,\qquad "
            r"q=\sum_k\frac{k\,p_k}{\langle k\rangle}\,i_k",
            "periphery and core",
        ),
        Equation(
            r"y\leftarrow y+\eta\left(\frac{Q(\mathrm{protect})-Q(\mathrm{not})}{\tau}-y\right),"
            r"\quad\pi=\frac{1}{1+e^{-y}}",
            "mirror descent: all advantages so far, older ones fading",
        ),
        Equation(
            r"\langle E\rangle=\frac{\nu^2}{2(a-1)^2},\quad "
            r"P(k)\sim k^{-(1+1/a)}",
            "edges, and degrees",
        ),
    )
    theory_name = "hybrid"
    assumptions = (
        "Neighbours are infected independently of each other and anew at each time; the graph of "
        "this run decides how many agents have how many."
    )
    presets = (
        Preset("core and periphery"),
        Preset("nobody protects", protection_cost=3.0),
        Preset("free protection", protection_cost=0.0),
        Preset("number counts", exposure="number", infection=0.1),
        Preset("as in a dense graph", small=0.0),
        Preset("larger", rate=120.0),
    )
    quantities = (
        Quantity("prevalence", symbol="i", span=(0, 1), help="share of agents that are ill"),
        Quantity("protected", symbol="protected", span=(0, 1), help="of those who are well"),
        Quantity("gain", symbol="ε", log=True, help="by choosing best: exploitability"),
        Quantity("edges", symbol="E", help="of this graph"),
        Quantity("vertices", symbol="V", help="with an edge"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "graph": Hint(glow=False),
        "degrees": Hint(large=False),
        "learning": Hint(large=False),
        "policy": Hint(large=False),
    }
    quenched = ("graph", "crowd")

    infection: Scalar = live(
        default=0.5, span=(0, 1), symbol="b", help="chance of infection", limits=(0, 1)
    )
    protection_cost: Scalar = live(
        default=0.5, span=(0, 4), symbol="c_P", help="of protection, each time", limits=(-100, 100)
    )
    recovery: Scalar = live(
        default=0.1, span=(0.02, 1), symbol="r", help="chance of recovery", limits=(0, 1)
    )
    infection_cost: Scalar = live(
        default=1.0, span=(0, 4), symbol="c_I", help="of being ill, each time", limits=(-100, 100)
    )
    leak: Scalar = live(
        default=0.0, span=(0, 1), symbol="l", help="infection despite protection", limits=(0, 1)
    )
    temperature: Scalar = live(
        default=0.1,
        span=(0.01, 2),
        symbol="τ",
        help="of choices: hot ones are random",
        log=True,
        limits=(1e-3, 1e3),
    )
    learning: Scalar = live(
        default=0.1, span=(0, 1), symbol="η", help="share that is learnt anew", limits=(0, 1)
    )
    small: Scalar = live(
        default=8.0,
        span=(0, 16),
        symbol="k*",
        help="neighbours up to which all are seen",
        limits=(0, 16),
    )
    begins: Scalar = live(
        default=0.2, span=(0.01, 1), symbol="i₀", help="ill at the start", limits=(0, 1)
    )
    exposure: str = mode(
        default="share", choices=("share", "number"), help="what of infected neighbours counts"
    )
    power: Scalar = start(
        default=2.0, span=(1.2, 4), symbol="a", help="sparser when larger", limits=(1.05, 20)
    )
    rate: Scalar = start(
        default=60.0,
        span=(10, 300),
        symbol="ν",
        help="size of the graph",
        log=True,
        limits=(1, 1e4),
    )
    n: int = size(default=4096, span=(2048, 1_048_576), symbol="N", help="room for agents, edges")
    candidates: int = size(
        default=65_536, span=(4096, 1_048_576), symbol="M", help="vertices, most of them alone"
    )

    # The game.

    @property
    def rules(self) -> Rules:
        names = (*("infection", "leak", "recovery", "protection_cost", "infection_cost", "small"),)
        numbers = (jnp.asarray(getattr(self, name), float) for name in names)
        return Rules(*numbers, counts=self.exposure == "number")

    def init(self, key: Key[Array, ""]) -> State:
        for_graph, for_ill = jax.random.split(key)
        graph = graphex.drawn(
            for_graph,
            jnp.asarray(self.rate, float),
            jnp.asarray(self.power, float),
            candidates=self.candidates,
            room=self.n,
        )
        empty = History(jnp.zeros(ROWS), jnp.int32(0), jnp.int32(1), jnp.zeros(()), jnp.int32(0))
        wish = jnp.zeros((HORIZON, CLASSES, len(SEEN)))
        share = jnp.full(CLASSES, jnp.asarray(self.begins, float))
        return State(
            graph,
            protection_game.crowd(graph.degree),
            self.begun(graph, for_ill),
            jnp.zeros(self.n, bool),
            jnp.int32(0),
            wish,
            protection_game.choosing(wish),
            share,
            share,
            jnp.zeros(()),
            empty,
        )

    def begun(self, graph: Graph, key: Key[Array, ""]) -> Bool[Array, " n"]:
        return (jax.random.uniform(key, (self.n,)) < self.begins) & (graph.degree > 0)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_acts, for_start = jax.random.split(key)
        state = self.lived(state, for_acts)
        # Meanwhile all learn; what they have learnt is done from the next episode on.
        rules, begins = self.rules, jnp.asarray(self.begins, float)
        tried = protection_game.choosing(state.wish)
        answer = protection_game.answer(rules, state.crowd, begins, tried)
        aim = answer.advantage / self.temperature
        wish = state.wish + self.learning * (aim - state.wish)
        over = state.time >= HORIZON
        share = jnp.full(CLASSES, begins)
        return state._replace(
            ill=jnp.where(over, self.begun(state.graph, for_start), state.ill),
            time=jnp.where(over, 0, state.time),
            wish=wish,
            chosen=jnp.where(over, protection_game.choosing(wish), state.chosen),
            hybrid=jnp.where(over, share, state.hybrid),
            dense=jnp.where(over, share, state.dense),
            gain=answer.gain,
            course=longer(state.course, answer.gain),
        )

    def lived(self, state: State, key: Key[Array, ""]) -> State:
        """One time of the episode: of the crowd, and of both theories."""
        rules, crowd, graph = self.rules, state.crowd, state.graph
        table = state.chosen[jnp.minimum(state.time, HORIZON - 1)]
        infected = neighbours_that(graph.edges, state.ill)
        seen = jnp.where(graph.degree <= self.small, jnp.minimum(infected, len(SEEN) - 1), 0)
        act, luck = jax.random.uniform(key, (2, self.n))
        protects = (act < table[class_of(graph.degree), seen]) & ~state.ill
        chance = rules.chance(infected.astype(float), graph.degree.astype(float))
        chance = jnp.where(protects, rules.leak, 1.0) * chance
        ill = jnp.where(state.ill, luck >= rules.recovery, luck < chance) & (graph.degree > 0)
        means = protection_game.at_mean(rules, crowd, state.dense, table)
        return state._replace(
            ill=ill,
            protects=protects & (graph.degree > 0),
            time=state.time + 1,
            hybrid=protection_game.onward(rules, crowd, state.hybrid, table),
            dense=protection_game.onward(
                rules._replace(small=jnp.zeros(())), crowd, state.dense, means
            ),
        )

    def demand(self, state: State) -> dict[str, Int[Array, ""]]:
        return {"n": state.graph.edges.total}

    @poke(view="graph")
    def infect(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Make those under the hand ill, or well again."""
        apart = self.places(state.graph) - touch.position
        under = jnp.sum(apart**2, axis=1) < jnp.asarray(touch.radius) ** 2
        under = under & (state.graph.degree > 0)
        ill = jnp.where(under, jnp.asarray(touch.sign) > 0, state.ill)
        return state._replace(ill=ill)

    @poke()
    def forget(self, state: State, key: Key[Array, ""]) -> State:
        """Unlearn all choices."""
        return state._replace(wish=0 * state.wish)

    # What is measured, and what theory says.

    def observables(self, state: State) -> Scalars:
        agents = jnp.maximum(state.graph.vertices, 1)
        well = jnp.maximum(agents - jnp.sum(state.ill), 1)
        return {
            "prevalence": jnp.sum(state.ill) / agents,
            "protected": jnp.sum(state.protects & ~state.ill) / well,
            "gain": jnp.maximum(state.gain, 1e-7),
            "edges": state.graph.edges.total.astype(float),
            "vertices": state.graph.vertices.astype(float),
        }

    def limit(self, state: State) -> Scalars:
        return {"prevalence": state.crowd.share @ state.hybrid}

    def theory(self) -> Scalars:
        rate, power = jnp.asarray(self.rate, float), jnp.asarray(self.power, float)
        return {
            "edges": graphex.edges_expected(rate, power),
            "vertices": graphex.vertices_expected(rate, power, self.candidates / rate),
        }

    def boundaries(self) -> dict[str, Boundary]:
        """Above which an infection stays if nobody protects."""
        threshold = jnp.asarray(self.recovery, float)
        if self.exposure == "number":
            rate, power = jnp.asarray(self.rate, float), jnp.asarray(self.power, float)
            threshold = threshold / graphex.branching(rate, power)
        return {"spreads unprotected": Boundary({"infection": threshold})}

    def caveats(self, state: State) -> Flags:
        rate, power = jnp.asarray(self.rate, float), jnp.asarray(self.power, float)
        farthest = self.candidates / rate
        all_there = graphex.vertices_expected(rate, power, 100 * farthest)
        lost = graphex.vertices_expected(rate, power, farthest) < 0.95 * all_there
        return {"far vertices are left out: more than 5 % of all, raise M": lost}

    # What is drawn.

    def places(self, graph: Graph) -> Float[Array, "n 2"]:
        """Around the core by ln(1 + x), turn by turn."""
        who = jnp.arange(self.n)
        alive = graph.degree > 0
        reach = jnp.log1p(graph.x)
        farthest = jnp.max(jnp.where(alive, reach, 0.0)) + 1e-6
        angle = GOLDEN * who
        circle = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
        return (reach / farthest)[:, None] * circle

    def frame(self, state: State) -> Frame:
        graph = state.graph
        alive = (graph.degree > 0)[:, None]
        place = jnp.where(alive, self.places(graph), jnp.nan)
        health = jnp.where(state.ill, 1, jnp.where(state.protects, 2, 0)).astype(float)
        entries = len(graph.edges.neighbour)
        chosen = (jnp.linspace(0, 1, SHOWN) * 2 * graph.edges.total).astype(jnp.int32)
        chosen = jnp.clip(chosen, 0, entries - 1)
        one = jnp.searchsorted(graph.edges.first, chosen, side="right").astype(jnp.int32) - 1
        one = jnp.clip(one, 0, self.n - 1)
        other = jnp.minimum(graph.edges.neighbour[chosen], self.n - 1)
        either = (state.ill[one] | state.ill[other]).astype(float)
        corner = jnp.full(2, 1.1)
        return {
            "graph": (
                Box(-corner, corner),
                Segments(place[one], place[other], Colour(either, "category", (0, 2))),
                Points(
                    place,
                    {
                        "well, ill, protected": Colour(health, "category", (0, 2)),
                        "ln degree": Colour(jnp.log(jnp.maximum(graph.degree, 1).astype(float))),
                    },
                ),
            ),
            "degrees": self.degrees(state),
            "learning": (
                Axes("turns", "exploitability", log="xy"),
                Curve(*state.course.curve(), "measured"),
            ),
            "policy": self.policy(state),
        }

    def degrees(self, state: State) -> tuple[Axes, Curve, Curve, Curve]:
        """The infected share of agents by their degree."""
        which = jnp.where(state.graph.degree > 0, class_of(state.graph.degree), CLASSES)
        ill = jnp.zeros(CLASSES + 1).at[which].add(state.ill.astype(float))[:CLASSES]
        count = jnp.zeros(CLASSES + 1).at[which].add(1)[:CLASSES]
        there = state.crowd.share > 0
        degree = jnp.where(there, state.crowd.degree, jnp.nan)
        seen = jnp.where(there, ill / jnp.maximum(count, 1), jnp.nan)
        return (
            Axes("degree", "share that is ill", log="x"),
            Curve(degree, jnp.where(there, state.dense, jnp.nan), "guide", "dense"),
            Curve(degree, jnp.where(there, state.hybrid, jnp.nan), label="hybrid"),
            Curve(degree, seen, "measured", "this crowd"),
        )

    def policy(self, state: State) -> tuple[Axes, Curve, Curve, Curve]:
        """What is done in this episode: at the end it does not pay any more."""
        time = jnp.arange(HORIZON, dtype=float)
        last = jnp.max(jnp.where(state.crowd.share > 0, jnp.arange(CLASSES), 0))
        return (
            Axes("time in the episode", "chance to protect"),
            Curve(time, state.chosen[:, 0, 1], "measured", "1 of 1 ill"),
            Curve(time, state.chosen[:, 3, 1], "measured", "1 of 4 ill"),
            Curve(time, state.chosen[:, last, 0], "measured", "core"),
        )
