"""The system that a command line names, set as it says."""

from pathlib import Path
from typing import Any

from app.command_line.refusal import Refused, near, refusing
from app.command_line.values import values_for


def identities() -> list[str]:
    """The ids of all systems, from their files alone: no JAX."""
    import engine

    folder = Path(engine.__file__).parent / "systems"
    return sorted(
        file.stem.replace("_", "-")
        for file in folder.glob("*/*.py")
        if not file.stem.startswith("_")
    )


def known_id(name: str) -> str:
    known = identities()
    if name not in known:
        plain = name.lower().replace("_", "-")
        if plain in known:
            return plain
        raise Refused(
            f"There is no system {name!r}: choose from {', '.join(known)}.{near(plain, known)}"
        )
    return name


def system_of(wish: Any) -> Any:
    """The system as the arguments set it."""
    from engine.core.compilation import keep_compilations
    from engine.systems import gallery

    keep_compilations()
    with refusing():
        if wish.origin is None:
            system = gallery()[wish.id]()
        else:
            from engine.replaying import values_of

            system = values_of(wish.origin.session)
        if wish.preset is not None:
            system = system.preset(wish.preset)
        values = values_for(system, wish.set)
        return system.replace(**values)
