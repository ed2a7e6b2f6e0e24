"""A crowd of learners, each for itself, that settles on the equilibrium of the crowd."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Arrows, Axes, Bars, Box, Captions, Colour, Curve, Frame, Points
from engine.core.parameters import Scalar, live, size, start
from engine.core.system import System, poke
from engine.core.theory import Flags, Scalars
from engine.numerics.matrices import solve
from engine.numerics.slices import readable
from engine.numerics.training import ROWS, History, longer


TAU = 2 * np.pi
RING = 21  # places on the ring
WORTH = np.array([1.0, 0.8, 0.5, 0.2, 0.0], np.float32)  # of the options
WIND = 0.1  # chance of being moved, half of it each way
EFFORT = 0.1  # of a move
DISCOUNT = 0.9
IMPROVED = 8  # times, until a policy is the best reply: each time doubles the digits
TURNS = 8  # iterations of the equilibrium in a step
FROM_SCRATCH = 1500
RATE = 0.1  # of the critics
MEMORY = 0.02  # of the usual crowd, at each sample


class Guess(NamedTuple):
    crowd: Float[Array, " c"]  # shares of the places, or of the options
    value: Float[Array, " s"]  # of being at a place, for one who plays the best reply


class State(NamedTuple):
    place: Int[Array, " n"]
    action: Int[Array, " n"]  # the last one
    policy: Float[Array, "k s a"]  # logarithms, of all agents or of each
    critic: Float[Array, "k s a"]  # estimates of the worth of an action
    crowd: Float[Array, " c"]  # shares of the agents
    usual: Float[Array, " c"]  # the crowd, averaged over the last samples
    equilibrium: Guess
    samples: Float[Array, ""]  # that each agent has taken
    course: History  # of exploitability, at every step


class MeanFieldGame(System[State]):
    """Policy mirror ascent in a crowd

    Many agents want to be where it is good and not crowded. Nobody knows the model: each takes
    samples along its own path, keeps a critic Q of what its actions are worth in this crowd, and
    from time to time climbs in the mirror of the entropy,

        log π ← (log π + η Q)/(1 + ητ)

    On the ring it is a walk to a bar, with wind; "options" is a choice among five. The histogram
    of the crowd settles on the regularised Nash equilibrium, in which π ∝ exp(Q/τ) answers the
    crowd that it makes, up to the 1/√N of chance. Too eager a climb (η of 0.5 on the ring, where
    the crowd's answer adds up over ten steps ahead) keeps it chasing itself.
    """

    after = True
    sources = ("yardim2023pma",)
    equations = (
        Equation(
            r"\log\pi\leftarrow\frac{\log\pi+\eta\,Q}{1+\eta\tau}-\log Z",
            "mirror ascent, regularised by the entropy",
        ),
        Equation(
            r"r=-\frac{d(s,\mathrm{bar})}{S/2}-\alpha\,\frac{\ln\mu_s}{\ln S}-0.1\,|a|",
            "reward on the ring of S places",
        ),
        Equation(r"r_a=u_a-\alpha\mu_a", "reward of an option"),
        Equation(
            r"\pi^*\propto e^{Q^*/\tau},\quad\mu^*=\mu^*P_{\pi^*}",
            "the equilibrium: best replies to the crowd that they make",
        ),
        Equation(
            r"E\,|\mu_N-\mu^*|_1=\sum_a\sqrt{\frac{2\mu_a(1-\mu_a)}{\pi N}}",
            "what chance leaves",
        ),
    )
    theory_name = "equilibrium"
    assumptions = "Infinitely many agents that know their rewards; the distance is that of chance."
    clock = "ascents"
    cell: ClassVar[Mapping[str, int]] = {"n": 400}
    hints: ClassVar[Mapping[str, Hint]] = {
        "crowd": Hint(glow=False),
        "density": Hint(large=False),
        "exploitability": Hint(large=False),
    }
    presets = (
        Preset("beach bar", game="ring", alpha=1.0, entropy=0.1),
        Preset("nobody minds", game="ring", alpha=0.0, entropy=0.1),
        Preset("a crowd that hates itself", game="ring", alpha=3.0, entropy=0.1),
        Preset("each alone", game="ring", critic="own", samples=100),
        Preset("five options", game="options", alpha=1.0, entropy=0.2, eta=0.5),
        Preset("too eager", game="ring", eta=0.5),
    )
    quantities = (
        Quantity("peak", symbol="max μ", span=(0, 1), help="share at the fullest place"),
        Quantity("distance", symbol="|μ − μ*|₁", help="of the crowd from the equilibrium"),
        Quantity(
            "exploitability", symbol="gain", help="of one agent that would play the best reply"
        ),
        Quantity("at the bar", symbol="μ(bar)", span=(0, 1), help="share there, or of option 1"),
        Quantity("samples", symbol="t", help="that each agent has taken"),
    )

    alpha: Scalar = live(
        default=1.0, span=(0, 3), symbol="α", help="dislike of crowds", limits=(0, 20)
    )
    entropy: Scalar = live(
        default=0.1,
        span=(0.05, 1),
        symbol="τ",
        help="weight of the entropy",
        log=True,
        limits=(0.02, 100),
    )
    eta: Scalar = live(
        default=0.1, span=(0.01, 2), symbol="η", help="of mirror ascent", log=True, limits=(0, 100)
    )
    samples: Scalar = live(
        default=20,
        span=(1, 100),
        symbol="m",
        help="between steps of ascent",
        log=True,
        limits=(0, 10_000),
    )
    bar: Scalar = live(
        default=10, span=(0, RING - 1), symbol="b", help="place of the bar", limits=(0, RING - 1)
    )
    game: str = start(default="ring", choices=("ring", "options"), help="what is played")
    critic: str = start(
        default="shared", choices=("shared", "own"), help="one for all, or each its own"
    )
    n: int = size(default=1000, span=(50, 20_000), symbol="N", help="agents")

    @property
    def places(self) -> int:
        return RING if self.game == "ring" else 1

    @property
    def actions(self) -> int:
        return 3 if self.game == "ring" else len(WORTH)

    @property
    def discount(self) -> float:
        return DISCOUNT if self.game == "ring" else 0.0

    # The game.

    def rewards(self, crowd: Float[Array, " c"]) -> Float[Array, "s a"]:
        if self.game == "options":
            return (jnp.asarray(WORTH) - self.alpha * crowd)[None]
        apart = jnp.abs(jnp.arange(RING) - self.bar)
        apart = jnp.minimum(apart, RING - apart)
        full = jnp.log(jnp.maximum(crowd, 1e-12)) / np.log(RING)
        move = EFFORT * jnp.abs(jnp.arange(3.0) - 1)
        return (-apart / (RING / 2) - self.alpha * full)[:, None] - move

    def later(self, value: Float[Array, " s"]) -> Float[Array, "s a"]:
        """The discounted value of where an action leads, wind included."""
        if self.game == "options":
            return jnp.zeros((1, len(WORTH)))
        blown = (1 - WIND) * value + WIND / 2 * (jnp.roll(value, 1) + jnp.roll(value, -1))
        return DISCOUNT * jnp.stack([jnp.roll(blown, 1), blown, jnp.roll(blown, -1)], axis=1)

    def moved(self, crowd: Float[Array, " c"], policy: Float[Array, "s a"]) -> Float[Array, " c"]:
        """The crowd after one step of a policy."""
        if self.game == "options":
            return policy[0]
        left, stay, right = (crowd[:, None] * policy).T
        new = stay + jnp.roll(left, -1) + jnp.roll(right, 1)
        return (1 - WIND) * new + WIND / 2 * (jnp.roll(new, 1) + jnp.roll(new, -1))

    def nearer(self, guess: Guess) -> Guess:
        """One damped iteration of the equilibrium."""
        worth = self.rewards(guess.crowd) + self.later(guess.value)
        value = self.entropy * jax.nn.logsumexp(worth / self.entropy, axis=1)
        policy = jax.nn.softmax(worth / self.entropy, axis=1)
        # Best replies overreact by as much as α/τ.
        share = jnp.minimum(0.3, 0.4 * self.entropy / (self.alpha + 1e-6))
        crowd = guess.crowd + share * (self.moved(guess.crowd, policy) - guess.crowd)
        return Guess(crowd, value)

    def even(self) -> Guess:
        count = self.places if self.game == "ring" else self.actions
        return Guess(jnp.full(count, 1 / count), jnp.zeros(self.places))

    def solved(self) -> Guess:
        return lax.fori_loop(0, FROM_SCRATCH, lambda _, g: self.nearer(g), self.even())

    def value(
        self, rewards: Float[Array, "s a"], policy: Float[Array, "s a"]
    ) -> Float[Array, " s"]:
        """Of a policy, its entropy included: v = r + γ P v, solved."""
        bonus = -self.entropy * jnp.log(jnp.maximum(policy, 1e-30))
        led = jax.vmap(self.later, out_axes=2)(jnp.eye(self.places))
        ahead = jnp.sum(policy[:, :, None] * led, axis=1)
        gained = jnp.sum(policy * (rewards + bonus), axis=1)
        return solve(jnp.eye(self.places) - ahead, gained)

    def exploitability(
        self, crowd: Float[Array, " c"], policy: Float[Array, "s a"]
    ) -> Float[Array, ""]:
        """What the best reply to this crowd gains over a policy, both regularised.

        It is asked of the usual crowd: a place that is empty by chance tempts no one for long.
        """
        rewards = self.rewards(crowd)

        def improved(_: Array, value: Float[Array, " s"]) -> Float[Array, " s"]:
            worth = rewards + self.later(value)
            return self.value(rewards, jax.nn.softmax(worth / self.entropy, axis=1))

        own = self.value(rewards, policy)
        best = lax.fori_loop(0, IMPROVED, improved, own)
        here = crowd if self.game == "ring" else jnp.ones(1)
        return jnp.sum(here * (best - own))

    # The learners.

    def init(self, key: Key[Array, ""]) -> State:
        place = jax.random.randint(key, (self.n,), 0, self.places)
        guess = self.even()
        crowd = self.shares(place) if self.game == "ring" else guess.crowd
        count = jnp.zeros((), int)
        policy, critic = self.untaught()
        return State(
            place=place,
            action=jnp.zeros(self.n, int),
            policy=policy,
            critic=critic,
            crowd=crowd,
            usual=crowd,
            equilibrium=guess,
            samples=jnp.zeros(()),
            course=History(jnp.zeros(ROWS), count, count + 1, jnp.zeros(()), count),
        )

    def untaught(self) -> tuple[Float[Array, "k s a"], Float[Array, "k s a"]]:
        """Policy and critic of those who know nothing: they hope for the best everywhere.

        Who hoped for less would never try what it has not tried: a critic of one's own hears of
        one action at a time.
        """
        table = (self.n if self.critic == "own" else 1, self.places, self.actions)
        most = jnp.max(self.rewards(self.even().crowd)) + self.entropy * np.log(self.actions)
        hope = most / (1 - self.discount)
        return jnp.full(table, -np.log(self.actions)), jnp.broadcast_to(hope, table)

    def shares(self, what: Int[Array, " n"]) -> Float[Array, " c"]:
        """Shares of the agents; no place is quite empty, as its logarithm is asked for."""
        count = self.places if self.game == "ring" else self.actions
        return (jnp.zeros(count).at[what].add(1.0) + 1 / count) / (self.n + 1)

    def step(self, state: State, key: Key[Array, ""]) -> State:
        rounds = jnp.round(jnp.asarray(self.samples, float))
        state = lax.fori_loop(
            0,
            rounds.astype(int),
            lambda i, state: self.sampled(state, jax.random.fold_in(key, i)),
            state,
        )
        raised = (state.policy + self.eta * state.critic) / (1 + self.eta * self.entropy)
        policy = jax.nn.log_softmax(raised, axis=2)
        guess = lax.fori_loop(0, TURNS, lambda _, g: self.nearer(g), state.equilibrium)
        gain = self.exploitability(state.usual, self.mean_policy(policy))
        return state._replace(
            policy=policy,
            equilibrium=guess,
            samples=state.samples + rounds,
            course=longer(state.course, gain),
        )

    def sampled(self, state: State, key: Key[Array, ""]) -> State:
        """All act at once; each critic hears of the reward and of where it led."""
        who = jnp.arange(self.n) if self.critic == "own" else jnp.zeros(self.n, int)
        choice, blown = jax.random.uniform(key, (2, self.n))
        chance = jnp.exp(state.policy)
        upto = jnp.cumsum(chance, axis=2)[who, state.place, :-1]
        action = jnp.sum(choice[:, None] > upto, axis=1)
        if self.game == "ring":
            wind = (blown < WIND / 2).astype(int) - (blown > 1 - WIND / 2).astype(int)
            place, crowd = (state.place + action - 1 + wind) % RING, state.crowd
        else:
            place, crowd = state.place, self.shares(action)
        reward = self.rewards(crowd)[state.place, action]
        value = jnp.sum(chance * (state.critic - self.entropy * state.policy), axis=2)
        told = reward + self.discount * value[who, place]
        error = told - state.critic[who, state.place, action]
        at = (who, state.place, action)
        if self.critic == "own":
            critic = state.critic.at[at].add(RATE * error)
        else:
            total = jnp.zeros_like(state.critic).at[at].add(error)
            many = jnp.zeros_like(state.critic).at[at].add(1.0)
            critic = state.critic + RATE * total / jnp.maximum(many, 1.0)
        crowd = self.shares(place) if self.game == "ring" else crowd
        return state._replace(
            place=place,
            action=action,
            critic=critic,
            crowd=crowd,
            usual=state.usual + MEMORY * (crowd - state.usual),
        )

    def mean_policy(self, policy: Float[Array, "k s a"]) -> Float[Array, "s a"]:
        return jnp.mean(jnp.exp(policy), axis=0)

    def observables(self, state: State) -> Scalars:
        policy = self.mean_policy(state.policy)
        return {
            "peak": jnp.max(state.crowd),
            "distance": jnp.sum(jnp.abs(state.crowd - state.equilibrium.crowd)),
            "exploitability": self.exploitability(state.usual, policy),
            "at the bar": state.crowd[self.middle()],
            "samples": state.samples,
        }

    def middle(self) -> Int[Array, ""]:
        """The place of the bar, or the first option."""
        return jnp.round(jnp.asarray(self.bar, float)).astype(int) * (self.game == "ring")

    def theory(self) -> Scalars:
        guess = self.solved()
        settled = jnp.sum(jnp.abs(self.nearer(guess).crowd - guess.crowd)) < 1e-4
        crowd = jnp.where(settled, guess.crowd, jnp.nan)
        chance = jnp.sum(jnp.sqrt(2 * crowd * (1 - crowd) / (np.pi * self.n)))
        return {
            "peak": jnp.max(crowd),
            "distance": chance,
            "exploitability": jnp.zeros(()),
            "at the bar": crowd[self.middle()],
        }

    def caveats(self, state: State) -> Flags:
        guess = state.equilibrium
        off = jnp.sum(jnp.abs(self.nearer(guess).crowd - guess.crowd)) > 1e-3
        return {"the equilibrium is still being worked out": off}

    @poke()
    def scatter(self, state: State, key: Key[Array, ""]) -> State:
        """Put all agents anywhere; they keep what they have learnt."""
        place = jax.random.randint(key, (self.n,), 0, self.places)
        return state._replace(
            place=place, crowd=self.shares(place) if self.game == "ring" else state.crowd
        )

    @poke()
    def forget(self, state: State, key: Key[Array, ""]) -> State:
        """Let all forget what they have learnt."""
        policy, critic = self.untaught()
        return state._replace(policy=policy, critic=critic)

    # The views.

    def frame(self, state: State) -> Frame:
        steps, gain = state.course.curve()
        ascents = state.course.filled * state.course.length + state.course.held
        samples = steps * jnp.maximum(state.samples / jnp.maximum(ascents, 1), 1.0)
        guide = jnp.nanmax(jnp.where(jnp.isnan(gain), 0.0, gain)) * jnp.sqrt(samples[0] / samples)
        count = len(state.crowd)
        edges = jnp.arange(count + 1) - 0.5
        return {
            "crowd": self.drawn(state),
            "density": (
                Axes("place" if self.game == "ring" else "option", "share"),
                Bars(edges, state.crowd, label="agents"),
                Curve(jnp.arange(count) * 1.0, state.equilibrium.crowd, label="equilibrium"),
            ),
            "exploitability": (
                Axes("samples", "gain of the best reply", log="xy"),
                Curve(samples, guide, "guide", label="∝ 1/√t"),
                Curve(samples, gain, "measured", label="exploitability"),
            ),
        }

    def drawn(self, state: State) -> tuple[Box, Points, Arrows, Captions]:
        """Agents at their places, spread evenly within each, and where the policy drives them."""
        index = jnp.arange(self.n)
        aside, across = (index * 0.618034) % 1 - 0.5, (index * 0.754878) % 1 - 0.5
        way = jnp.where(jnp.asarray(self.game == "ring"), state.action, 1) * 1.0
        colours = {"last move": Colour(way, scale="category")}
        policy = self.mean_policy(state.policy)
        if self.game == "options":
            chosen = jnp.stack([state.action + 0.8 * aside, 2 + 0.8 * across], axis=1)
            spot = jnp.stack([jnp.arange(5.0), jnp.full(5, 2.6)], axis=1)
            rise = jnp.stack([jnp.zeros(5), policy[0]], axis=1)
            colours = {"option": Colour(state.action * 1.0, scale="category")}
            box = Box(jnp.array([-1.0, 0.5]), jnp.array([5.0, 4.5]))
            return box, Points(chosen, colours), Arrows(spot, rise), Captions(("five options",))
        angle = TAU / RING * (state.place + 0.8 * aside)
        radius = 1 + 0.25 * across
        agents = radius[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
        at = TAU / RING * jnp.arange(RING)
        spot = 0.75 * jnp.stack([jnp.cos(at), jnp.sin(at)], axis=1)
        turn = jnp.stack([-jnp.sin(at), jnp.cos(at)], axis=1)
        drive = readable((policy[:, 2] - policy[:, 0])[:, None] * turn, 0.25)
        bar = TAU / RING * jnp.asarray(self.bar, float)
        pointed = jnp.stack([jnp.cos(bar), jnp.sin(bar)])
        return (
            Box(jnp.full(2, -1.35), jnp.full(2, 1.35)),
            Points(agents, colours),
            Arrows(
                jnp.concatenate([spot, 0.1 * pointed[None]]),
                jnp.concatenate([drive, 0.45 * pointed[None]]),
                label="drift, and the bar",
            ),
            Captions(("agents on the ring",)),
        )
