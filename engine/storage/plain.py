"""Values of parameters as JSON holds them."""

import hashlib
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """A parameter's value as JSON holds it; an array by its shape and a digest."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return list(value)
    array = np.ascontiguousarray(value)
    return {"shape": list(array.shape), "sha256": hashlib.sha256(array.tobytes()).hexdigest()}
