"""A network that knows the probability of any part of a magnet, and fills in the rest."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Captions, Curve, Frame, Image, Points, losses
from engine.core.parameters import Scalar, live, mode, size
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.small_ising import exact, torus
from engine.numerics.training import Learned, Training, adam, drawn_at_once


LARGEST = 4  # length of a lattice whose states can be listed
CHAINS = 256  # lattices from which training takes its spins
SPARSE = 0.4  # share of training on nearly empty lattices: errors add up from full to empty
PERIOD = 6  # ticks between two sites that are filled in
PAUSE = 8  # such periods that a full lattice is shown for
DONE = 16  # full lattices that are kept
PROBED = 48  # parts of lattices whose probability is drawn against the exact one
ONSAGER = math.log(1 + math.sqrt(2)) / 2


class Spins(NamedTuple):
    """A lattice that fills in: 0 is a site that is still missing."""

    site: Float[Array, " d"]
    ticks: Int[Array, ""]
    full: Int[Array, ""]  # periods since it was full
    done: Float[Array, "kept d"]  # those before


class State(NamedTuple):
    learned: Learned
    chains: Float[Array, "chains d"]
    spins: Spins
    probes: Float[Array, "probed d"]  # parts of lattices, 0 where a spin is not asked for


class MarginalizationModel(System[State]):
    """Any-order generation of a magnet

    A network f(x_S) is trained to be the logarithm of the marginal of any part S of an Ising
    lattice, up to ln Z, by asking that it add up: whatever a missing spin is,

        f(x_S) = ln [exp f(x_S, x_i = +1) + exp f(x_S, x_i = −1)]

    and f of a full lattice is its known −βE. Then f of the empty one is ln Z, any marginal is one
    pass, and a lattice can be filled in from any site in any order, without a chain. Click on a
    site to fill it in.
    """

    sources = ("liu2024mam",)
    after = True
    equations = (
        Equation(
            r"\mathcal{L}=\mathbb{E}\left[f(x_S)-\ln\!\left(e^{f(x_S,+_i)}+e^{f(x_S,-_i)}\right)"
            r"\right]^2",
            "marginals add up",
        ),
        Equation(
            r"f=n_{\mathrm{miss}}\ln 2-\beta E(x_S)+\tfrac{1}{2}\left[g_\theta(x_S)+g_\theta(-x_S)"
            r"\right]",
            "what the network g adds to free spins; 0 where none is missing",
        ),
        Equation(
            r"p(x_i=+1\,|\,x_S)=\frac{1}{1+e^{f(x_S,-_i)-f(x_S,+_i)}},\qquad \ln Z=f(\varnothing)",
            "what it is good for",
        ),
    )
    theory_name = "exact"
    assumptions = "All states of the lattice, listed; up to 4 × 4 sites."
    cell: ClassVar[Mapping[str, int]] = {"length": 3, "width": 64, "batch": 64}
    hints: ClassVar[Mapping[str, Hint]] = {
        "done": Hint(large=False),
        "marginals": Hint(large=False),
        "loss": Hint(large=False),
    }
    presets = (
        Preset("disordered", beta=0.2, order="random"),
        Preset("near criticality", beta=0.44, order="random"),
        Preset("row by row", beta=0.3, order="raster"),
        Preset("by hand", beta=0.3, order="by hand"),
        Preset("larger than can be listed", beta=0.3, length=6),
    )
    quantities = (
        Quantity("log Z", symbol="ln Z", help="f of the empty lattice"),
        Quantity("pair", symbol="ln p₊₊", help="of two neighbours that are both up"),
        Quantity("loss", symbol="L", log=True, help="how far marginals are from adding up"),
        Quantity("missing", symbol="n", help="sites of the shown lattice that are not filled in"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )
    clock = "steps"

    beta: Scalar = live(
        default=0.2,
        span=(0, 0.6),
        symbol="β",
        help="coupling over temperature; learning goes on from where it is",
        limits=(0, 2),
    )
    rate: Scalar = live(
        default=1e-3, span=(1e-4, 1e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    pace: Scalar = live(
        default=4, span=(0, 50), symbol="k", help="optimiser steps; 0 pauses", limits=(0, 1000)
    )
    order: str = mode(
        default="random", choices=("random", "raster", "by hand"), help="which site comes next"
    )
    length: int = size(default=4, span=(3, 6), symbol="L", help="sites along a side")
    width: int = size(default=256, span=(16, 512), symbol="W", help="neurons of a layer")
    batch: int = size(default=256, span=(32, 1024), symbol="B", help="samples of a step")

    @property
    def sites(self) -> int:
        return self.length**2

    def training(self, chains: Float[Array, "chains d"]) -> Training[eqx.nn.MLP]:
        def build(key: Key[Array, ""]) -> eqx.nn.MLP:
            return eqx.nn.MLP(
                2 * self.sites, "scalar", self.width, 2, activation=jax.nn.silu, key=key
            )

        def loss(network: eqx.nn.MLP, key: Key[Array, ""]) -> Float[Array, ""]:
            part, site = self.parts(key, chains, self.batch)
            hot = jax.nn.one_hot(site, self.sites)
            both = jnp.stack([part, part + hot, part - hot])
            whole, up, down = jax.vmap(jax.vmap(lambda x: self.marginal(network, x)))(both)
            return jnp.mean((whole - jnp.logaddexp(up, down)) ** 2)

        return Training(
            lambda key: drawn_at_once(build, key, biases=True),
            loss,
            adam(self.rate, decay=3000, floor=0.1),
        )

    def parts(
        self, key: Key[Array, ""], chains: Float[Array, "chains d"], count: int
    ) -> tuple[Float[Array, "count d"], Int[Array, " count"]]:
        """Parts of lattices, of any size short of all, and for each a site that is missing."""
        for_chain, for_flip, for_order, for_size, for_few = jax.random.split(key, 5)
        spins = jax.random.choice(for_chain, chains, (count,))
        spins = spins * jax.random.rademacher(for_flip, (count, 1), float)
        order = jnp.argsort(jax.random.uniform(for_order, (count, self.sites)), axis=1)
        rank = jnp.argsort(order, axis=1)
        held = jax.random.randint(for_size, (count,), 0, self.sites)
        few = jax.random.randint(for_few, (count,), 0, 3)
        held = jnp.where(jnp.arange(count) < SPARSE * count, few, held)
        part = jnp.where(rank < held[:, None], spins, 0.0)
        return part, jnp.take_along_axis(order, held[:, None], axis=1)[:, 0]

    def marginal(self, network: eqx.nn.MLP, x: Float[Array, " d"]) -> Float[Array, ""]:
        """f: the logarithm of the marginal of the spins that are there, but for ln Z."""
        mask = jnp.abs(x)
        missing = self.sites - jnp.sum(mask)
        bonds = torus(self.length)
        known = self.beta * (x @ bonds @ x) / 2
        learnt = (network(jnp.concatenate([x, mask])) + network(jnp.concatenate([-x, mask]))) / 2
        return known + jnp.where(missing > 0.5, missing * jnp.log(2.0) + learnt, 0.0)

    def init(self, key: Key[Array, ""]) -> State:
        for_network, for_chains, for_probes = jax.random.split(key, 3)
        chains = jax.random.rademacher(for_chains, (CHAINS, self.sites), float)
        chains = lax.fori_loop(
            0, 20, lambda k, c: self.swept(c, jax.random.fold_in(for_chains, k)), chains
        )
        empty = jnp.zeros(self.sites)
        spins = Spins(empty, jnp.int32(0), jnp.int32(0), jnp.zeros((DONE, self.sites)))
        probes, _ = self.parts(for_probes, chains, PROBED)
        return State(self.training(chains).begin(for_network), chains, spins, probes)

    def swept(
        self, chains: Float[Array, "chains d"], key: Key[Array, ""]
    ) -> Float[Array, "chains d"]:
        """A sweep of heat-bath updates, site after site."""
        bonds = jnp.asarray(torus(self.length))
        draw = jax.random.uniform(key, (self.sites, len(chains)))

        def update(i: Array, chains: Array) -> Array:
            up = jax.nn.sigmoid(2 * self.beta * chains @ bonds[i])
            return chains.at[:, i].set(jnp.where(draw[i] < up, 1.0, -1.0))

        return lax.fori_loop(0, self.sites, update, chains)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_sweep, for_training, for_site = jax.random.split(key, 3)
        chains = self.swept(state.chains, for_sweep)
        learned = self.training(chains).on(state.learned, for_training, self.pace)
        state = state._replace(chains=chains, learned=learned)
        return state._replace(spins=self.filled(state, for_site))

    def filled(self, state: State, key: Key[Array, ""]) -> Spins:
        """Every few ticks one site more, or a full lattice put away."""
        for_site, for_spin = jax.random.split(key)
        spins = state.spins._replace(ticks=state.spins.ticks + 1)
        missing = spins.site == 0
        due = spins.ticks % PERIOD == 0
        if self.order == "raster":
            site = jnp.argmax(missing)
        else:
            site = jnp.argmax(missing * jax.random.uniform(for_site, missing.shape, minval=0.1))
        grown = self.placed(state, spins.site, site, for_spin)
        if self.order == "by hand":
            grown = spins.site
        full = jnp.where(jnp.any(missing), 0, spins.full + 1)
        away = full > PAUSE
        later = Spins(
            jnp.where(away, 0.0, grown),
            spins.ticks,
            jnp.where(away, 0, full),
            jnp.where(away, jnp.concatenate([spins.done[1:], spins.site[None]]), spins.done),
        )
        return jax.tree.map(lambda new, old: jnp.where(due, new, old), later, spins)

    def placed(
        self, state: State, site: Float[Array, " d"], which: Array, key: Key[Array, ""]
    ) -> Float[Array, " d"]:
        """With one site more, if it is missing, drawn given all others."""
        up = jax.random.uniform(key) < self.chance(state, site, which)
        new = site.at[which].set(jnp.where(up, 1.0, -1.0))
        return jnp.where(site[which] == 0, new, site)

    def chance(self, state: State, site: Float[Array, " d"], which: Array) -> Float[Array, ""]:
        """p(x_i = +1 | what is there)."""
        network = self.training(state.chains).network(state.learned)
        rest = site.at[which].set(0.0)
        up, down = (self.marginal(network, rest.at[which].set(s)) for s in (1.0, -1.0))
        return jax.nn.sigmoid(up - down)

    @poke("lattice")
    def fill_in(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Fill in the site under the hand."""
        column, row = jnp.clip(jnp.floor(touch.position).astype(int), 0, self.length - 1)
        site = self.placed(state, state.spins.site, row * self.length + column, key)
        return state._replace(spins=state.spins._replace(site=site))

    @poke()
    def clear(self, state: State, key: Key[Array, ""]) -> State:
        """Begin with an empty lattice."""
        return state._replace(spins=state.spins._replace(site=jnp.zeros(self.sites)))

    def pair(self) -> Float[np.ndarray, " d"]:
        """Two neighbours up, all others missing."""
        return (np.arange(self.sites) < 2).astype(np.float32)

    def observables(self, state: State) -> Scalars:
        network = self.training(state.chains).network(state.learned)
        empty = self.marginal(network, jnp.zeros(self.sites))
        return {
            "log Z": empty,
            "pair": self.marginal(network, jnp.asarray(self.pair())) - empty,
            "loss": state.learned.loss,
            "missing": jnp.sum(state.spins.site == 0).astype(float),
            "trained": state.learned.steps.astype(float),
        }

    def listed(self, part: Float[Array, " d"]) -> Float[Array, ""]:
        """f as it should be, by the sum over all states."""
        return exact(torus(self.length), self.beta, 0.0, part.astype(int))[1]

    def theory(self) -> Scalars:
        if self.length > LARGEST:
            return {"log Z": jnp.asarray(jnp.nan), "pair": jnp.asarray(jnp.nan)}
        whole = self.listed(jnp.zeros(self.sites))
        return {"log Z": whole, "pair": self.listed(jnp.asarray(self.pair())) - whole}

    def boundaries(self) -> dict[str, Boundary]:
        """Where a large lattice would order."""
        return {"order of the large lattice": Boundary({"beta": jnp.asarray(ONSAGER)}, "guide")}

    def caveats(self, state: State) -> Flags:
        return {
            "near criticality the errors of many spins add up: ln Z is too high": (
                jnp.asarray(self.beta) > 0.35
            ),
            "a network that has only begun to learn": state.learned.steps < 1000,
        }

    def frame(self, state: State) -> Frame:
        side = self.length
        whole = jnp.full(2, float(side))
        tiles = state.spins.done.reshape(4, 4, side, side)
        framed = jnp.pad(tiles, ((0, 0), (0, 0), (0, 1), (0, 1))).transpose(0, 2, 1, 3)
        mosaic = framed.reshape(4 * (side + 1), 4 * (side + 1))
        return {
            "lattice": (
                Box(0 * whole, whole),
                Image(state.spins.site.reshape(side, side), scale="signed", span=(-1, 1)),
                Captions(("missing",), value=jnp.sum(state.spins.site == 0).astype(float)[None]),
            ),
            "done": (
                Box(0 * whole, jnp.full(2, float(len(mosaic)))),
                Image(mosaic, scale="signed", span=(-1, 1)),
            ),
            "marginals": self.compared(state),
            "loss": losses(state.learned.history),
        }

    def compared(self, state: State) -> tuple[Axes, Points, Curve]:
        """ln p of parts of lattices: by the network, against the sum over all states."""
        network = self.training(state.chains).network(state.learned)
        empty = jnp.zeros(self.sites)
        made = jax.vmap(lambda x: self.marginal(network, x))(state.probes)
        made = made - self.marginal(network, empty)
        true = made
        if self.length <= LARGEST:
            true = lax.map(self.listed, state.probes) - self.listed(empty)
        ends = jnp.array([-0.8 * self.sites, 0.0])
        words = "exact ln p" if self.length <= LARGEST else "ln p (no list of states)"
        return (
            Axes(words, "ln p of the network"),
            Points(jnp.stack([true, made], axis=1)),
            Curve(ends, ends, "theory", "equal"),
        )
