"""Press a form button as a screen reader does, which works without a display: for tests and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from embedsheet.ground.errors import ModelError
from embedsheet.hosts.libreoffice.toolbar import BAR

_PUSH_BUTTON = 44  # com.sun.star.accessibility.AccessibleRole.PUSH_BUTTON


def click(book: Any, caption: str) -> None:
    """Press the button with this caption on the active sheet of an `xlwings.Book` in LibreOffice.

    Raises ModelError when the sheet shows no such button.
    """
    window = book.api.CurrentController.Frame.ComponentWindow
    for context in _contexts(window.getAccessibleContext(), 0):
        if context.getAccessibleRole() == _PUSH_BUTTON and context.getAccessibleName() == caption:
            context.doAccessibleAction(0)
            return
    raise ModelError(f"The sheet {book.sheets.active.name} shows no button {caption!r}.")


def click_toolbar(book: Any, caption: str) -> None:
    """Press the button with this caption on the toolbar embedsheet. Raises ModelError when there is no such button."""
    bar = book.api.CurrentController.Frame.LayoutManager.getElement(BAR)
    for context in _contexts(bar.getRealInterface().getAccessibleContext(), 0) if bar is not None else ():
        if context.getAccessibleRole() == _PUSH_BUTTON and context.getAccessibleName() == caption:
            context.doAccessibleAction(0)
            return
    raise ModelError(f"The toolbar embedsheet shows no button {caption!r}.")


def _contexts(context: Any, depth: int) -> Iterator[Any]:
    yield context
    # A table reports its 17 billion cells as children: no button lies that deep.
    if depth > 4 or context.getAccessibleChildCount() > 1000:
        return
    for place in range(context.getAccessibleChildCount()):
        child = context.getAccessibleChild(place)
        if child is not None:
            yield from _contexts(child.getAccessibleContext(), depth + 1)
