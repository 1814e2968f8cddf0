"""What other packages add, by entry points: `embedsheet.lessons` and `embedsheet.functions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedsheet.ground.errors import MissingDependencyError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def plugins(group: str) -> list[EntryPoint]:
    """Return the entry points of installed packages in a group, by name."""
    # Imported here: reading what is installed takes longer than a small workbook.
    from importlib.metadata import entry_points

    return sorted(entry_points(group=group), key=lambda entry: entry.name)


def load(entry: EntryPoint) -> Any:
    """Import what an entry point names. Raises MissingDependencyError, naming the package, where that fails."""
    try:
        return entry.load()
    except Exception as fault:
        raise MissingDependencyError(
            f"{package_of(entry)}: what it adds to embedsheet, {entry.value} ({entry.group}), cannot be imported: "
            f"{type(fault).__name__}: {fault}; update or uninstall that package."
        ) from fault


def package_of(entry: EntryPoint) -> str:
    """Return the name of the package that an entry point comes with."""
    return entry.dist.name if entry.dist is not None else entry.module
