"""Active discs: a gas that condenses although nothing attracts, and what that costs."""

from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, Key

from engine.core.about import Equation, Hint, Preset, Quantity
from engine.core.layers import Axes, Bars, Box, Colour, Curve, Frame, Points, histogram, losses
from engine.core.parameters import Scalar, live, mode, size, start
from engine.core.system import System, Touch, poke
from engine.core.theory import Boundary, Flags, Scalars
from engine.numerics.local_density import Boxes, boxes
from engine.numerics.neighbours import Neighbours, folded, kept, listed, taken, wrapped
from engine.numerics.normals import normal_pair
from engine.numerics.overlaps import Overlaps, overlaps, overlaps_on_list
from engine.numerics.pair_measures import hexatic
from engine.numerics.pair_score import Look, PairScore, current, denoising, drawn
from engine.numerics.persistent_walks import Drive, displacement, relaxed, turned, unit
from engine.numerics.placements import DISC, lattice, slab
from engine.numerics.training import Learned, Training, adam
from engine.numerics.trig import sincos
from engine.numerics.wanderings import TRACERS, Wanderings, at_home, wandered


SIGHT = 1.35  # diameters that |ψ₆| and the learned score look around: the first shell
WIDEST = 1.7  # of a list: two shells of a hexagonal lattice, the densest one too
LIST = 13.0  # what a list costs, in visits to all discs on it, per packing and squared reach
SIDE = 4.0  # diameters, of the boxes that the local packing is measured in
CLOSEST = np.pi / np.sqrt(12)  # packing of a hexagonal lattice of discs that touch
EVERY = 8  # steps between positions that displacements are measured from
DENSE, THIN = 1.1, 0.1  # packing of drop and vapour at ℓ = 50, to begin with
Loss = Callable[[PairScore, Key[Array, ""]], Float[Array, ""]]
ROOM = 12  # neighbours in a hexagonal lattice, two shells of it
CROWD = 32  # neighbours: where there are more, cells are quicker than the list made from them
BATCH = 256  # discs that an optimiser step learns from


class State(NamedTuple):
    """Coordinate by coordinate: in pairs, all would be found number by number, and slowly."""

    x: Float[Array, " n"]  # in diameters, in [0, L)
    y: Float[Array, " n"]
    drive_x: Float[Array, " n"]  # swims at v₀ times this: a unit vector, or Gaussian in time
    drive_y: Float[Array, " n"]
    length: Float[Array, ""]  # side L of the periodic square
    near: Neighbours
    steps: Int[Array, ""]
    swum: Float[Array, "tracers 2"]  # by some of the discs, not wrapped
    wanderings: Wanderings  # of these
    learned: Learned  # the score of the drives

    @property
    def position(self) -> Float[Array, "n 2"]:
        return jnp.stack([self.x, self.y], axis=1)

    @property
    def drive(self) -> Float[Array, "n 2"]:
        return jnp.stack([self.drive_x, self.drive_y], axis=1)


class ActiveMatter(System[State]):
    """Active discs

    Discs of diameter 1 that swim at speed v₀ along a drive that forgets itself after a
    persistence length ℓ, and push each other apart where they overlap:

        dxᵢ = (v₀ gᵢ + k Σⱼ (1 − rᵢⱼ)₊ r̂ᵢⱼ) dt + √(2Dₜ) dW

    Brownian: g is a unit vector, whose angle diffuses at the rate v₀/ℓ. Ornstein–Uhlenbeck: its
    components are Gaussian, of variance 1 and relaxation rate γ = v₀/ℓ. A swimmer in a crowd is
    slow, and where swimmers are slow they gather: above ℓ ≈ 13 the gas separates into a dense drop
    and a vapour. The flow of probability contracts in space and spreads among the drives: its
    rate, −⟨div F⟩, is the entropy that is produced. Learned score: a network learns how drives are
    distributed around each disc, and from that the same rate, disc by disc.
    """

    sources = ("boffi2023entropy", "cates2015mips")
    equations = (
        Equation(
            r"\dot x_i=v_0\,g_i+F_i+\sqrt{2D_t}\,\xi_i,\qquad "
            r"F_i=k\sum_j(1-r_{ij})_+\,\hat r_{ij}-A x_i",
            "swims, and is pushed where discs overlap",
        ),
        Equation(r"g_i=e(\theta_i),\quad\dot\theta_i=\sqrt{2v_0/\ell}\;\eta_i", "Brownian"),
        Equation(
            r"\dot g_i=-\gamma g_i+\sqrt{2\gamma}\,\eta_i,\quad\gamma=v_0/\ell",
            "Ornstein–Uhlenbeck",
        ),
        Equation(
            r"v_0\langle g\cdot F\rangle+\langle F^2\rangle=0",
            "stationary, D_t = 0: what propulsion pays, contacts burn",
        ),
        Equation(
            r"-\langle\nabla\!\cdot F\rangle=\gamma\,\langle|g+s_g|^2\rangle,\quad "
            r"s_g=\nabla_{\!g}\log\rho",
            "entropy produced (Ornstein–Uhlenbeck, stationary, D_t = 0): exact, and learned",
        ),
    )
    theory_name = "free"
    assumptions = (
        "Lines: an estimate for hard discs, ℓ ≈ 13, and the mean-field spinodal, of swimmers as "
        "fast as v₀ (1 − φ/0.907): much below what is seen. Other common numbers: Pe = ℓ, and "
        "Pe = 3ℓ where thermal and rotational diffusion are those of one disc. Entropy here counts "
        "the drive as even under time reversal: in a trap it is not 0, though paths of positions "
        "look the same backwards."
    )
    cell: ClassVar[Mapping[str, int]] = {"n": 256}
    presets = (
        Preset("separated", persistence=50.0, packing=0.6),
        Preset("separating", persistence=50.0, packing=0.6, begin="lattice"),
        Preset("one phase", persistence=5.0, packing=0.6, begin="lattice"),
        Preset("drops", persistence=60.0, packing=0.4),
        Preset("dense", persistence=100.0, packing=0.8, begin="lattice"),
        Preset(
            "entropy, learned",
            motion="learned score",
            persistence=5.0,
            packing=0.5,
            begin="lattice",
            n=1024,
        ),
        Preset(
            "in a trap", motion="learned score", persistence=2.0, speed=2.0, trap=0.5, packing=0.02
        ),
    )
    quantities = (
        Quantity("clumping", symbol="s_φ", span=(0, 0.5), help="scatter of the local packing"),
        Quantity("vapour", symbol="φ₅", span=(0, 1.3), help="5 % of all boxes are emptier"),
        Quantity("median", symbol="φ₅₀", span=(0, 1.3), help="of the local packing"),
        Quantity("drop", symbol="φ₉₅", span=(0, 1.3), help="5 % of all boxes are fuller"),
        Quantity("swim", symbol="v(φ)/v₀", span=(0, 1), help="speed along the drive, of v₀"),
        Quantity("heat", symbol="⟨F²⟩", help="what contacts burn"),
        Quantity("contacts", symbol="z", help="discs that touch a disc"),
        Quantity("hexatic", symbol="|ψ₆|", span=(0, 1), help="sixfold order around a disc"),
        Quantity("entropy", symbol="−⟨div F⟩", help="rate at which a disc produces it; exact"),
    )
    hints: ClassVar[Mapping[str, Hint]] = {
        "swarm": Hint(large=True, glow=False),
        **{name: Hint(large=False) for name in ("local packing", "displacement")},
    }

    persistence: Scalar = live(
        default=50.0,
        span=(1, 200),
        symbol="ℓ",
        help="swum before a turn",
        unit="diameters",
        log=True,
        limits=(1e-3, np.inf),
    )
    packing: Scalar = live(
        default=0.6,
        span=(0.05, 0.9),
        symbol="φ",
        help="share that discs cover; the square shrinks or grows",
        limits=(1e-4, 1.2),
    )
    speed: Scalar = live(
        default=1.0, span=(0.01, 2), symbol="v₀", help="in free space", limits=(1e-6, np.inf)
    )
    stiffness: Scalar = live(
        default=20.0, span=(5, 100), symbol="k", help="of contacts", log=True, limits=(0, np.inf)
    )
    diffusion: Scalar = live(
        default=0.0, span=(0, 0.5), symbol="Dₜ", help="thermal kicks", limits=(0, np.inf)
    )
    trap: Scalar = live(
        default=0.0, span=(0, 1), symbol="A", help="pull to the middle", limits=(0, np.inf)
    )
    dt: Scalar = live(
        default=0.01,
        span=(0.001, 0.02),
        symbol="Δt",
        help="Euler–Maruyama step",
        limits=(1e-6, 1),
    )
    pace: Scalar = live(
        default=2,
        span=(0, 8),
        symbol="n",
        help="optimiser steps a step where a score is learnt; 0 pauses",
        limits=(0, 1000),
    )
    rate: Scalar = live(
        default=3e-3, span=(1e-4, 1e-2), symbol="η", help="of learning", log=True, limits=(0, 1)
    )
    smear: Scalar = live(
        default=0.2,
        span=(0.05, 0.5),
        symbol="σ",
        help="noise on the drives that are learnt from",
        limits=(1e-3, 10),
    )
    motion: str = mode(
        default="brownian",
        choices=("brownian", "ornstein-uhlenbeck", "learned score"),
        help="how drives change; the score is learnt for Ornstein–Uhlenbeck",
    )
    begin: str = start(
        default="separated",
        choices=("separated", "lattice", "random"),
        help="a dense slab in its vapour, spread evenly, or anywhere",
    )
    n: int = size(default=2048, span=(64, 262_144), symbol="N", help="discs")
    slots: int = size(default=16, span=(2, 256), symbol="S", help="room for neighbours of a disc")

    # Dynamics.

    def init(self, key: Key[Array, ""]) -> State:
        for_place, for_angle, for_drive, for_score = jax.random.split(key, 4)
        if self.motion == "brownian":
            angle = jax.random.uniform(for_angle, (self.n,), maxval=2 * jnp.pi)
            drive = sincos(angle)
        else:
            drive = normal_pair(for_drive, (self.n,))
        learned = self.training().begin(for_score, before=0.0)
        return self.placed(for_place, self.begin, drive, learned)

    def placed(self, key: Key[Array, ""], begin: str, drive: Drive, learned: Learned) -> State:
        """All discs in their first places."""
        length = self.length()
        match begin:
            case "separated":
                position = slab(key, self.n, length, dense=DENSE, thin=THIN)
            case "lattice":
                position = lattice(key, self.n, length)
            case _:
                position = length * jax.random.uniform(key, (self.n, 2))
        x, y = position.T
        reach = self.cutoff() + self.skin()
        near = listed(x, y, length, reach=reach, slots=self.slots)
        home = jnp.zeros((min(self.n, TRACERS), 2))
        return State(x, y, *drive, length, near, jnp.int32(0), home, at_home(home), learned)

    def length(self) -> Float[Array, ""]:
        return jnp.sqrt(self.n * DISC / jnp.asarray(self.packing, float))

    def cutoff(self) -> float:
        """How far neighbours matter."""
        return SIGHT if self.motion == "learned score" else 1.0

    def skin(self) -> Float[Array, ""]:
        """How far beyond a list should reach: a wider one lasts longer, and there is more on it.

        It ends with the step at which swimming, and the farthest of n thermal hops, make half of
        the skin.
        """
        skins = jnp.linspace(0.2, WIDEST - self.cutoff(), 16)
        swum = self.speed * self.dt
        hop = jnp.sqrt(4 * self.diffusion * self.dt * np.log(self.n))
        steps = (skins / (hop + jnp.sqrt(hop**2 + 2 * swum * skins))) ** 2
        cost = LIST / jnp.maximum(steps, 1) + self.packing * (self.cutoff() + skins) ** 2
        return skins[jnp.argmin(cost)]

    def step(self, state: State, key: Key[Array, ""]) -> State:
        for_place, for_turn, for_score = jax.random.split(key, 3)
        state = self.resized(state)
        near = kept(
            state.near, state.x, state.y, state.length, cutoff=self.cutoff(), skin=self.skin()
        )
        state = state._replace(near=near)
        contacts, (drive_x, drive_y) = self.contacts(state), self.driven(state)
        kick_x, kick_y = lax.cond(  # costs as much as all contacts, so none where there is none
            jnp.asarray(self.diffusion) > 0,
            lambda: normal_pair(for_place, (self.n,)),
            lambda: (jnp.zeros(self.n), jnp.zeros(self.n)),
        )
        hop = jnp.sqrt(2 * self.diffusion * self.dt)
        move_x = (self.speed * drive_x + contacts.across) * self.dt + hop * kick_x
        move_y = (self.speed * drive_y + contacts.up) * self.dt + hop * kick_y
        some, steps = self.tracers(), state.steps + 1
        swum = state.swum + jnp.stack([taken(move_x, some), taken(move_y, some)], axis=1)
        forget = turned if self.motion == "brownian" else relaxed
        passed = jnp.asarray(self.speed / self.persistence * self.dt)
        drive = forget((drive_x, drive_y), passed, for_turn)
        state = state._replace(
            x=folded(state.x + move_x, state.length),
            y=folded(state.y + move_y, state.length),
            drive_x=drive[0],
            drive_y=drive[1],
            steps=steps,
            swum=swum,
            wanderings=lax.cond(
                steps % EVERY == 0, wandered, lambda past, _: past, state.wanderings, swum
            ),
        )
        if self.motion == "learned score":
            state = state._replace(learned=self.taught(state, for_score))
        return state

    def resized(self, state: State) -> State:
        """In a square of the packing that is asked for now; all distances change with it."""
        length = self.length()
        ratio = length / state.length
        changed = jnp.abs(ratio - 1) > 1e-6  # else what rounding differs by
        ratio = jnp.where(changed, ratio, 1.0)
        near = state.near._replace(reach=jnp.where(changed, 0.0, state.near.reach))  # of no use
        return state._replace(
            x=state.x * ratio,
            y=state.y * ratio,
            length=jnp.where(changed, length, state.length),
            near=near,
        )

    def driven(self, state: State) -> Drive:
        """The drive in units of v₀; of length 1 also just after a change of motion."""
        drive = state.drive_x, state.drive_y
        return unit(drive) if self.motion == "brownian" else drive

    def contacts(self, state: State) -> Overlaps:
        """What all overlaps, and the trap, do to each disc."""
        # Who learns needs a list in any case.
        sum_over = overlaps_on_list if self.motion == "learned score" else overlaps
        found = sum_over(state.x, state.y, state.near, state.length)
        return found._replace(
            across=self.stiffness * found.across - self.trap * (state.x - state.length / 2),
            up=self.stiffness * found.up - self.trap * (state.y - state.length / 2),
            divergence=self.stiffness * found.divergence - 2 * self.trap,
        )

    def tracers(self) -> Int[Array, " tracers"]:
        """Discs whose ways are measured, from everywhere."""
        m = min(self.n, TRACERS)
        return jnp.asarray(np.arange(m) * self.n // m)

    # The score of the drives.

    def training(self, loss: Loss = lambda score, key: jnp.zeros(())) -> Training[PairScore]:
        return Training(drawn, loss, adam(self.rate))

    def look(self, state: State) -> Look:
        force = self.contacts(state).force / self.speed
        return Look(state.position, force, state.near.other, state.length, SIGHT)

    def taught(self, state: State, key: Key[Array, ""]) -> Learned:
        look, smear = self.look(state), jnp.asarray(self.smear, float)

        def loss(score: PairScore, key: Key[Array, ""]) -> Float[Array, ""]:
            return denoising(score, key, state.drive, smear, look, BATCH)

        return self.training(loss).on(state.learned, key, self.pace)

    def seen_in_drives(self, state: State) -> tuple[Float[Array, ""], Float[Array, " n"]]:
        """Entropy produced by a disc, γ⟨|g + s|²⟩, and where: −γ (2 + div s), as learned."""
        score = self.training().network(state.learned)
        flow, spread = current(score, state.drive, self.look(state))
        rate = self.speed / self.persistence
        return rate * jnp.mean(jnp.sum(flow**2, axis=1)), -rate * spread

    # What is measured, and what theory says.

    def observables(self, state: State) -> Scalars:
        contacts, crowd = self.contacts(state), packed(state)
        drive_x, drive_y = self.driven(state)
        each = crowd.each() * DISC
        vapour, median, drop = (DISC * part for part in crowd.percentiles((0.05, 0.5, 0.95)))
        along = jnp.sum(contacts.across * drive_x + contacts.up * drive_y)
        along = along / jnp.sum(drive_x**2 + drive_y**2)
        measured = {
            "clumping": jnp.sqrt(jnp.nanmean((each - jnp.nanmean(each)) ** 2)),
            "vapour": vapour,
            "median": median,
            "drop": drop,
            "swim": 1 + along / self.speed,
            "heat": jnp.mean(contacts.across**2 + contacts.up**2),
            "contacts": jnp.mean(contacts.touching),
            "hexatic": jnp.mean(jnp.abs(hexatic(state.position, state.length, reach=SIGHT))),
            "entropy": -jnp.mean(contacts.divergence),
        }
        if self.motion == "learned score":
            measured["entropy, learned"] = self.seen_in_drives(state)[0]
            measured["trained"] = state.learned.steps.astype(float)
        return measured

    def free_displacement(self, time: Float[Array, " m"]) -> Float[Array, " m"]:
        """Mean square displacement of a disc that is alone; exact."""
        alone = self.persistence**2 * displacement(time * self.speed / self.persistence)
        # A drive of length 1, or of two components of variance 1.
        square = 1 if self.motion == "brownian" else 2
        return 4 * self.diffusion * time + square * alone

    def boundaries(self) -> dict[str, Boundary]:
        # Unstable where (1 − x)(1 − 2x) < −2 Dᵣ Dₜ / v₀², x = φ/φ*, for a speed v₀ (1 − x).
        noise = self.diffusion / (self.persistence * self.speed)
        root = jnp.sqrt(jnp.where(noise <= 1 / 16, 1 - 16 * noise, jnp.nan))
        return {
            "hard discs, estimated": Boundary({"persistence": jnp.asarray(13.0)}, kind="guide"),
            "mean-field spinodal": Boundary({"packing": CLOSEST * (3 - root) / 4}, kind="spinodal"),
            "mean-field spinodal, dense": Boundary(
                {"packing": CLOSEST * (3 + root) / 4}, kind="spinodal"
            ),
        }

    def demand(self, state: State) -> dict[str, Int[Array, ""]]:
        # A slab that is dragged to the densest packing asks for ROOM: it has it from the start.
        most = len(state.x) if self.motion == "learned score" else CROWD
        return {"slots": jnp.clip(state.near.most, ROOM, most)}

    def backend(self) -> str:
        return "Verlet list" if self.motion == "learned score" else "Verlet list, cells in a crowd"

    def caveats(self, state: State) -> Flags:
        learning = self.motion == "learned score"
        return {
            "a step is too long for contacts this stiff: lower Δt or k": jnp.asarray(
                self.stiffness * self.dt > 0.5
            ),
            "a learned total may be judged by the exact one for Dₜ = 0 alone": jnp.asarray(
                learning & (jnp.asarray(self.diffusion) > 0)
            ),
            "the score is learnt by a small network from the list of neighbours": jnp.bool_(
                learning
            ),
        }

    # Hands.

    @poke(view="swarm")
    def push_away(self, state: State, key: Key[Array, ""], touch: Touch) -> State:
        """Push discs away from the hand, or pull them with the other button."""
        apart = wrapped(state.position - touch.position, state.length)
        reach = jnp.exp(-jnp.sum(apart**2, axis=1) / (2 * touch.radius**2))
        x, y = (state.position + touch.sign * 0.1 * reach[:, None] * apart).T
        return state._replace(x=folded(x, state.length), y=folded(y, state.length))

    @poke()
    def quench(self, state: State, key: Key[Array, ""]) -> State:
        """Spread the discs evenly, from where they separate or not."""
        drive = state.drive_x, state.drive_y
        return self.placed(key, "lattice", drive, state.learned)

    @poke()
    def separate(self, state: State, key: Key[Array, ""]) -> State:
        """Gather the discs in a dense slab, which stays or melts."""
        drive = state.drive_x, state.drive_y
        return self.placed(key, "separated", drive, state.learned)

    @poke()
    def forget(self, state: State, key: Key[Array, ""]) -> State:
        """Learn the score anew, from nothing."""
        fresh = self.training().begin(key, before=0.0)
        return state._replace(learned=fresh)

    # Pictures.

    def frame(self, state: State) -> Frame:
        square = Box(jnp.zeros(2), jnp.full(2, state.length), periodic=True)
        contacts, crowd = self.contacts(state), packed(state)
        heading = jnp.arctan2(state.drive_y, state.drive_x)
        colours = {
            "heading": Colour(heading % (2 * jnp.pi), scale="phase"),
            "local packing": Colour(crowd.around() * DISC, span=(0, 1.3)),
            "|ψ₆|": Colour(
                jnp.abs(hexatic(state.position, state.length, reach=SIGHT)), span=(0, 1)
            ),
            "qₓ = div F": Colour(contacts.divergence),
            "push": Colour(jnp.hypot(contacts.across, contacts.up)),
            "contacts": Colour(contacts.touching),
        }
        frame: Frame = {}
        if self.motion == "learned score":
            _, where = self.seen_in_drives(state)
            colours["q_g, learned"] = Colour(where, scale="signed")
        frame["swarm"] = (square, Points(state.position, colours, radius=0.5))
        each = crowd.each() * DISC
        bars: Bars = histogram(jnp.where(jnp.isnan(each), -1, each), (0, 1.4), bins=28)
        frame["local packing"] = (
            Axes("local packing", "share of boxes"),
            bars,
            Curve(jnp.full(2, self.packing), jnp.array([0.0, 4.0]), "guide", label="mean"),
        )
        if self.motion == "learned score":
            frame["learning"] = losses(state.learned.history, "x")
        frame["displacement"] = self._displacement(state)
        return frame

    def _displacement(self, state: State) -> tuple[Axes, Curve, Curve]:
        lag, square = state.wanderings.lags()
        time = lag * (EVERY * self.dt)
        return (
            Axes("lag", "mean square displacement", log="xy"),
            Curve(time, self.free_displacement(time), label="alone"),
            Curve(time, square, "measured"),
        )


def packed(state: State) -> Boxes:
    """How many discs are in boxes of about four diameters."""
    return boxes(state.x, state.y, state.length, SIDE)
