"""What JAX compiled once, it need not compile again tomorrow."""

import os
from pathlib import Path

import jax
import platformdirs


def keep_compilations() -> Path:
    """Let JAX keep what it compiles in a folder, and say which.

    The folder is the one that JAX was already told of (JAX_COMPILATION_CACHE_DIR), or `jax` inside
    the environment variable MANYSCOPE_CACHE, or one in the user's cache. Where it cannot be made,
    all works as well, but starts more slowly.
    """
    told = jax.config.values["jax_compilation_cache_dir"]
    named = os.environ.get("MANYSCOPE_CACHE")
    if told:
        folder = Path(told)
    else:
        folder = (Path(named) if named else platformdirs.user_cache_path("manyscope")) / "jax"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return folder
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # Every program counts: a window compiles dozens of small ones before its first frame.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return folder
