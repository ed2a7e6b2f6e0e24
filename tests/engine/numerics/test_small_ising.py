"""Listed states against numbers of transfer matrices; approximations against listed states."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import small_ising


BONDS = small_ising.torus(4)
FREE = jnp.zeros(16, int)


@pytest.mark.parametrize(
    ("coupling", "field", "log_z", "pairs"),
    [(0.3, 0.0, 12.7855233, 0.422027), (0.2, 0.2, 12.5985026, 0.372066)],
)
def test_all_states_give_the_known_sums(coupling, field, log_z, pairs):
    weight = small_ising.log_weights(BONDS, coupling, field)
    _, found = small_ising.exact(BONDS, coupling, field, FREE)
    assert found == pytest.approx(log_z, rel=1e-6)
    state = small_ising.all_states(16)
    p = np.exp(np.asarray(weight, float) - log_z)
    assert p @ (state[:, 0] * state[:, 1]) == pytest.approx(pairs, abs=2e-5)


def test_ten_by_ten_sums_to_what_the_paper_s_lattice_has():
    # The 10 × 10 torus of the paper's code, K = h/T = 0.2, by a transfer matrix of 2¹⁰.
    row = small_ising.all_states(10).astype(float)
    within = 0.2 * np.sum(row * np.roll(row, 1, axis=1), axis=1) + 0.2 * row.sum(axis=1)
    transfer = np.exp(0.2 * row @ row.T + (within[:, None] + within) / 2)
    values, vectors = np.linalg.eigh(transfer)
    assert np.log(np.sum(values**10)) == pytest.approx(78.68806, abs=1e-4)
    share = values**10 / np.sum(values**10)
    mean = np.sum(share * np.einsum("ik,ij,ik->k", vectors, row.mean(axis=1)[:, None], vectors))
    assert mean == pytest.approx(0.48372, abs=1e-5)


def test_with_all_sites_free_each_has_the_known_mean():
    mean, _ = small_ising.exact(BONDS, 0.2, 0.2, FREE)
    np.testing.assert_allclose(mean, 0.480005, atol=3e-5)  # 2¹⁶ terms in float32


def test_what_is_observed_stays_and_what_is_asked_adds_up():
    observed = FREE.at[jnp.array([0, 5])].set(jnp.array([1, -1]))
    mean, log_z = small_ising.exact(BONDS, 0.3, 0.1, observed)
    assert (mean[0], mean[5]) == (1, -1)
    # ln p of a subset, marginalised over one more site, is itself: Z₊ + Z₋ = Z.
    both = [small_ising.exact(BONDS, 0.3, 0.1, observed.at[7].set(s))[1] for s in (1, -1)]
    assert np.logaddexp(*map(float, both)) == pytest.approx(float(log_z), rel=1e-6)


def test_bethe_is_closer_than_a_mean_field_and_exact_on_a_tree():
    observed = FREE.at[3].set(-1)
    mean, _ = small_ising.exact(BONDS, 0.2, 0.2, observed)
    naive = small_ising.mean_field(BONDS, 0.2, 0.2, observed)
    bethe = small_ising.bethe(BONDS, 0.2, 0.2, observed)
    assert jnp.max(jnp.abs(bethe - mean)) < jnp.max(jnp.abs(naive - mean)) / 2
    chain = np.diag(np.ones(5, np.float32), 1)
    chain = chain + chain.T
    seen = jnp.array([1, 0, 0, 0, 0, 0])
    exact, _ = small_ising.exact(chain, 0.7, 0.1, seen)
    np.testing.assert_allclose(small_ising.bethe(chain, 0.7, 0.1, seen), exact, atol=1e-4)
