"""XLA is asked for wide vectors only where that is known to help, and to be understood."""

import os
import subprocess
import sys

import pytest

from engine.vectors import widened


NEW, OLD = "flags : avx2 avx512f avx512_vbmi2", "flags : avx2 avx512f"


def test_a_processor_with_wide_vectors_gets_them():
    assert widened("", NEW, "0.10.2") == "--xla_cpu_prefer_vector_width=512"


def test_other_flags_stay():
    assert widened("--xla_a=1", NEW, "0.10.2") == "--xla_a=1 --xla_cpu_prefer_vector_width=512"


@pytest.mark.parametrize(
    ("flags", "processor", "jaxlib"),
    [
        ("--xla_cpu_prefer_vector_width=256", NEW, "0.10.2"),  # the user's word
        ("", OLD, "0.10.2"),  # slows its clock
        ("", NEW, "0.5.3"),
        ("", NEW, "0.11.0"),  # may not know the flag, and would abort
        ("", NEW, "1.0rc1"),
    ],
)
def test_else_nothing_changes(flags, processor, jaxlib):
    assert widened(flags, processor, jaxlib) == flags


def test_the_installed_xla_knows_the_flag():
    """It ends the process where it does not."""
    flags = widened("", NEW, "0.10.2")
    code = "import jax; print(jax.jit(lambda x: 2 * x)(21.0))"
    asked = dict(os.environ, XLA_FLAGS=flags, JAX_PLATFORMS="cpu")
    told = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, check=True)
    assert told.stdout.split() == [b"42.0"]
