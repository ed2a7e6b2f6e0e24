"""The game in mean field: neighbourhoods, free protection, plain theory, and best answers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import protection_game as game


RULES = game.Rules(*(jnp.float32(x) for x in (0.5, 0.0, 0.1, 0.5, 1.0, 8.0)), counts=False)
DEGREE = jnp.asarray(np.repeat([1, 2, 3, 5, 12, 20, 40], [400, 200, 100, 50, 30, 10, 5]))
CROWD = game.crowd(DEGREE)


def rules(**values):
    counts = values.pop("counts", False)
    return RULES._replace(**{k: jnp.float32(v) for k, v in values.items()}, counts=counts)


def step(rules, infected, protects):
    counts = rules.counts
    numbers = tuple(rules)[:-1]
    return jax.jit(lambda n, i, p: game.onward(game.Rules(*n, counts=counts), CROWD, i, p))(
        numbers, infected, protects
    )


def test_agents_are_told_apart_by_their_degree():
    np.testing.assert_array_equal(
        game.class_of(jnp.array([1, 2, 16, 17, 27, 28])), [0, 1, 15, 16, 16, 17]
    )
    assert CROWD.share.sum() == pytest.approx(1, abs=1e-6)
    assert CROWD.share @ CROWD.degree == pytest.approx(float(DEGREE.mean()), rel=1e-6)
    assert CROWD.ends.sum() == pytest.approx(1, abs=1e-6)


def test_small_neighbourhoods_are_binomial_and_large_ones_a_mean():
    likely, chance = game.neighbourhoods(RULES, CROWD, jnp.float32(0.3))
    np.testing.assert_allclose(likely.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(likely[2, :4], [0.343, 0.441, 0.189, 0.027], rtol=1e-5)
    # By share the mean of the chance is b q in any case: what differs is what agents see.
    np.testing.assert_allclose(jnp.sum(likely * chance, axis=1), 0.15, rtol=1e-4)
    assert likely[12, 0] == 1  # 13 neighbours > k*


def test_without_small_neighbourhoods_it_is_the_plain_mean_field():
    plain = rules(small=0.0, infection=0.07, counts=True, leak=0.2)
    protects = np.linspace(0, 1, game.CLASSES)
    table = jnp.broadcast_to(jnp.asarray(protects, jnp.float32)[:, None], (game.CLASSES, 17))
    infected = np.full(game.CLASSES, 0.2)
    i = jnp.asarray(infected, jnp.float32)
    k, share = np.asarray(CROWD.degree, float), np.asarray(CROWD.share, float)
    for _ in range(30):
        q = (share * k * infected).sum() / (share * k).sum()
        caught = np.minimum(0.07 * k * q, 1) * (1 - 0.8 * protects)
        infected = infected * 0.9 + (1 - infected) * caught
        i = step(plain, i, table)
    np.testing.assert_allclose(i, infected, rtol=1e-4)


def learnt(rules, turns=300, temperature=0.02):
    counts, begins = rules.counts, jnp.float32(0.2)

    @jax.jit
    def run(numbers):
        mine = game.Rules(*numbers, counts=counts)

        def turn(_, carry):
            wish, _ = carry
            answer = game.answer(mine, CROWD, begins, game.choosing(wish))
            return wish + 0.1 * (answer.advantage / temperature - wish), answer.gain

        begin = (jnp.zeros((50, game.CLASSES, 17)), jnp.zeros(()))
        return jax.lax.fori_loop(0, turns, turn, begin)

    return run(tuple(rules)[:-1])


def test_all_protect_if_it_is_free_and_the_infection_dies_out():
    free = rules(protection_cost=0.0)
    wish, gain = learnt(free, temperature=0.002)
    i = jnp.full(game.CLASSES, 0.2)
    for t in range(40):
        i = step(free, i, game.choosing(wish[t]))
    # (1 − r)^t, but for what is left of chance in choices: b q/(r τ) > 7, up to the end.
    np.testing.assert_allclose(i, 0.2 * 0.9**40, rtol=0.05)
    assert gain < 0.05


def test_nobody_protects_if_it_costs_more_than_it_saves():
    # An infection lasts 1/r = 10 times at most: it costs 10, with the chance b of half of them.
    wish, gain = learnt(rules(protection_cost=20.0))
    assert game.choosing(wish).max() < 0.01
    assert gain < 0.01


def test_learning_leads_to_where_nobody_gains_much():
    wish, gain = learnt(rules())
    _, at_first = learnt(rules(), turns=1)
    # Choices at the temperature τ lose up to 0.28 τ at each of 50 times: 0.28.
    assert gain < 0.28
    assert at_first > 5 * gain
    chances = game.choosing(wish)
    # A leaf protects itself from an ill neighbour, not from a healthy one, and not at the end.
    assert chances[0, 0, 1] > 0.95
    assert chances[0, 0, 0] < 0.05
    assert chances[-1, 0, 1] < 0.05


def test_best_answers_are_those_of_brute_force():
    # Two times, everyone chooses by a coin and knows the mean: q = 0.25 and b q = 0.125.
    table = jnp.full((2, game.CLASSES, 17), 0.5)
    short = rules(protection_cost=0.01, small=0.0, infection_cost=1.0, recovery=0.3)
    answer = game.answer(short, CROWD, jnp.float32(0.25), table)
    # At the last time being ill costs 1, and protection is worth nothing any more.
    well, ill = -0.005, -1.0
    worth = 0.125 * (well - ill) - 0.01
    np.testing.assert_allclose(answer.advantage[0, :, 0], worth, rtol=1e-4)
    np.testing.assert_allclose(answer.advantage[1, :, 0], -0.01, rtol=1e-4)
    own_well = well - 0.125 * (well - ill) + worth / 2
    own_ill = -1 + 0.7 * ill + 0.3 * well
    best_well, best_ill = -0.01, -1 + 0.7 * ill  # protect once
    gain = 0.75 * (best_well - own_well) + 0.25 * (best_ill - own_ill)
    assert answer.gain == pytest.approx(gain, abs=1e-5)
