"""The folder that keeps what was compiled."""

import jax
import pytest

from engine.core.compilation import keep_compilations


NAMES = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)


@pytest.fixture(autouse=True)
def _settings_come_back():
    before = {name: getattr(jax.config, name) for name in NAMES}
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_the_environment_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MANYSCOPE_CACHE", str(tmp_path))
    assert keep_compilations() == keep_compilations() == tmp_path / "jax"
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "jax")
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 0


def test_a_folder_that_jax_was_told_of_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("MANYSCOPE_CACHE", str(tmp_path / "other"))
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    assert keep_compilations() == tmp_path


def test_a_folder_that_cannot_be_made_is_no_reason_to_stop(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MANYSCOPE_CACHE", str(tmp_path / "file"))
    keep_compilations()
    assert jax.config.jax_compilation_cache_dir is None
