"""Mean fields of p-spin glasses against published constants."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.numerics import p_spin


def test_the_replica_symmetric_overlap():
    q, residual = p_spin.symmetric(2, 0.5, 0.0)
    assert q == pytest.approx(0.53037, abs=2e-5)
    assert residual < 1e-5


@pytest.mark.parametrize(
    ("p", "known"), [(3, (0.68160, 0.65136, 0.81357)), (4, (0.67841, 0.61686, 0.94811))]
)
def test_glasses_of_clusters_set_in_where_they_should(p, known):
    dynamic, static = jax.jit(p_spin.transitions, static_argnums=0)(p)
    q = p_spin.cluster(p, static, 1.0)
    np.testing.assert_allclose([dynamic, static, q], known, atol=2e-4)


@pytest.mark.parametrize(("p", "ground"), [(3, -0.8134), (4, -0.8254)])
def test_the_ground_state_with_one_step(p, ground):
    # e(T) − e(0) falls like a small exponential: T = 0.08 is cold enough for 10⁻³.
    _, m, energy = jax.jit(p_spin.broken, static_argnums=0)(p, jnp.float32(0.08))
    assert energy == pytest.approx(ground, abs=1e-3)
    assert 0 < m < 0.2


def test_above_the_glass_there_is_a_liquid():
    q, m, energy = p_spin.broken(3, 0.9)
    assert (q, m) == (0, 1)
    assert energy == pytest.approx(-0.5 / 0.9)


def test_many_spins_at_a_time_are_random_energies():
    assert pytest.approx(0.60056, abs=1e-5) == p_spin.REM
    _, static = p_spin.transitions(10)
    assert static == pytest.approx(p_spin.REM, abs=2e-3)
