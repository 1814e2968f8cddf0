"""`embedsheet open` lets nobody in, fetches nothing that a workbook only names, and leaves nothing behind."""

from __future__ import annotations

import http.server
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from embedsheet.ground.files import hold, release
from embedsheet.hosts.libreoffice.office import Office
from kit.office import need_office, served
from test_buttons_vba import small

no_windows = pytest.mark.skipif(sys.platform == "win32", reason="about POSIX' permissions and signals")
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def with_linked_picture(path: Path, url: str) -> Path:
    """Return a workbook with buttons and a picture that lies elsewhere."""
    source = small(path.with_name("parabola.xlsm"))
    picture = (
        f'<xdr:wsDr xmlns:xdr="{_DRAWING}/spreadsheetDrawing" xmlns:a="{_DRAWING}/main"><xdr:oneCellAnchor><xdr:from>'
        "<xdr:col>1</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from>"
        '<xdr:ext cx="952500" cy="952500"/><xdr:pic><xdr:nvPicPr><xdr:cNvPr id="2" name="p"/><xdr:cNvPicPr/>'
        f'</xdr:nvPicPr><xdr:blipFill><a:blip xmlns:r="{_LINKS}" r:link="rId1"/><a:stretch><a:fillRect/></a:stretch>'
        '</xdr:blipFill><xdr:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="952500" cy="952500"/></a:xfrm><a:prstGeom '
        'prst="rect"><a:avLst/></a:prstGeom></xdr:spPr></xdr:pic><xdr:clientData/></xdr:oneCellAnchor></xdr:wsDr>'
    )
    relation = (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{_LINKS}/image" Target="{url}" TargetMode="External"/></Relationships>'
    )
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data = data.replace(b"<legacyDrawing", b'<drawing r:id="rId99"/><legacyDrawing')
            elif name == "xl/worksheets/_rels/sheet1.xml.rels":
                link = f'<Relationship Id="rId99" Type="{_LINKS}/drawing" Target="../drawings/drawing99.xml"/>'
                data = data.replace(b"</Relationships>", link.encode() + b"</Relationships>")
            elif name == "[Content_Types].xml":
                kind = b"application/vnd.openxmlformats-officedocument.drawing+xml"
                entry = b'<Override PartName="/xl/drawings/drawing99.xml" ContentType="' + kind + b'"/></Types>'
                data = data.replace(b"</Types>", entry)
            new.writestr(name, data)
        new.writestr("xl/drawings/drawing99.xml", picture)
        new.writestr("xl/drawings/_rels/drawing99.xml.rels", relation)
    return path


def test_a_picture_that_is_a_link_is_not_fetched(tmp_path: Path) -> None:
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET  # noqa: N815

        def log_message(self, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/picture.png"
        with served(with_linked_picture(tmp_path / "linked.xlsm", url)) as (running, _):
            page = running.book.sheets["Parabola"].api.DrawPage
            shapes = [page.getByIndex(place).ShapeType for place in range(page.Count)]
            assert any("Graphic" in kind for kind in shapes), shapes  # the picture is there, its content is not
            running.book.app.calculate()
        server.shutdown()
    assert asked == []


@no_windows
def test_nobody_else_can_talk_to_the_libreoffice_that_we_start_under_any_umask() -> None:
    """To connect to a socket takes the right to write to it."""
    need_office()
    before = os.umask(0)
    try:
        office = Office.start(headless=True)
    finally:
        os.umask(before)
    try:
        (socket,) = Path("/tmp").glob(f"OSL_PIPE_*_{office.pipe}")
        assert stat.S_IMODE(socket.stat().st_mode) & 0o022 == 0
        assert stat.S_IMODE(office.profile.stat().st_mode) == 0o700
    finally:
        office.close()


@no_windows
def test_locks_are_the_users_alone_under_any_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = os.umask(0)
    try:
        lock = hold("one")
        assert lock is not None
        path = Path(lock.name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        release(lock)
    finally:
        os.umask(before)


@no_windows
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_end_leaves_no_libreoffice_and_no_lock(name: str, tmp_path: Path) -> None:
    need_office()
    book = small(tmp_path / "parabola.xlsm")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "embedsheet", "open", str(book), "--headless"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert "is open in LibreOffice" in process.stdout.readline()
        (profile,) = tmp_path.glob("embedsheet-libreoffice-*")
        process.send_signal(getattr(signal, name))
        rest = process.communicate(timeout=60)[0]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, rest
    assert not profile.exists()
    assert not list(tmp_path.glob(".~lock.*"))
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert not re.search(re.escape(profile.name), running)
