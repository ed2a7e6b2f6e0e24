"""Vectors of 512 bits where the processor has them, which XLA does not use by itself.

LLVM takes half of them, as the first processors that had them slowed their clock. Those with
AVX-512 VBMI2 (Intel since 2019, AMD since 2022) do not: there an exact score takes four fifths of
the time, and boards and swarms 0.8 to 0.95.
"""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


OPTION = "--xla_cpu_prefer_vector_width"
MARK = "avx512_vbmi2"
KNOWN = (0, 6), (0, 11)  # versions of jaxlib that know the option: another would end the process


def widened(flags: str, processor: str, jaxlib: str) -> str:
    """XLA's `flags` with the width in it, unless it is in there, or not for this machine.

    `processor` is what Linux tells of it in /proc/cpuinfo; `jaxlib` is a version.
    """
    release = tuple(int(part) if part.isdigit() else 0 for part in jaxlib.split(".")[:2])
    if OPTION in flags or MARK not in processor or not KNOWN[0] <= release < KNOWN[1]:
        return flags
    return f"{flags} {OPTION}=512".strip()


def widen() -> None:
    """Set the flags of this process; of use before JAX is imported."""
    try:
        processor, jaxlib = Path("/proc/cpuinfo").read_text(), version("jaxlib")
    except (OSError, PackageNotFoundError):
        return
    if flags := widened(os.environ.get("XLA_FLAGS", ""), processor, jaxlib):
        os.environ["XLA_FLAGS"] = flags
