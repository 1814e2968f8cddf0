"""What goes wrong around a press is told in plain words."""

from pathlib import Path
from typing import Any

import pytest
import xlwings

from embedsheet import api, excel
from embedsheet.ground.errors import LessonError, ModelError
from embedsheet.hosts.buttons import press as pressing
from embedsheet.hosts.buttons.press import Press, run
from kit.judges import write_book
from kit.memory_host import MemoryHost


@pytest.fixture
def host(tmp_path: Path) -> MemoryHost:
    return MemoryHost(write_book(tmp_path / "book.xlsx", {"Model": {"A1": 1.0}}), "Model")


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pressing, "LOG", tmp_path / "logs" / "buttons.log")
    return tmp_path / "logs" / "buttons.log"


def failing(error: BaseException) -> Any:
    def work(press: Press) -> str:
        press.status("at work")
        raise error

    return work


def test_an_error_of_ours_is_shown_as_it_is_and_logged(host: MemoryHost, log: Path) -> None:
    said = run("step", failing(ModelError("Model!B2 holds no number.")), lambda: host, lambda: False)
    assert said == "Model!B2 holds no number."
    assert host.boxes == [said]
    assert "Model!B2 holds no number." in log.read_text(encoding="utf-8")
    assert host.words == ["embedsheet: at work", ""]  # the status bar is given back


def test_an_unexpected_error_names_the_log(host: MemoryHost, log: Path) -> None:
    said = run("solve", failing(ZeroDivisionError()), lambda: host, lambda: False)
    assert "ZeroDivisionError" in said and str(log) in said and "left as it was" in said
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_a_cell_that_is_being_edited_is_named_as_the_cause(host: MemoryHost) -> None:
    # pywin32's com_error carries Excel's RPC_E_CALL_REJECTED first.
    said = run("step", failing(Exception(-2147418111, "Call was rejected by callee.")), lambda: host, lambda: False)
    assert said.startswith("Excel is busy: finish editing the cell")


def test_esc_before_anything_was_found_changes_nothing(host: MemoryHost) -> None:
    said = run("train", failing(KeyboardInterrupt()), lambda: host, lambda: False)
    assert said == "Stopped; nothing was changed."
    assert not host.boxes


def test_a_workbook_that_cannot_be_found_ends_in_a_message_for_excels_box(log: Path) -> None:
    def nowhere() -> Any:
        raise Exception("Workbook 'book.xlsm' is open in more than one Excel instance.")

    # xlwings shows what a failing process has written: the message of SystemExit.
    with pytest.raises(SystemExit, match=r"open in more than one Excel instance.*close other workbooks of the same"):
        run("step", failing(ModelError("never")), nowhere, lambda: False)


def test_a_workbook_with_an_equals_sign_in_its_name_is_named_as_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """xlwings' own way to the workbook: `caller` takes what stands between the first two equals signs."""
    monkeypatch.setattr("sys.argv", ["-c", "--wb=a=b.xlsm", "--from_xl=1", "--hwnd=1"])
    monkeypatch.delattr(xlwings.Book, "_mock_caller", raising=False)
    with pytest.raises(SystemExit, match=r"name has an = in it.*without one"):
        excel.step()


def test_no_buttons_are_made_for_a_name_with_an_equals_sign(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=r"call it k-2\.xlsm"):
        api.new("movielens", tmp_path / "k=2.xlsm", users=4, movies=5, buttons=True)
    assert not list(tmp_path.iterdir())


def test_a_function_pressed_outside_excel_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(xlwings.Book, "_mock_caller", raising=False)
    with pytest.raises(SystemExit, match="could not find the workbook of the button"):
        excel.step()


def test_a_log_that_cannot_be_written_hides_no_error(
    host: MemoryHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(pressing, "LOG", tmp_path / "file" / "buttons.log")
    assert run("step", failing(ModelError("plain")), lambda: host, lambda: False) == "plain"
