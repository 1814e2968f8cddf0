"""Broken and hostile files: each ends in an error that names place, fault and remedy; none hangs or eats the memory."""

from __future__ import annotations

import contextlib
import io
import os
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import EmbedsheetError, FileError
from embedsheet.ground.notation.addresses import Cell
from embedsheet.workbook import Edit, Workbook
from kit.judges import embedsheet_values
from kit.mutations import flipped, with_parts
from kit.packages import LECTURE, LINKS, MAIN, PACKAGE_LINKS, book, parts, sheet_xml, write

CELL = '<row r="1"><c r="A1"><v>1</v></c></row>'


def changed(path: Path, **replaced: str | bytes | None) -> Path:
    """Write a workbook with some parts replaced or (None) left out; __ in a name stands for /, _ for a dot."""
    content = parts({"S": sheet_xml(CELL)}, shared=["one"])
    for name, data in replaced.items():
        part = next(part for part in content if part.replace("/", "__").replace(".", "_").endswith(name))
        if data is None:
            del content[part]
        else:
            content[part] = data
    return write(path, content)


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'
    f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="str"><v>&c;</v></c></row></sheetData></worksheet>'
)
FILE_ENTITY = BOMB.replace('"aaaaaaaaaa"', 'SYSTEM "file:///etc/passwd"')


RELATED = f'<Relationships xmlns="{PACKAGE_LINKS}">{{}}</Relationships>'
SHEET = f'<Relationship Id="rId1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
STYLES = SHEET.replace("worksheet", "styles", 1)
ARRAY = '<row r="2"><c r="C2"><f t="array" ref="{}">A1:A3*2</f></c></row>'


@pytest.mark.parametrize(("replaced", "fault"), [
    ({"worksheets__sheet1_xml": None}, "sheet1.xml is missing"),
    ({"xl__workbook_xml": None}, "is a zip, but no workbook"),
    ({"workbook_xml_rels": None}, "the sheet S leads to no part"),
    ({"worksheets__sheet1_xml": BOMB}, "declares XML entities"),
    ({"worksheets__sheet1_xml": FILE_ENTITY}, "declares XML entities"),
    ({"worksheets__sheet1_xml": BOMB.encode("utf-16")}, "declares XML entities"),
    ({"xl__workbook_xml": BOMB}, "declares XML entities"),
    ({"sharedStrings_xml": BOMB}, "declares XML entities"),
    ({"sharedStrings_xml": "<sst><si><t>a</t></si>"}, "not well-formed"),
    ({"xl__workbook_xml": f'<workbook xmlns="{MAIN}"/>'}, "lists no sheets"),
    ({"xl__workbook_xml": "<html/>"}, "is no workbook but a html"),
    ({"xl__workbook_xml": ""}, "not well-formed"),
    ({"worksheets__sheet1_xml": ""}, "not well-formed"),
    ({"worksheets__sheet1_xml": f'<worksheet xmlns="{MAIN}"/>'}, "has no sheet data"),
    ({"worksheets__sheet1_xml": "<chartsheet/>"}, "is a chartsheet, not a worksheet"),
    ({"worksheets__sheet1_xml": b"\xff\xfe\x00"}, "cannot be decoded|not well-formed"),
    ({"worksheets__sheet1_xml": '<?xml version="1.0" encoding="klingon"?><worksheet/>'}, "cannot be decoded"),
    ({"worksheets__sheet1_xml": sheet_xml("").encode() + b"\0\0"}, "not well-formed"),
    ({"workbook_xml_rels": RELATED.format(SHEET + STYLES)}, "rels has two relationships with the id rId1"),
    ({"workbook_xml_rels": RELATED.format(STYLES)}, "the sheet S leads to .*, no sheet"),
    ({"worksheets__sheet1_xml": sheet_xml(ARRAY.format("C1:C3"))}, "S!C2: its array formula fills C1:C3"),
    ({"worksheets__sheet1_xml": sheet_xml(ARRAY.format("B2:C2"))}, "S!C2: its array formula fills B2:C2"),
    ({"worksheets__sheet1_xml": sheet_xml(ARRAY.format("C3:C4"))}, "S!C2: .* does not begin there; enter the formula"),
])  # fmt: skip
def test_missing_and_broken_parts_are_named(
    tmp_path: Path, replaced: dict[str, str | bytes | None], fault: str
) -> None:
    path = changed(tmp_path / "b.xlsx", **replaced)
    with pytest.raises(FileError, match=fault) as caught:
        Workbook.open(path)
    assert str(path) in str(caught.value)


COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)


@pytest.mark.parametrize(("content", "fault"), [
    (b"Not a zip at all", "is no .xlsx or .xlsm workbook"),
    (b"PK\x03\x04 cut off", "or is cut off"),
    (COMPOUND_FILE, "is an old .xls workbook"),
    (COMPOUND_FILE + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
])  # fmt: skip
def test_other_formats_are_told_apart(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "b.xlsx"
    path.write_bytes(content)
    with pytest.raises(FileError, match=fault):
        Workbook.open(path)


def test_other_zips_are_told_apart(tmp_path: Path) -> None:
    ods = write(
        tmp_path / "b.xlsx", {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}
    )
    with pytest.raises(FileError, match="OpenDocument"):
        Workbook.open(ods)
    links = str(parts({"S": ""})["_rels/.rels"])
    binary = write(tmp_path / "c.xlsx", {"_rels/.rels": links.replace("workbook.xml", "workbook.bin")})
    with pytest.raises(FileError, match=r"binary \.xlsb"):
        Workbook.open(binary)


def test_a_part_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    content = parts({"S": sheet_xml(CELL)})
    write(path, content)
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("XL/workbook.xml", content["xl/workbook.xml"])
    with pytest.raises(FileError, match=r"holds the part XL/workbook\.xml twice"):
        Workbook.open(path)


def forged(path: Path, part: str, data: bytes, declared: int, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a workbook in which one part's compressed bytes and declared size are what the caller says."""
    content = parts({"S": sheet_xml(CELL)})
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as package:
        for name, text in content.items():
            package.writestr(name, data if name == part else text)
    raw = bytearray(stream.getvalue())
    name = part.encode()
    for signature, at in ((b"PK\x03\x04", 30), (b"PK\x01\x02", 46)):
        start = raw.index(name)
        while raw[start - at : start - at + 4] != signature:
            start = raw.index(name, start + 1)
        base = start - at
        offset = 8 if at == 30 else 10
        struct.pack_into("<H", raw, base + offset, method)
        struct.pack_into("<L", raw, base + offset + 14, declared)
    path.write_bytes(raw)
    return path


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(bytes(50 << 20)) + packer.flush()
    path = forged(tmp_path / "b.xlsx", "xl/worksheets/sheet1.xml", data, 50 << 20)
    with pytest.raises(FileError, match="unpacks to 50 MB"):
        Workbook.open(path)


@pytest.mark.parametrize("declared", [0, 100, 1 << 24])
def test_a_zip_that_lies_about_sizes_is_refused_without_unpacking_it(tmp_path: Path, declared: int) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(bytes(50 << 20)) + packer.flush()
    path = forged(tmp_path / "b.xlsx", "xl/worksheets/sheet1.xml", data, declared)
    with pytest.raises(FileError, match="damaged"):
        Workbook.open(path)


def test_unusual_compression_and_encryption_are_refused(tmp_path: Path) -> None:
    path = forged(tmp_path / "b.xlsx", "xl/workbook.xml", b"x" * 40, 40, method=12)
    with pytest.raises(FileError, match="compressed in a way workbooks do not use"):
        Workbook.open(path)
    raw = bytearray(book(path, CELL).read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := raw.find(signature, start)) >= 0:
            raw[start + at] |= 1
            start += 4
    path.write_bytes(raw)
    with pytest.raises(FileError, match="encrypted"):
        Workbook.open(path)


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as package:
        for name, text in parts({"S": sheet_xml(CELL)}).items():
            package.writestr(name, text)
    path.write_bytes(path.read_bytes().replace(b"<v>1</v>", b"<v>2</v>"))
    with pytest.raises(FileError, match=r"sheet1\.xml is damaged"):
        Workbook.open(path)


def test_deep_nesting_is_no_crash(tmp_path: Path) -> None:
    deep = "<a>" * 100_000 + "</a>" * 100_000
    path = changed(tmp_path / "b.xlsx", worksheets__sheet1_xml=sheet_xml(CELL + deep))
    assert Workbook.open(path).sheets["S"].numbers.tolist() == [1.0]
    for part in ("xl__workbook_xml", "sharedStrings_xml"):
        with pytest.raises(FileError):
            Workbook.open(changed(tmp_path / "b.xlsx", **{part: deep}))


SHARED = '<row r="1"><c r="A1"><f t="shared" si="0">%s</f></c><c r="B1"><f t="shared" si="0"/></c></row>'
TRAPS = {
    "cells without end": '<c r="A1"' * 100_000,
    "inline strings without end": '<c r="A1"><is>' * 60_000,
    "inline strings with too many runs": f'<row r="1"><c r="A1" t="inlineStr"><is>{"<r/>" * 200_000}</is></c></row>',
    "attributes without end": '<row r="1"><c r="A1"' + ' a="1"' * 150_000,
    "a formula of quotes": SHARED % ("'" * 500_001),
    "a formula of brackets": SHARED % ("[a" * 250_000),
    "an entity of digits": f'<row r="1"><c r="A1" t="str"><v>&#{"9" * 500_000};</v></c></row>',
    "a row numbered with digits": f'<row r="{"9" * 500_000}"><c r="A1"><v>1</v></c></row>',
}  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS)
def test_no_input_makes_a_pattern_run_over_the_same_bytes_again_and_again(tmp_path: Path, trap: str) -> None:
    """Half a megabyte of each; a pattern that takes quadratic time would need hours."""
    path = book(tmp_path / "b.xlsx", TRAPS[trap])
    for _ in range(2):
        with contextlib.suppress(EmbedsheetError):
            workbook = Workbook.open(path)
            workbook.formula(Cell("S", 1, 2))
            rows = np.array([1, 2], np.int32)
            kinds = np.array([1, 1], np.uint8)
            workbook.save([Edit("S", rows, rows, kinds, np.array([1.0, 2.0]), True)], path.with_name("c.xlsx"))


@pytest.mark.parametrize("text", ["S!$A$1," * 100_000, "'" * 500_001, "," * 500_000, "T[" + "[a" * 200_000 + "]"])
def test_names_of_any_length_are_read_or_refused(tmp_path: Path, text: str) -> None:
    inside = f'<definedNames><definedName name="solver_adj" localSheetId="0">{text}</definedName></definedNames>'
    workbook = Workbook.open(book(tmp_path / "b.xlsx", CELL, inside_workbook=inside))
    assert workbook.setups or workbook.setup_faults


def test_array_formulas_over_whole_sheets_are_refused(tmp_path: Path) -> None:
    cells = '<row r="1"><c r="A1"><f t="array" ref="A1:XFD1048576">1</f><v>1</v></c></row>'
    with pytest.raises(FileError, match="more than 10,000,000 cells"):
        Workbook.open(book(tmp_path / "b.xlsx", cells))


@pytest.mark.parametrize(
    ("own", "given"),
    {
        "<f>A1+5</f>": {"C1": None, "C2": 6.0},
        '<f t="array" ref="C2:C4">A1:A3*3</f>': {"C1": None, "C2": None},
        '<f t="array" ref="C2">A1+7</f>': {"C1": None, "C2": 8.0},
    }.items(),
)
def test_an_array_formula_over_other_formulas_is_refused_alone(
    tmp_path: Path, own: str, given: dict[str, float | None]
) -> None:
    """No spreadsheet program makes one; what stands in its cells is not known. The others are computed."""
    cells = (
        '<row r="1"><c r="A1"><v>1</v></c><c r="C1"><f t="array" ref="C1:C3">A1:A3*2</f></c><c r="E1"><f>A1+1</f></c>'
        f'</row><row r="2"><c r="C2">{own}</c></row>'
    )
    values = embedsheet_values(book(tmp_path / "b.xlsx", cells))["S"]
    assert values["E1"] == 2
    for address, value in given.items():
        refused = f"unsupported: S!{address}: fills cells that have formulas of their own"
        assert values[address] == value if value else str(values[address]).startswith(refused)


def test_two_sheets_in_one_part_are_refused(tmp_path: Path) -> None:
    content = parts({"S": sheet_xml(CELL), "T": sheet_xml(CELL)})
    content["xl/_rels/workbook.xml.rels"] = str(content["xl/_rels/workbook.xml.rels"]).replace("sheet2", "sheet1")
    with pytest.raises(FileError, match="two sheets share the part"):
        Workbook.open(write(tmp_path / "b.xlsx", content))


def test_a_formula_nested_500_deep_is_read_as_text(tmp_path: Path) -> None:
    formula = "(" * 500 + "A1" + ")" * 500
    path = book(tmp_path / "b.xlsx", f'<row r="1"><c r="B1"><f>{formula}</f><v>1</v></c></row>')
    assert Workbook.open(path).sheets["S"].formula_texts == [formula]


# VmHWM is this process' own peak; the rusage of a process also remembers the one it was started from.
SEVENTEEN_MILLION = """
import resource, sys
from pathlib import Path
from embedsheet.workbook import Workbook
from embedsheet.ground.notation.addresses import Cell
from embedsheet.cli import app
from embedsheet.ground.errors import FileError
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
try:
    Workbook.open(sys.argv[1])
except FileError as fault:
    print(fault)
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory with Linux's /proc")
def test_seventeen_million_cells_are_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    content = parts({"S": ""})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, text in content.items():
            if name != "xl/worksheets/sheet1.xml":
                package.writestr(name, text)
                continue
            head, tail = sheet_xml("|").split("|")
            with package.open(name, "w") as stream:
                stream.write(head.encode())
                # Blocks of random addresses, each longer than Deflate remembers, so that this is no zip bomb either.
                chance = random.Random(0)
                blocks = [
                    "".join(f'<c r="A{chance.randrange(1_000_000)}"/>' for _ in range(10_000)).encode()
                    for _ in range(10)
                ]
                for number in range(1_700):
                    stream.write(b"<row>" + blocks[number % 10] + b"</row>")
                stream.write(tail.encode())
    command = [sys.executable, "-c", SEVENTEEN_MILLION, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    message, memory = run.stdout.splitlines()
    assert "has more than 10,000,000 cells" in message
    assert int(memory) < 1024


NASTY = [
    b"-1", b"0", b"99999999999999999999", b"1e999", b"NaN", b"A1:XFD1048576", b"XFE1", b"<", b">", b'"', b"'", b"&",
    b"&#0;", b"&nope;", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x?>", b"\x00", b"\xff", b"</row>", b"<row>", b"<c>",
    b"</c>", b"<f>", b'<f t="shared" si="0"/>', b'<f t="array" ref="A1:XFD1048576">', b"#REF!", b"solver_adj",
    b"(" * 2000, b"<a>" * 2000,
]  # fmt: skip


def flip_parts(raw: bytes, chance: random.Random) -> bytes:
    """Flip bytes in the XML, splice nasty tokens in, swap or remove whole parts."""

    def change(content: dict[str, bytes]) -> None:
        for _ in range(chance.randint(1, 3)):
            name = chance.choice(list(content))
            data = bytearray(content[name])
            kind = chance.random()
            if kind < 0.1 and len(content) > 1:
                del content[name]
                continue
            if kind < 0.2:
                data = bytearray(content[chance.choice(list(content))])
            elif kind < 0.5 and data:
                for _ in range(chance.randint(1, 10)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
            elif data:
                at = chance.randrange(len(data))
                data[at : at + chance.choice((0, 0, 1, 5, 50))] = chance.choice(NASTY)
            content[name] = bytes(data)

    return with_parts(raw, change)


def survives(raw: bytes, path: Path) -> str:
    """Open, ask, save; return what came of it. Anything but an EmbedsheetError is a failure of the test."""
    path.write_bytes(raw)
    try:
        workbook = Workbook.open(path)
        for name in workbook.names:
            with contextlib.suppress(EmbedsheetError):
                workbook.areas(name.name, name.sheet)
        for sheet in workbook.sheets.values():
            if len(sheet.rows):
                rows, columns, kinds = sheet.rows[:5], sheet.columns[:5], sheet.kinds[:5]
                workbook.save(
                    [Edit(sheet.name, rows, columns, kinds, sheet.numbers[:5], True)], path.with_name("c.xlsx")
                )
                Workbook.open(path.with_name("c.xlsx"))
        return "opened"
    except EmbedsheetError as fault:
        assert str(fault)
        return "refused"


def originals() -> list[bytes]:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        cells = (
            '<row r="1" spans="1:4"><c r="A1" t="s"><v>0</v></c>'
            '<c r="B1"><f t="shared" ref="B1:B3" si="0">A1&amp;"x"</f><v>1</v></c>'
            '<c r="C1" cm="1"><f t="array" ref="C1:C2">A1:A2</f><v>1</v></c>'
            '<c r="D1" t="inlineStr"><is><t>in</t></is></c></row>'
            '<row r="2"><c r="B2"><f t="shared" si="0"/><v>1</v></c><c r="C2" t="b"><v>1</v></c></row>'
        )
        inside = (
            '<definedNames><definedName name="solver_adj" localSheetId="0" hidden="1">S!$A$1:$A$2</definedName>'
            '<definedName name="solver_opt" localSheetId="0" hidden="1">S!$B$1</definedName>'
            '<definedName name="n">S!$A$1</definedName></definedNames><calcPr calcId="1"/>'
        )
        content = parts({"S": sheet_xml(cells), "T": sheet_xml(CELL)}, ["one"], inside, '<c r="B1" i="1"/><c r="B2"/>')
        for name, data in content.items():
            package.writestr(name, data)
    return [stream.getvalue(), *([LECTURE.read_bytes()] if LECTURE.exists() else [])]


def mutants(count: int, seed: int, path: Path) -> dict[str, int]:
    """Try `count` mutated workbooks from a seed; return how many opened and how many were refused."""
    chance = random.Random(seed)
    outcomes: dict[str, int] = {}
    books = originals()
    for number in range(count):
        raw = chance.choice([flipped, flip_parts, flip_parts])(chance.choice(books), chance)
        try:
            outcome = survives(raw, path)
        except Exception as fault:
            raise AssertionError(f"mutant {number} of seed {seed}") from fault
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def test_mutated_workbooks_open_or_are_refused_with_a_reason(tmp_path: Path) -> None:
    outcomes = mutants(120, 8, tmp_path / "m.xlsx")
    assert outcomes["opened"] > 0 and outcomes["refused"] > 10  # most survivors are the lecture's, where it is present


SOAK = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from pathlib import Path
from test_faults_files import mutants
print(mutants(100, int(sys.argv[3]), Path(sys.argv[4])))
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory with Linux's /proc")
@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_mutated_workbooks_in_bounded_time_and_memory(tmp_path: Path, seed: int) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", SOAK, str(here), str(here.parent), str(seed), str(tmp_path / "m.xlsx")]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    # 100 mutants at most 10 s each would be 1,000 s; none has taken a second.
    run = subprocess.run(command, capture_output=True, text=True, timeout=1000, env=environment)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.splitlines()[-1]) < 1024


def test_what_is_no_workbook_is_never_shown_in_libreoffice(tmp_path: Path) -> None:
    """LibreOffice would open it as a text and wait for somebody to close it."""
    (tmp_path / "notes.xlsm").write_text("hello", encoding="utf-8")
    done = CliRunner().invoke(app, ["open", str(tmp_path / "notes.xlsm"), "--headless"])
    assert done.exit_code == 2
    assert "is no .xlsx or .xlsm workbook" in done.stderr
