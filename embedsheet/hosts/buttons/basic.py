"""xlwings' VBA modules in a form that LibreOffice's Basic can read, too.

To LibreOffice's Basic a line that begins with # is a comment, so it reads every branch of an #If. One module that it
cannot read keeps all macros of the project from running, those in plain VBA, too. So branches that the module's own
constants decide are decided here, and what begins a block, or names a variable, in two branches does so once. To VBA
the modules stay the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONSTANT = re.compile(r'^[ \t]*#Const (\w+) = "([^"]*)"', re.MULTILINE)
_DIRECTIVE = re.compile(r'#(?P<word>If|ElseIf|Else|End If)\b(?: (?P<name>\w+) = "(?P<text>[^"]*)" Then)?')
# (in VBA, the same for both). A version of xlwings that has them otherwise stays as it is.
_REWRITTEN = (
    (
        "    #If Mac Then\n    Dim d As Dictionary\n    Set d = New Dictionary\n    #Else\n    Dim d As Object\n",
        "    Dim d As Object\n    #If Mac Then\n    Set d = New Dictionary\n    #Else\n",
    ),
    (
        "    If Not FileOrFolderExistsOnMac(ParentFolder(sFileName)) Then\n  #Else\n"
        "    If Len(Dir(ParentFolder(sFileName), vbDirectory)) = 0 Then\n  #End If\n"
        "     MkDir ParentFolder(sFileName)\n  End If\n",
        "    If Not FileOrFolderExistsOnMac(ParentFolder(sFileName)) Then MkDir ParentFolder(sFileName)\n  #Else\n"
        "    If Len(Dir(ParentFolder(sFileName), vbDirectory)) = 0 Then MkDir ParentFolder(sFileName)\n  #End If\n",
    ),
    ("= VBA.vbBinaryCompare\n", "= 0\n"),  # an Enum's members must be plain numbers
    ("= VBA.vbTextCompare\n", "= 1\n"),
    ("= VBA.vbDatabaseCompare\n", "= 2\n"),
)


def readable(source: str) -> str:
    """Return a module's source so that LibreOffice's Basic reads what VBA does."""
    source = _decided(source.replace("\r\n", "\n"))
    for before, after in _REWRITTEN:
        source = source.replace(before, after)
    return source


@dataclass
class _Choice:
    """An #If that is open: whether it is decided here, whether its present branch, and one so far, is taken."""

    ours: bool
    now: bool = True
    before: bool = False


def _decided(source: str) -> str:
    """Return a source without the branches that its own text constants leave out."""
    constants = dict(_CONSTANT.findall(source))
    kept: list[str] = []
    choices: list[_Choice] = []
    for line in source.split("\n"):
        known = _DIRECTIVE.match(line.strip())
        if known and known["word"] == "If":
            choices.append(_Choice(ours=known["name"] in constants))
        if known and choices[-1].ours:
            holds = known["word"] == "Else" or (
                known["name"] in constants and constants[known["name"]] == known["text"]
            )
            choices[-1].now, choices[-1].before = holds and not choices[-1].before, holds or choices[-1].before
        elif all(choice.now for choice in choices):
            kept.append(line)
        if known and known["word"] == "End If":
            choices.pop()
    return "\n".join(kept)
