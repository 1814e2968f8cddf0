"""The commands by module, each built when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.cli.families import FAMILIES, family, read_lightly


def test_the_table_of_families_names_the_commands_that_its_modules_have() -> None:
    assert {module: set(family(module)) for module in FAMILIES} == {
        module: set(names) for module, names in FAMILIES.items()
    }


def test_help_lists_every_command_in_the_order_of_the_table() -> None:
    # The package's own commands, as the table has them.
    shown = CliRunner().invoke(app, ["--help"], env={"NO_COLOR": "1", "COLUMNS": "100"}).stdout
    places = [shown.index(f"│ {name} ") for names in FAMILIES.values() for name in names]
    assert places == sorted(places)


def test_a_command_imports_no_other_family_and_no_pydantic() -> None:
    code = (
        "import sys\nfrom embedsheet.cli import app\n"
        "try: app(['lessons'])\nexcept SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith(('embedsheet.cli.', 'pydantic'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8")
    named = done.stdout.splitlines()[-1]
    assert "embedsheet.cli.new" in named
    assert not any(f"'{other}" in named for other in ("embedsheet.cli.solve", "embedsheet.cli.homework", "pydantic"))


def _taken(*words: str, lightly: bool) -> tuple[Any, str]:
    """Return what a command with one option of each kind gets, or the exit code, and what is said."""
    got: list[Any] = []
    maker = typer.Typer(add_completion=False)

    @maker.command()
    def command(
        paths: Annotated[list[Path], typer.Argument()],
        text: Annotated[str | None, typer.Option()] = None,
        texts: Annotated[list[str] | None, typer.Option()] = None,
        path: Annotated[Path | None, typer.Option()] = None,
        kind: Annotated[Literal["tape", "jax"], typer.Option(case_sensitive=False)] = "tape",
        number: Annotated[float, typer.Option(min=0)] = 1e-6,
        count: Annotated[int | None, typer.Option(min=1)] = None,
        flag: Annotated[bool | None, typer.Option("--flag/--no-flag")] = None,
    ) -> None:
        got.append((paths, text, texts, path, kind, number, count, flag))

    made = typer.main.get_command(maker)
    if lightly:
        read_lightly(made)
    try:
        made(list(words), standalone_mode=False)
    except Exception as error:
        return type(error).__name__, str(error)
    return got, ""


@pytest.mark.parametrize(
    "line",
    ["", "a.xlsx", "a b --text x", "a --texts x --texts y", "a --path b", "a --kind JAX", "a --kind jax", "a --kind no",
     "a --number 2", "a --number -1", "a --number x", "a --count 3", "a --count 0", "a --count 1.5", "a --flag",
     "a --no-flag", "a --nothing", "--text x"],
)  # fmt: skip
def test_a_line_is_read_lightly_as_typer_reads_it(line: str) -> None:
    assert _taken(*line.split(), lightly=True) == _taken(*line.split(), lightly=False)
