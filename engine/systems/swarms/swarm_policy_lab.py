"""A swarm's rule learnt by all of it, beside the rule made by hand and the best there is."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Box, Captions, Colour, Curve, Frame, Points
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.heading_control import Optimum, Rule, best_rule, optimum, rule, steered
from engine.numerics.neighbours import sorted_into_cells, summed, summed_densely, taken
from engine.numerics.training import (
    ROWS,
    History,
    Learned,
    Training,
    adam,
    drawn_at_once,
    longer,
)
from engine.numerics.trig import sincos


TAU = 2 * np.pi
POLICIES = ("by hand", "learnt", "optimum")
ASKED = 8  # neighbours of one who asks at random
DT = 0.15  # of a rollout
EPISODES = 8  # populations of a rollout where the score function is used
EXPLORED = 0.5  # standard deviation of the actions it tries
FEW = 1024  # neighbours are found among all pairs up to here


class State(NamedTuple):
    learned: Learned
    heading: Float[Array, "3 n"]  # rad, in [0, 2π); by hand, learnt, optimum
    place: Float[Array, "3 n 2"]  # in units of the box; of no meaning in the task "sync"
    reward: Float[Array, " 3"]  # of the last step
    course: History  # of the reward, for all three


class SwarmPolicyLab(System[State]):
    """Learned against hand-made swarm rules

    Agents turn by u in noise, to hold their headings together at a low cost of steering:

        dθᵢ = uᵢ dt + √(2D) dWᵢ,    J = ⟨r − (c/2) u²⟩,    r = |⟨e^{iθ}⟩|

    Each knows only what it sees, oᵢ. Three policies act on the same swarm under the same noise: a
    rule by hand, u = K Im o; a small network that all agents share, trained while you watch on a
    few hundred of them; and the optimum for agents that know the mean heading, which no policy of
    this task can beat. Its gain over the best rule is about 1 %; the gain over a rule of the wrong
    strength is large. In the task "flock" the agents also move, and see who is near.
    """

    after = True
    sources = ("cui2024decpomfc", "kuramoto1975", "vicsek1995")
    equations = (
        Equation(
            r"\mathrm d\theta_i=u_i\,\mathrm dt+\sqrt{2D}\,\mathrm dW_i,\quad "
            r"u_i=\pi_w(o_i),\quad o_i=m_i\,e^{-\mathrm i\theta_i}+\text{noise}",
            "all share a policy of what each sees of the mean field, in its own frame",
        ),
        Equation(
            r"J=\Big\langle r-\frac{c}{2}\,u^2\Big\rangle,\quad "
            r"r=\Big|\frac1N\sum_j e^{\mathrm i\theta_j}\Big|",
            "the reward belongs to the population",
        ),
        Equation(
            r"2cD^2\,w''+\cos\theta\;w=\lambda^*w,\quad u^*=2D\,\frac{w'}{w},\quad\rho=w^2",
            "the optimum, N → ∞ and full sight: Mathieu's equation",
        ),
        Equation(
            r"u=-Kr\sin(\theta-\psi),\quad r=\frac{I_1(Kr/D)}{I_0(Kr/D)},\quad "
            r"J=r\Big(1-\frac{c}{2}DKr\Big)",
            "the rule by hand: nothing for K ≤ 2D",
        ),
    )
    theory_name = "optimum"
    assumptions = (
        "N → ∞, steady, and every agent is told the mean heading exactly: a bound for all others."
    )
    cell: ClassVar[Mapping[str, int]] = {"n": 256, "n_train": 64, "horizon": 32}
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarms": Hint(glow=False),
        "policy": Hint(large=False),
        "reward": Hint(large=False),
        "loss": Hint(large=False),
    }
    presets = (
        Preset("sync", task="sync"),
        Preset("flock", task="flock", n=1024),
        Preset("short sight", task="sync", sight=0.05),
        Preset("noisy eyes", task="sync", blur=0.5),
        Preset("eight at random", task="sync", seen="random"),
        Preset("a rule too weak", task="sync", rule="by hand", gain=0.9),
        Preset("steering is dear", task="sync", cost=4.0),
        Preset("score function", task="sync", gradient="score function", rate=0.005, pace=2),
    )
    quantities = (
        Quantity("learnt", symbol="J", span=(-0.5, 1), help="reward of the learnt policy"),
        Quantity("by hand", symbol="J hand", span=(-0.5, 1), help="reward of the rule"),
        Quantity("best", symbol="J best", span=(-0.5, 1), help="reward of the optimum, simulated"),
        Quantity("order", symbol="r", span=(0, 1), help="order of the learnt policy"),
        Quantity("effort", symbol="⟨u²⟩", help="of the learnt policy"),
        Quantity("loss", symbol="−J train", help="on the training population, averaged"),
        Quantity("trained", symbol="k", help="optimiser steps so far"),
    )

    noise: Scalar = live(
        default=0.5, span=(0.05, 2), symbol="D", help="of the headings", log=True, limits=(0.02, 20)
    )
    cost: Scalar = live(
        default=1.0, span=(0.05, 5), symbol="c", help="of steering", log=True, limits=(0.02, 1000)
    )
    gain: Scalar = live(
        default=1.5, span=(0, 8), symbol="K", help="of the rule by hand", limits=(0, 1000)
    )
    sight: Scalar = live(
        default=1.0,
        span=(0.01, 1),
        symbol="s",
        help="share of the ring that is seen",
        log=True,
        limits=(0, 1),
    )
    blur: Scalar = live(
        default=0.0, span=(0, 1), symbol="σ", help="noise of what is seen", limits=(0, 100)
    )
    strongest: Scalar = live(
        default=10.0,
        span=(0.5, 20),
        symbol="u_max",
        help="strongest steering",
        log=True,
        limits=(1e-3, 1e3),
    )
    rate: Scalar = live(
        default=3e-3, span=(1e-4, 3e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    pace: Scalar = live(
        default=1, span=(0, 8), symbol="k", help="optimiser steps; 0 pauses", limits=(0, 1000)
    )
    dt: Scalar = live(
        default=0.05,
        span=(0.005, 0.1),
        symbol="Δt",
        help="time step of the swarms",
        log=True,
        limits=(1e-5, 0.5),
    )
    speed: Scalar = live(default=1.0, span=(0, 3), symbol="v₀", help="of a flock", limits=(0, 100))
    rule: str = mode(
        default="best gain", choices=("best gain", "by hand"), help="K of the rule by hand"
    )
    seen: str = mode(
        default="window",
        choices=("window", "random"),
        help="a window on the ring, or eight at random (sync)",
    )
    gradient: str = mode(
        default="pathwise",
        choices=("pathwise", "score function"),
        help="through the simulator, or from rewards alone",
    )
    task: str = start(default="sync", choices=("sync", "flock"), help="what is to be held together")
    density: Scalar = start(
        default=2.0, span=(0.5, 8), symbol="ρ", help="of a flock", log=True, limits=(1e-3, 1e3)
    )
    n: int = size(default=2048, span=(64, 16_384), symbol="N", help="agents that are deployed")
    n_train: int = size(default=200, span=(32, 1024), symbol="N₁", help="agents trained on")
    horizon: int = size(default=32, span=(8, 128), symbol="T", help="steps of a rollout")

    def backend(self) -> str:
        """How a flock finds who is near."""
        if self.task != "flock":
            return ""
        return "dense" if self.n <= FEW else "cells"

    # What an agent sees, and what it does.

    def observed(
        self,
        heading: Float[Array, " m"],
        place: Float[Array, "m 2"],
        error: Float[Array, "m 2"],
        key: Key[Array, ""],
    ) -> Float[Array, "m 3"]:
        """The mean field about each agent in its own frame, with an error, and how many it sees.

        The key draws whom each asks.
        """
        m = len(heading)
        s, c = sincos(heading)
        if self.task == "flock":
            length = jnp.sqrt(m / jnp.asarray(self.density, float))
            x, y, many = self.near(place * length, c, s, length)
        elif self.seen == "random":
            asked = jax.random.randint(key, (m, ASKED), 0, m)
            x, y = jnp.mean(c[asked], axis=1), jnp.mean(s[asked], axis=1)
            many = jnp.full(m, float(ASKED))
        else:
            (x, y), many = windowed(jnp.stack([c, s]), self.sight), jnp.ones(m)
        ahead, aside = x * c + y * s, y * c - x * s
        eyes = jnp.stack([ahead, aside], axis=1) + self.blur * error
        return jnp.concatenate([eyes, jnp.log(many)[:, None] / 4], axis=1)

    def near(
        self, place: Float[Array, "m 2"], c: Array, s: Array, length: Float[Array, ""]
    ) -> tuple[Array, Array, Array]:
        """Mean heading and number of all within a distance of 1, oneself included."""
        x, y = place.T
        one = jnp.ones_like(x)
        if len(x) <= FEW:
            x_sum, y_sum, many = summed_densely(x, y, (c, s, one), length, reach=1.0)
        else:
            cells = sorted_into_cells(x, y, length, reach=1.0)
            x, y, c, s = (taken(part, cells.order) for part in (x, y, c, s))
            sums = summed(cells, x, y, (c, s, one), length, reach=1.0)
            x_sum, y_sum, many = (one.at[cells.order].set(total) for total in sums)
        return x_sum / many, y_sum / many, many

    def training(self) -> Training[eqx.nn.MLP]:
        def outline(key: Key[Array, ""]) -> eqx.nn.MLP:
            return eqx.nn.MLP(3, "scalar", 16, 2, activation=jnp.tanh, key=key)

        def build(key: Key[Array, ""]) -> eqx.nn.MLP:
            return drawn_at_once(outline, key)

        loss = self.taught if self.gradient == "pathwise" else self.tried
        return Training(build, loss, adam(self.rate, clip=1.0))

    def chosen(self, network: eqx.nn.MLP, seen: Float[Array, "m 3"]) -> Float[Array, " m"]:
        raw = jax.vmap(network)(seen)
        return self.strongest * jnp.tanh(raw / self.strongest)

    # Learning.

    def taught(self, network: eqx.nn.MLP, key: Key[Array, ""]) -> Float[Array, ""]:
        """−J of a rollout; its gradient runs back through the simulator."""
        return -jnp.mean(self.rolled(network, key, self.n_train)[0])

    def tried(self, network: eqx.nn.MLP, key: Key[Array, ""]) -> Float[Array, ""]:
        """−J of several populations that try actions, with the gradient of the score function.

        What was tried is made likelier by as much as its population was rewarded afterwards, above
        the average of all populations: nothing of the simulator is differentiated.
        """
        keys = jax.random.split(key, EPISODES)
        reward, likelihood = jax.vmap(
            lambda key: self.rolled(network, key, self.n_train // EPISODES, explores=True)
        )(keys)
        later = jnp.cumsum(reward[:, ::-1], axis=1)[:, ::-1]
        advantage = later - jnp.mean(later, axis=0)
        advantage = lax.stop_gradient(advantage / (jnp.std(advantage) + 1e-6))
        score = -jnp.mean(advantage * likelihood)
        return score + lax.stop_gradient(-jnp.mean(reward) - score)

    def rolled(
        self, network: eqx.nn.MLP, key: Key[Array, ""], m: int, *, explores: bool = False
    ) -> tuple[Float[Array, " t"], Float[Array, " t"]]:
        """Rewards of a population over a horizon, and the log-likelihood of what it tried."""
        for_start, for_order, for_place, for_noise, for_asked = jax.random.split(key, 5)
        # Begun in some order, of the Poisson kernel: r = 0 would be a saddle of any rule.
        order = jax.random.uniform(for_order, minval=0.2, maxval=0.95)
        half = jax.random.uniform(for_start, (m,), minval=-np.pi / 2, maxval=np.pi / 2)
        heading = 2 * jnp.arctan((1 - order) / (1 + order) * jnp.tan(half))
        place = jax.random.uniform(for_place, (m, 2))
        length = jnp.sqrt(m / jnp.asarray(self.density, float))

        # All that is drawn is drawn at once: in the loop it would cost more than all the rest.
        drawn = jax.random.normal(for_noise, (self.horizon, m, 4))
        kicks = jnp.sqrt(2 * self.noise * DT) * drawn[:, :, 0]

        def onward(at: tuple[Array, Array], now: tuple[Array, ...]) -> tuple[Any, Any]:
            (heading, place), (kick, error, trial, key) = at, now
            u = self.chosen(network, self.observed(heading, place, error, key))
            likelihood = jnp.zeros(())
            if explores:
                u, mean = lax.stop_gradient(u) + EXPLORED * trial, u
                u = lax.stop_gradient(u)
                likelihood = -jnp.sum((u - mean) ** 2) / (2 * EXPLORED**2)
            heading = heading + u * DT + kick
            s, c = sincos(heading)
            moved = place + self.speed * DT / length * jnp.stack([c, s], axis=1)
            # What one tries on purpose is no part of the policy: its effort is not charged.
            effort = jnp.mean(u**2) - (EXPLORED**2 if explores else 0.0)
            r = jnp.sqrt(jnp.mean(c) ** 2 + jnp.mean(s) ** 2 + 1e-12)
            return (heading, moved - jnp.floor(moved)), (r - self.cost / 2 * effort, likelihood)

        _, (reward, likelihood) = lax.scan(
            onward,
            (heading, place),
            (kicks, drawn[:, :, 1:3], drawn[:, :, 3], jax.random.split(for_asked, self.horizon)),
        )
        return reward, likelihood

    # The run.

    def init(self, key: Key[Array, ""]) -> State:
        for_network, for_heading, for_place = jax.random.split(key, 3)
        half = jax.random.uniform(for_heading, (self.n,), minval=-np.pi / 2, maxval=np.pi / 2)
        # In some order, r = 0.4, as in the rollouts.
        heading = (2 * jnp.arctan(0.6 / 1.4 * jnp.tan(half))) % TAU
        place = jax.random.uniform(for_place, (self.n, 2))
        length = jnp.zeros(3, int)
        return State(
            learned=self.training().begin(for_network, before=0.0),
            heading=jnp.broadcast_to(heading, (3, self.n)),
            place=jnp.broadcast_to(place, (3, self.n, 2)),
            reward=jnp.full(3, 0.4),
            course=History(jnp.zeros((3, ROWS)), length, length + 1, jnp.zeros(3), length),
        )

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_training, for_eyes, for_noise = jax.random.split(key, 3)
        learned = self.training().on(state.learned, for_training, self.pace)
        u = self.steering(state._replace(learned=learned), for_eyes)
        kick = jnp.sqrt(2 * self.noise * self.dt) * jax.random.normal(for_noise, (self.n,))
        heading = state.heading + u * self.dt + kick
        heading = heading - TAU * jnp.floor(heading / TAU)
        s, c = sincos(heading)
        length = jnp.sqrt(self.n / jnp.asarray(self.density, float))
        place = state.place + self.speed * self.dt / length * jnp.stack([c, s], axis=2)
        r = jnp.hypot(jnp.mean(c, axis=1), jnp.mean(s, axis=1))
        reward = r - self.cost / 2 * jnp.mean(u**2, axis=1)
        return State(
            learned,
            heading,
            place - jnp.floor(place),
            reward,
            jax.vmap(longer)(state.course, reward),
        )

    def steering(self, state: State, key: Key[Array, ""]) -> Float[Array, "3 n"]:
        """u of the three policies, under the same noise of the eyes."""
        for_error, for_asked = jax.random.split(key)
        network = self.training().network(state.learned)
        error = jax.random.normal(for_error, (self.n, 2))
        hand, learnt = (
            self.observed(state.heading[i], state.place[i], error, for_asked) for i in (0, 1)
        )
        s, c = sincos(state.heading[2])
        x, y = jnp.mean(c), jnp.mean(s)
        best = steered(self.optimum(), jnp.arctan2(s * x - c * y, c * x + s * y))
        u = jnp.stack([self.made_by_hand().gain * hand[:, 1], self.chosen(network, learnt), best])
        return jnp.clip(u, -self.strongest, self.strongest)

    def optimum(self) -> Optimum:
        return optimum(self.noise, self.cost)

    def made_by_hand(self) -> Rule:
        if self.rule == "best gain":
            return best_rule(self.noise, self.cost)
        return rule(self.gain, self.noise, self.cost)

    def observables(self, state: State) -> Scalars:
        s, c = sincos(state.heading[1])
        r = jnp.hypot(jnp.mean(c), jnp.mean(s))
        return {
            "learnt": state.reward[1],
            "by hand": state.reward[0],
            "best": state.reward[2],
            "order": r,
            "effort": 2 / self.cost * (r - state.reward[1]),
            "loss": state.learned.loss,
            "trained": state.learned.steps.astype(float),
        }

    def theory(self) -> Scalars:
        """The optimum, and the rule by hand, for N → ∞ and full sight."""
        best, hand = self.optimum(), self.made_by_hand()
        full = jnp.asarray(self.task == "sync" and self.seen == "window")
        full = full & (jnp.asarray(self.sight) >= 1) & (jnp.asarray(self.blur) <= 0)
        strong = jnp.max(jnp.abs(best.steering)) <= self.strongest
        bound = jnp.where(strong, best.reward, jnp.nan)
        return {
            "learnt": bound,
            "by hand": jnp.where(full, hand.reward, jnp.nan),
            "best": bound,
        }

    def boundaries(self) -> dict[str, Boundary]:
        """The optimum has no threshold; a rule of a fixed gain has."""
        if self.rule == "best gain":
            return {}
        return {"onset of the rule": Boundary({"noise": jnp.asarray(self.gain / 2, float)})}

    def caveats(self, state: State) -> Flags:
        strong = jnp.max(jnp.abs(self.optimum().steering)) > self.strongest
        return {
            "a network that has only begun to learn": state.learned.steps < 100,
            "the optimum would steer harder than u_max allows": strong,
            "few agents were tried on at once: the score function learns slowly": jnp.asarray(
                self.gradient == "score function"
            ),
        }

    @poke()
    def scatter(self, state: State, key: Key[Array, ""]) -> State:
        """Spread all headings evenly."""
        heading = jax.random.uniform(key, (self.n,), maxval=TAU)
        return state._replace(heading=jnp.broadcast_to(heading, (3, self.n)))

    # The views.

    def frame(self, state: State) -> Frame:
        return {
            "swarms": self.swarms(state),
            "policy": self.policy(state),
            "reward": self.rewards(state),
            "loss": (
                Axes("optimiser steps", "−J"),
                Curve(*state.learned.history.curve(), "measured"),
            ),
        }

    def swarms(self, state: State) -> tuple[Box, Points, Captions]:
        colours = {"heading": Colour(state.heading, scale="phase")}
        if self.task == "flock":
            length = jnp.sqrt(self.n / jnp.asarray(self.density, float))
            corner = jnp.broadcast_to(length, (3, 2))
            box = Box(0 * corner, corner, periodic=True)
            return box, Points(length * state.place, colours), Captions(POLICIES)
        s, c = sincos(state.heading)
        # A ring as thick as makes its density visible, spread evenly and always alike.
        radius = 1 + 0.15 * (2 * (jnp.arange(self.n) * 0.618034 % 1) - 1)
        swarm = radius[:, None] * jnp.stack([c, s], axis=2)
        corner = jnp.full((3, 2), 1.25)
        return Box(-corner, corner), Points(swarm, colours, radius=0.02), Captions(POLICIES)

    def policy(self, state: State) -> tuple[Axes, Curve, Curve, Curve]:
        """u against the angle from the mean heading, at the order that the learnt swarm has."""
        angle = jnp.linspace(-np.pi, np.pi, 129)
        s, c = sincos(state.heading[1])
        r = jnp.hypot(jnp.mean(c), jnp.mean(s))
        many = jnp.log(self.density * np.pi) / 4 if self.task == "flock" else 0.0
        if self.task == "sync" and self.seen == "random":
            many = np.log(ASKED) / 4
        seen = jnp.stack(
            [r * jnp.cos(angle), -r * jnp.sin(angle), jnp.full_like(angle, many)], axis=1
        )
        network = self.training().network(state.learned)
        return (
            Axes("θ − ψ", "u"),
            Curve(angle, steered(self.optimum(), angle), label="u*"),
            Curve(angle, self.made_by_hand().gain * seen[:, 1], "guide", label="K sin"),
            Curve(angle, self.chosen(network, seen), "measured", label="learnt"),
        )

    def rewards(self, state: State) -> tuple[Axes, Curve, Curve, Curve, Curve]:
        steps, value = jax.vmap(lambda course: course.curve())(state.course)
        time, bound = steps[0] * self.dt, self.theory()["best"]
        return (
            Axes("t", "J"),
            Curve(time, jnp.full_like(time, bound), label="λ*"),
            Curve(time, value[2], "theory", label="optimum"),
            Curve(time, value[0], "guide", label="by hand"),
            Curve(time, value[1], "measured", label="learnt"),
        )


def windowed(value: Float[Array, "k m"], sight: Scalar) -> Float[Array, "k m"]:
    """Means over a window of a ring about each place, which covers a share of it; 1 is all.

    As a product of Fourier modes, with Dirichlet's kernel of a whole number of places.
    """
    m = value.shape[1]
    half = jnp.clip(jnp.floor(jnp.asarray(sight, float) * m / 2), 0, (m - 1) // 2)
    wave = np.pi * np.arange(1, m // 2 + 1) / m
    kernel = jnp.sin((2 * half + 1) * wave) / ((2 * half + 1) * np.sin(wave))
    kernel = jnp.where(jnp.asarray(sight) >= 1, 0.0, kernel)
    modes = jnp.fft.rfft(value) * jnp.concatenate([jnp.ones(1), kernel])
    return jnp.fft.irfft(modes, n=m)
