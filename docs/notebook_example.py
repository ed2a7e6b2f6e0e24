# %% [markdown]
# # Everything runs headless
#
# The engine needs no window: what the sliders do is a method, what the stage draws is an array.
# `docs/notebook_example.py` opens as a notebook in VS Code and in Jupyter with jupytext; `make
# pages` runs it and writes `docs/notebook_example.md`, with what it printed and drew.

# %% [markdown]
# ## A run
#
# A system is its parameters. A simulation is a system and a seed: run it, turn a knob, run on.

# %%
from engine import Simulation, along, gallery, sweep

Kuramoto = gallery()["kuramoto"]
simulation = Simulation(Kuramoto(coupling=3.0, width=0.5, n=20_000), seed=1)
simulation.run(1000).measure(1000)

measured = simulation.estimates["order"]
print(f"K = 3:   r = {measured.mean:.4f} ± {measured.error:.4f}", end="")
print(f"   theory {simulation.theory()['order']:.4f}")

simulation.set(coupling=1.5).run(1000).measure(1000)  # no recompilation: `coupling` is live
measured = simulation.estimates["order"]
print(f"K = 1.5: r = {measured.mean:.4f} ± {measured.error:.4f}", end="")
print(f"   theory {simulation.theory()['order']:.4f}")

# %% [markdown]
# ## A curve, and what theory says
#
# `along` evaluates theory over a grid of any live parameter, `sweep` runs a simulation at every
# point of it, all at once.

# %%
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

coupling = jnp.linspace(0.1, 4, 40)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for noise, colour in [(0.0, "#0072B2"), (0.5, "#D55E00")]:
    system = Kuramoto(width=0.5, noise=noise, n=2000)
    order = sweep(system, coupling=coupling[::2], seeds=2, settle=4000, measure=1000)["order"]
    theory = along(system, Kuramoto.theory, coupling=coupling)["order"]
    left.plot(coupling, theory, color=colour, label=f"D = {noise:g}")
    left.plot(coupling[::2], order.mean(axis=1), "o", ms=4, color=colour)
left.set(xlabel="coupling K", ylabel="order r", ylim=(0, 1), title="lines: theory, dots: runs")
left.legend(frameon=False)

# %% [markdown]
# ## A frame is data
#
# What a view would draw are layers of arrays, under the view's name.

# %%
simulation.set(coupling=3.0).run(500)
layers = simulation.look().frame["circle"]
print(", ".join(type(layer).__name__ for layer in layers))

points = next(layer for layer in layers if type(layer).__name__ == "Points")
phase = np.arctan2(points.position[:, 1], points.position[:, 0])
right.scatter(*points.position.T, s=1, c=phase, cmap="twilight", rasterized=True)
right.set(aspect="equal", xticks=[], yticks=[], title="20 000 oscillators at K = 3")
figure.savefig("notebook_example.png", dpi=110)
