"""A game of protection against contagion, in mean field: agents differ by how many they meet.

Susceptible agents choose at each time whether to protect themselves, which costs; the infected pay
until they recover. Small neighbourhoods are known exactly: an agent sees how many of its k
neighbours are infected, each of them with the probability q that the end of an edge is. Of a large
neighbourhood only the mean is known. Choices are tables over time, class of degree, and infected
neighbours (for large neighbourhoods the first entry alone counts).
"""

from math import comb
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int


SMALL = 16  # degrees that are a class each; wider and wider classes follow
RATIO, WIDE = 1.6, 10
CLASSES = SMALL + WIDE
SEEN = np.arange(SMALL + 1)  # infected neighbours that are told apart
LEFT = np.maximum(np.arange(1, CLASSES + 1)[:, None] - SEEN, 0)  # healthy ones, in small classes
WAYS = np.array([[comb(k, j) * (k <= SMALL) for j in SEEN] for k in range(1, CLASSES + 1)], float)

Table = Float[Array, "classes seen"]
Classes = Float[Array, " classes"]


class Crowd(NamedTuple):
    """Who is met: of each class its share of all agents, and its degree."""

    share: Classes
    degree: Classes

    @property
    def ends(self) -> Classes:
        """Its share of all ends of edges."""
        return self.share * self.degree / jnp.sum(self.share * self.degree)


class Rules(NamedTuple):
    infection: Float[Array, ""]  # b: chance by an infected share, or by each infected neighbour
    leak: Float[Array, ""]  # share of it in spite of protection
    recovery: Float[Array, ""]
    protection_cost: Float[Array, ""]
    infection_cost: Float[Array, ""]
    small: Float[Array, ""]  # k*: neighbourhoods up to it are known exactly
    counts: bool  # whether infected neighbours count by number, not by share

    def chance(self, infected: Array, degree: Array) -> Array:
        """Of infection without protection."""
        seen = infected if self.counts else infected / jnp.maximum(degree, 1)
        return jnp.minimum(self.infection * seen, 1)


class Answer(NamedTuple):
    """What protection is worth, and what could be gained by choosing best."""

    advantage: Float[Array, "times classes seen"]
    gain: Float[Array, ""]


def class_of(degree: Int[Array, " n"]) -> Int[Array, " n"]:
    wide = jnp.log(jnp.maximum(degree, 1) / (SMALL + 1.0)) / np.log(RATIO)
    wide = SMALL + jnp.clip(jnp.floor(wide + 1e-4), 0, WIDE - 1).astype(jnp.int32)
    return jnp.where(degree <= SMALL, jnp.maximum(degree, 1) - 1, wide)


def crowd(degree: Int[Array, " n"]) -> Crowd:
    """Classes of the agents of a graph; degree 0 is nobody."""
    which = jnp.where(degree > 0, class_of(degree), CLASSES)
    count = jnp.zeros(CLASSES + 1).at[which].add(1)[:CLASSES]
    total = jnp.zeros(CLASSES + 1).at[which].add(degree.astype(float))[:CLASSES]
    usual = (SMALL + 1) * RATIO ** (np.arange(WIDE) + 0.5)
    usual = jnp.asarray(np.concatenate([np.arange(1, SMALL + 1), usual]), jnp.float32)
    mean = jnp.where(count > 0, total / jnp.maximum(count, 1), usual)
    return Crowd(count / jnp.maximum(jnp.sum(count), 1), mean)


def known(rules: Rules, crowd: Crowd) -> Bool[Array, " classes"]:
    """Whose neighbourhood is small enough to be known exactly."""
    return (jnp.arange(CLASSES) < SMALL) & (crowd.degree <= rules.small)


def neighbourhoods(rules: Rules, crowd: Crowd, q: Float[Array, ""]) -> tuple[Table, Table]:
    """How likely each entry of the table is, and the chance of infection there."""
    q = jnp.clip(q, 1e-9, 1 - 1e-7)
    binomial = WAYS * jnp.exp(SEEN * jnp.log(q) + LEFT * jnp.log1p(-q))
    exact = known(rules, crowd)[:, None]
    likely = jnp.where(exact, binomial, (SEEN == 0).astype(float))
    degree = crowd.degree[:, None]
    infected = jnp.where(exact, jnp.asarray(SEEN, float), degree * q)
    return likely, rules.chance(infected, degree)


def onward(rules: Rules, crowd: Crowd, infected: Classes, protects: Table) -> Classes:
    """The infected share of each class, one time later."""
    likely, chance = neighbourhoods(rules, crowd, crowd.ends @ infected)
    caught = jnp.sum(likely * chance * (1 - (1 - rules.leak) * protects), axis=1)
    return infected * (1 - rules.recovery) + (1 - infected) * caught


def answer(
    rules: Rules,
    crowd: Crowd,
    infected: Float[Array, ""],
    protects: Float[Array, "times classes seen"],
) -> Answer:
    """To a crowd that begins with this infected share and chooses by a table."""
    begin = jnp.full(CLASSES, infected)

    def later(i: Array, table: Array) -> tuple[Array, Array]:
        return onward(rules, crowd, i, table), crowd.ends @ i

    _, q = lax.scan(later, begin, protects)
    zero = jnp.zeros(CLASSES)

    def earlier(worth: tuple[Array, ...], now: tuple[Array, Array]) -> tuple[Any, Array]:
        table, q = now
        likely, chance = neighbourhoods(rules, crowd, q)
        well, ill, best_well, best_ill = worth

        def choices(well: Array, ill: Array) -> tuple[Array, Array]:
            loss = (well - ill)[:, None] * chance
            return well[:, None] - loss, well[:, None] - rules.leak * loss - rules.protection_cost

        free, safe = choices(well, ill)
        best_free, best_safe = choices(best_well, best_ill)
        back, cost = rules.recovery, rules.infection_cost
        return (
            jnp.sum(likely * (table * safe + (1 - table) * free), axis=1),
            -cost + (1 - back) * ill + back * well,
            jnp.sum(likely * jnp.maximum(best_free, best_safe), axis=1),
            -cost + (1 - back) * best_ill + back * best_well,
        ), safe - free

    (well, ill, best_well, best_ill), advantage = lax.scan(
        earlier, (zero, zero, zero, zero), (protects, q), reverse=True
    )
    gain = (1 - infected) * (best_well - well) + infected * (best_ill - ill)
    return Answer(advantage, jnp.sum(crowd.share * gain))


def at_mean(rules: Rules, crowd: Crowd, infected: Classes, protects: Table) -> Table:
    """The table as if all saw the mean of their neighbourhood: what a dense graph makes of it."""
    place = jnp.clip(crowd.degree * (crowd.ends @ infected), 0, SMALL - 1e-3)
    low = place.astype(jnp.int32)
    rows = jnp.arange(CLASSES)
    between = place - low
    mean = (1 - between) * protects[rows, low] + between * protects[rows, low + 1]
    mean = jnp.where(known(rules, crowd), mean, protects[:, 0])
    return jnp.broadcast_to(mean[:, None], protects.shape)


def choosing(wish: Array) -> Array:
    """The chance to protect: logit."""
    return jax.nn.sigmoid(wish)
