"""What holds for every system of the gallery, the next one included."""

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.core import simulation
from engine.core.about import references
from engine.core.layers import Clock, Curve, Layer, Points, Segments, Text, Trails
from engine.core.measures import MEASURES
from engine.core.parameters import parameters
from engine.core.simulation import (
    Simulation,
    advance,
    advance_each,
    begin,
    look,
    record,
    stack,
)
from engine.core.system import System, Touch, pokes
from engine.systems import gallery


@pytest.fixture(scope="module", params=gallery().values(), ids=gallery())
def system_class(request):
    """Each in turn goes through all tests: what was compiled for it is still there for the next."""
    return request.param


def small(system_class):
    """The smallest one its sliders offer: compiling costs as much, and running nothing."""
    sizes = {p.name: p.span[0] for p in parameters(system_class).values() if p.kind == "size"}
    return system_class(**sizes)


def outline(system, key):
    """What a run is, and what is seen of it, undone. Traced as they are when done: once for all."""
    run = jax.eval_shape(begin, system, key)
    return run.state, jax.eval_shape(look, system, run)


def finite(tree):
    leaves = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    return all(np.isfinite(leaf).all() for leaf in leaves)


def sound(look):
    """Whether all that is seen is a number, but for gaps in a line and what theory is silent on."""
    layers = [layer for layers in look.frame.values() for layer in layers]
    layers = [without_gaps(layer) for layer in layers]
    drawn = [layer for layer in layers if not isinstance(layer, Curve | Trails | Clock)]
    return finite((drawn, np.array(list(look.observables.values()))))


def without_gaps(layer):
    """Without the points that are not there."""
    if isinstance(layer, Segments):
        return layer.start[~np.isnan(layer.start).all(axis=-1)]
    if isinstance(layer, Points | Text):
        return layer.position[~np.isnan(layer.position).all(axis=-1)]
    return layer


def test_its_hooks_are_called_as_those_of_every_system(system_class):
    for name, hook in inspect.getmembers(System, inspect.isfunction):
        own = getattr(system_class, name)
        if not name.startswith("_"):
            assert len(inspect.signature(own).parameters) == len(
                inspect.signature(hook).parameters
            ), name


def test_its_time_axis_counts_steps_or_time_and_no_observable(system_class):
    assert system_class.clock not in {quantity.name for quantity in system_class.quantities}


def test_a_step_keeps_shapes_and_types_and_stays_finite(system_class, key):
    system = small(system_class)
    state = jax.eval_shape(begin, system, key).state
    stepped = jax.eval_shape(system.step, state, key)
    assert jax.tree.map(jnp.shape, stepped) == jax.tree.map(jnp.shape, state)
    assert jax.tree.map(jnp.result_type, stepped) == jax.tree.map(jnp.result_type, state)
    assert finite(advance(system, begin(system, key), key, 5))


def test_dragging_a_live_parameter_never_recompiles(system_class):
    running = Simulation(small(system_class)).run(1)
    compiled = simulation.advance._cache_size()
    for parameter in parameters(system_class).values():
        if parameter.kind == "live":
            for value in parameter.span:
                running.set(**{parameter.name: jnp.float32(value)}).run(1)
    assert simulation.advance._cache_size() == compiled


def test_what_is_counted_for_pictures_is_not_measured(system_class, key):
    if system_class.counted is System.counted:
        return
    system = small(system_class)
    state = begin(system, key).state
    measured, counted = map(jax.jit(system.observables), (state, system.counted(state, key)))
    assert measured == counted


def test_a_trajectory_does_not_depend_on_the_steps_per_frame(system_class):
    once = Simulation(small(system_class), seed=3).run(6)
    twice = Simulation(small(system_class), seed=3).run(2).run(4)
    assert once.look().observables == twice.look().observables


def test_the_ends_of_every_span_are_safe(system_class):
    for parameter in parameters(system_class).values():
        if parameter.traced and parameter.span:
            for value in parameter.span:
                running = Simulation(small(system_class).replace(**{parameter.name: value})).run(5)
                assert sound(running.look()), (parameter, value)


def test_every_word_works(system_class, key):
    for parameter in parameters(system_class).values():
        choices = parameter.choices or ()
        for word in (choices[:1], choices) if parameter.several else choices:
            if parameter.restarts:
                # Read by `init` above all: the rest is traced, for there may be dozens of words.
                system = small(system_class).replace(**{parameter.name: word})
                run = begin(system, key)
                assert finite(run), word
                jax.eval_shape(advance, system, run, key, 1)
                jax.eval_shape(look, system, run)
            else:
                running = Simulation(small(system_class)).run(1).set(**{parameter.name: word})
                assert sound(running.run(1).look()), word
                if (parameter.name, word) == ("flow", "once"):
                    assert running.run(max(400, math.ceil(running.system.lasts()))).done, word


def test_a_frame_holds_layers_and_costs_nothing_unseen(system_class, key):
    system = small(system_class)
    run = begin(system, key)
    frame = look(system, run).frame
    assert all(isinstance(layer, Layer) for layers in frame.values() for layer in layers)
    assert set(look(system, run, views=()).frame) == set()


def test_theory_speaks_of_what_is_measured(system_class, key):
    system = small(system_class)
    state, seen = outline(system, key)
    shape = jax.eval_shape  # names alone are asked for
    measured = seen.observables
    names = set(measured) | set(shape(system.derived, measured))
    assert set(shape(system.theory)) <= names
    assert set(shape(system.landscape)) <= names
    assert set(seen.limit) <= set(measured)
    assert not system.mapped or system.mapped in measured
    assert {quantity.name for quantity in system.quantities} <= names
    for branch in shape(system.branches).values():
        assert set(branch.values) <= names
    for boundary in shape(system.boundaries).values():
        assert set(boundary.at) <= set(parameters(system))
    assert set(shape(system.demand, state)) <= {
        p.name for p in parameters(system).values() if p.kind == "size"
    }


def test_a_preset_runs(system_class):
    for preset in system_class.presets:
        assert sound(Simulation(small(system_class).preset(preset.name)).run(5).look()), preset.name


def test_pairs_are_of_live_parameters_and_run(system_class):
    known = parameters(system_class)
    for pair in system_class.pairs:
        assert all(known[name].kind == "live" for name in {**pair.a, **pair.b}), pair.name
        for values in (pair.a, pair.b):
            small(system_class).replace(**values)  # refuses what is no value


def test_a_layer_names_what_the_system_has(system_class, key):
    system = small(system_class)
    known = parameters(system)
    frame = outline(system, key)[1].frame
    for layer in (layer for layers in frame.values() for layer in layers):
        handle, turn = getattr(layer, "handle", ""), getattr(layer, "turn", "")
        assert not handle or known[handle].kind == "live"
        assert not turn or (turn in pokes(system) and not pokes(system)[turn].view)
    assert set(system.marks()) <= set(MEASURES)


def test_what_physics_forbids_is_refused_in_a_sentence(system_class):
    for parameter in parameters(system_class).values():
        beyond = [
            end + way * max(1.0, abs(end))
            for end, way in zip(parameter.limits or (), (-1, 1), strict=False)
            if np.isfinite(end)
        ]
        for value in beyond:
            with pytest.raises(ValueError, match=rf"^{parameter.name} = .* is impossible: give"):
                system_class(**{parameter.name: value})
        if parameter.limits and parameter.span:
            low, high = parameter.limits
            assert low <= parameter.span[0] < parameter.span[1] <= high


def test_theory_compiles_once(system_class):
    running = Simulation(small(system_class))
    running.theory()
    compiled = simulation.predict._cache_size()
    for parameter in parameters(system_class).values():
        if parameter.kind == "live":
            for value in parameter.span:
                running.set(**{parameter.name: value}).theory()
    assert simulation.predict._cache_size() == compiled


def test_from_a_snapshot_it_goes_on_bit_for_bit(system_class):
    running = Simulation(small(system_class), seed=2).run(2)
    snapshot = running.snapshot()
    there = running.run(3).snapshot()
    again = running.restore(snapshot).run(3).snapshot()
    for one, other in zip(jax.tree.leaves(there.run), jax.tree.leaves(again.run), strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_poke_keeps_the_state_in_shape(system_class):
    for poke in pokes(system_class).values():
        running = Simulation(small(system_class)).run(1)
        frame = running.frame
        touch = None
        if poke.view == "clock":
            seen = [layer for layers in frame.values() for layer in layers]
            clock = next(layer for layer in seen if isinstance(layer, Clock))
            there = jnp.full(1, jnp.sqrt(clock.span[0] * clock.span[1]))
            touch = Touch(there, 0 * there, jnp.float32(1.0), jnp.float32(1.0))
        elif poke.view:
            box = next(layer for layer in frame[poke.view] if hasattr(layer, "low"))
            middle = jnp.asarray((box.low + box.high) / 2, jnp.float32)
            touch = Touch(middle, 0 * middle, jnp.float32(1.0), jnp.float32(1.0))
        before = jax.tree.map(jnp.shape, frame)
        assert jax.tree.map(jnp.shape, running.poke(poke.name, touch).run(1).frame) == before
        assert poke.help


def test_it_batches_over_parameters_and_seeds(system_class):
    system = small(system_class)
    keys = jax.random.split(jax.random.key(0), 3)
    batch = stack(system, system, system)
    runs = jax.vmap(lambda s, k: record(s, begin(s, k), k, steps=2))(batch, keys)
    assert all(jnp.shape(leaf)[0] == 3 for leaf in jax.tree.leaves(runs))


def test_beside_another_it_runs_as_it_does_alone(system_class, key):
    system = small(system_class)
    pair = stack(system, system)
    runs = advance_each(pair, jax.vmap(begin, in_axes=(0, None))(pair, key), key, 3)
    alone = advance(system, begin(system, key), key, 3)
    panels = jax.vmap(lambda s, run: look(s, run, views=()))(pair, runs).observables
    for name, value in look(system, alone, views=()).observables.items():
        np.testing.assert_allclose(panels[name], [value, value], rtol=1e-5)


def test_it_says_what_it_is_and_where_it_comes_from(system_class, key):
    assert inspect.getdoc(system_class)
    assert all(key in references() for key in system_class.sources)
    assert system_class.sources
    assert system_class.equations
    names = [preset.name for preset in system_class.presets]
    assert len(set(names)) == len(names)
    assert set(system_class.hints) <= set(outline(small(system_class), key)[1].frame)
