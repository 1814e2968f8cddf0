"""A workbook's values as LibreOffice calculates them, in a copy: a second opinion."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from embedsheet.ground.errors import FileError
from embedsheet.hosts.libreoffice.locate import find_soffice
from embedsheet.hosts.libreoffice.office import SETTINGS
from embedsheet.workbook import Workbook

_SECONDS = 300


def recalculated(path: str | Path) -> Workbook:
    """Return the workbook after LibreOffice has calculated every formula anew and saved a copy; 15 digits a number.

    Raises MissingDependencyError without LibreOffice, FileError when it cannot read the file.
    """
    soffice, path = find_soffice(), Path(path)
    with tempfile.TemporaryDirectory(prefix="embedsheet-") as folder:
        profile, source, out = Path(folder) / "profile", Path(folder) / f"book{path.suffix}", Path(folder) / "out"
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(SETTINGS, encoding="utf-8")
        shutil.copyfile(path, source)
        command = [str(soffice), f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"]
        command += ["--convert-to", "xlsx", "--outdir", str(out), str(source)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
            said = done.stderr.decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            said = f"no answer within {_SECONDS} s"
        if not (out / "book.xlsx").is_file():
            raise FileError(f"{path}: LibreOffice could not recalculate it ({said}); open it there to see why.")
        return Workbook.open(out / "book.xlsx")
