"""docs/buttons.md says what is so."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.hosts.buttons import press
from embedsheet.hosts.buttons.table import BUTTONS
from embedsheet.hosts.buttons.vba import xlwings_module
from embedsheet.hosts.libreoffice import books, locate
from kit.office import need_office

PAGE = (Path(__file__).parents[1] / "docs" / "buttons.md").read_text(encoding="utf-8")


def test_every_button_has_its_row() -> None:
    assert re.findall(r"^\| \*\*(.+?)\*\* \|", PAGE, re.MULTILINE) == [button.caption for button in BUTTONS]


@pytest.mark.parametrize(
    "symptom",
    ["Could not find Interpreter!", "please run 'xlwings runpython install' in a terminal once and try again."],
)
def test_a_symptom_of_xlwings_is_quoted_as_its_module_says_it(symptom: str) -> None:
    assert symptom in PAGE
    assert symptom in xlwings_module()


@pytest.mark.parametrize(
    ("symptom", "source"),
    [
        ("embedsheet could not find the workbook of the button", press.__file__),
        ("Excel is busy: finish editing the cell", press.__file__),
        ("is open in LibreOffice", books.__file__),
        ("Python bridge is built for Python 3.", locate.__file__),
    ],
)
def test_a_symptom_of_ours_is_quoted_as_the_code_says_it(symptom: str, source: str) -> None:
    assert symptom in PAGE
    assert symptom in Path(source).read_text(encoding="utf-8")


def test_the_commands_and_the_python_shown_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^\$ embedsheet (.+)$", PAGE, re.MULTILINE)
    assert commands == [
        "new movielens --buttons", "new movielens -o films.xlsx", "buttons films.xlsx",
        "excel install --folder startup", "open movielens.xlsm", "doctor movielens.xlsm",
    ]  # fmt: skip
    for command in (*commands[:4], commands[5]):
        result = CliRunner().invoke(app, command.split())
        assert result.exit_code == 0, result.output
    need_office()
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    exec(compile(code[1], "docs/buttons.md", "exec"), {})
