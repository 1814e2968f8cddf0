"""The recurrent net's model sheets have the buttons that a net can use, and they work in LibreOffice."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedsheet import solver
from embedsheet.hosts.buttons.layout import add_buttons
from embedsheet.hosts.libreoffice.click import click
from embedsheet.lessons.rnn import build, three, unrolled
from kit.office import served

TEXT = "I am Sam. Sam I am. Do you like them, Sam?\n"


def test_each_model_sheet_of_the_net_is_served_and_solves(tmp_path: Path) -> None:
    text = tmp_path / "verse.txt"
    text.write_text(TEXT, encoding="utf-8")
    path = build(tmp_path / "net.xlsm", text=text, hidden=2, factors=2, length=4, finish=add_buttons)
    limit = 20
    value = solver.solve(path, three.NAME, max_iterations=limit, dry_run=True).objective_after
    with served(path) as (server, messages):
        # Step, Run 100 and Reset stand on the gradient sheet of Sequence, too.
        assert server.buttons == 7 * len((three.NAME, unrolled.N_CHARACTERS, unrolled.SEQUENCE)) + 3
        sheet = server.book.sheets[three.NAME]
        sheet.activate()
        sheet.names["controls.iterations"].refers_to_range.value = limit
        said: list[str] = []
        click(server.book, "Solve")
        server.serve(lambda button, outcome: said.append(outcome), until=lambda: bool(said))
        # The command line's solver starts from the same numbers; LibreOffice calculates the loss.
        assert sheet.names["loss"].refers_to_range.value == pytest.approx(value, rel=1e-6), (said, messages)
        with pytest.raises(Exception, match="Train in Keras"):
            click(server.book, "Train in Keras")
