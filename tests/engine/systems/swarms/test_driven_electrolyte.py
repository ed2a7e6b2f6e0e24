"""Driven electrolyte: spectra of fields and ions are those of linear theory."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov

from engine.core.simulation import Simulation
from engine.numerics.particle_mesh import CLOUD
from engine.systems.swarms.driven_electrolyte import DrivenElectrolyte, mirrored, spectra


@pytest.mark.parametrize(
    ("kx", "ky", "drive", "total", "charge"),
    [
        (0.3, 0.2, 1.0, 0.69849, 0.14973),
        (0.3, 0.2, 3.0, 0.32819, 0.19233),
        (0.05, 0.05, 2.0, 0.34103, 0.0082536),
    ],
)
def test_the_spectra_are_those_of_a_lyapunov_equation(kx, ky, drive, total, charge):
    a = kx**2 + ky**2
    found = spectra(jnp.float32(a), jnp.float32(a + 1), jnp.float32(drive * kx))
    np.testing.assert_allclose(found, [total, charge], rtol=2e-5)  # as many digits as are given
    matrix = np.array([[a, 1j * drive * kx], [1j * drive * kx, a + 1]])
    exact = solve_continuous_lyapunov(matrix, 2 * a * np.eye(2)).diagonal().real
    np.testing.assert_allclose(found, exact, atol=1e-5)


@pytest.mark.parametrize(("drive", "dt"), [(0.0, 0.05), (2.0, 0.05), (6.0, 3.0)])
def test_a_step_is_the_matrix_exponential(drive, dt):
    system = DrivenElectrolyte(grid=16, drive=drive, dt=dt)
    a, b, e = (np.broadcast_to(x, (16, 9)) for x in system.coefficients())
    found = np.stack(np.broadcast_arrays(*system.propagator()), axis=-1).reshape(16, 9, 2, 2)
    for i, j in ((0, 0), (0, 1), (3, 2), (8, 8), (15, 5)):
        matrix = np.array([[a[i, j], -e[i, j]], [e[i, j], b[i, j]]], float)
        np.testing.assert_allclose(found[i, j], expm(-matrix * dt), atol=2e-6)


@pytest.mark.parametrize("drive", [0.0, 3.0])
def test_fields_have_the_spectra_of_theory(drive):
    """Waves of |k| < 1: the slowest, k = κ/16 without a field, lives for 1/Dk² = 256."""
    system = DrivenElectrolyte(grid=64, drive=drive, dt=25.0)
    running = Simulation(system, seed=1).run(100).set(drive=drive + 1e-3).run(4000)
    power = np.asarray(running.present.state.power)
    scc, _, srr = (np.asarray(s) for s in running.system.covariance())
    kx, ky = running.system.waves()
    k = np.hypot(*np.broadcast_arrays(np.asarray(kx), np.asarray(ky)))
    # Some twenty modes of the lowest ring, 4000 steps of a tenth of their memory: 3 % and less.
    for low in np.linspace(0.03, 0.9, 8):
        ring = (k > low) & (k <= low + 0.11)
        assert power[0][ring].mean() / scc[ring].mean() == pytest.approx(1, abs=0.05)
        assert power[1][ring].mean() / srr[ring].mean() == pytest.approx(1, abs=0.05)


def test_without_a_field_number_and_charge_know_nothing_of_each_other():
    running = Simulation(DrivenElectrolyte(grid=64, drive=0.0, dt=50.0), seed=2).run(20)
    state = running.present.state
    c, r = np.asarray(state.total)[:, 1:32], np.asarray(state.charge)[:, 1:32]
    together = np.mean(c * r.conj()) / np.sqrt(np.mean(np.abs(c) ** 2) * np.mean(np.abs(r) ** 2))
    assert abs(together) < 5 / np.sqrt(c.size)
    # In a field they do: ⟨c ρ*⟩ is imaginary.
    running.set(drive=3.0).run(20)
    state = running.present.state
    c, r = np.asarray(state.total)[:5, 1:4], np.asarray(state.charge)[:5, 1:4]
    product = np.mean(c * r.conj())
    assert product.imag > 3 * abs(product.real)


def test_number_and_charge_are_conserved():
    state = Simulation(DrivenElectrolyte(grid=32), seed=0).run(50).present.state
    assert state.total[0, 0] == 0
    assert state.charge[0, 0] == 0
    # Fields stay real: what `irfft2` makes of them transforms back.
    for modes in (state.total, state.charge):
        again = jnp.fft.rfft2(jnp.fft.irfft2(modes, (32, 32)))
        np.testing.assert_allclose(again, modes, atol=1e-3)


def test_free_ions_diffuse_and_drift():
    """κ² alone couples them; the kick of a step has the variance 2DΔt, the drift is ±Dκ𝓔Δt."""
    system = DrivenElectrolyte(model="ions", n=8192, grid=32, drive=4.0, dt=0.01)
    running = Simulation(system, seed=0)
    before = np.asarray(running.present.state.place).copy()
    moved = np.asarray(running.run(1).present.state.place) - before
    moved = (moved - np.round(moved)) * float(system.length)
    sign = np.asarray(system.signs())
    assert np.mean(sign * moved[:, 0]) == pytest.approx(0.04, abs=5 * np.sqrt(0.02 / 8192))
    assert np.var(moved[:, 1]) == pytest.approx(0.02, rel=5 * np.sqrt(2 / 8192))


def test_ions_have_the_spectra_of_the_fields():
    """Weak coupling, Γ = 0.2: linear theory to some per cent, with the clouds of the mesh in it."""
    system = DrivenElectrolyte(model="ions", n=8192, grid=64, drive=3.0, dt=0.1)
    running = Simulation(system, seed=3).run(1000).set(drive=3.001).run(1500)
    power = np.asarray(running.present.state.power)
    a, b, e = (np.asarray(x) for x in running.system.coefficients())
    cell = float(system.length) / 64
    scc, srr = spectra(
        jnp.asarray(a), jnp.asarray(a + (b - a) * np.exp(-a * (CLOUD * cell) ** 2)), jnp.asarray(e)
    )
    k = np.sqrt(a)
    ring = (k > 0.25) & (k < 0.7)
    assert power[0][ring].mean() == pytest.approx(float(scc[ring].mean()), rel=0.1)
    assert power[1][ring].mean() == pytest.approx(float(srr[ring].mean()), rel=0.1)


def test_the_plane_of_waves_is_whole():
    field = np.random.default_rng(0).normal(size=(8, 8))
    half = np.abs(np.fft.rfft2(field)) ** 2
    whole = np.fft.fftshift(np.abs(np.fft.fft2(field)) ** 2)
    np.testing.assert_allclose(mirrored(jnp.asarray(half, jnp.float32)), whole, rtol=1e-4)
