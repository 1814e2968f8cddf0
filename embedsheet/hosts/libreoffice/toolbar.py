"""The toolbar in LibreOffice: an extension (.oxt) that holds nothing but names, and who answers to them.

The extension names a button and an address for each tool, as `vnd.embedsheet:solve`. No code comes with it: `embedsheet
open` listens on the frame of the workbook that it has opened (a dispatch interceptor), and LibreOffice greys the
buttons wherever nobody listens.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from embedsheet.ground.errors import MissingDependencyError
from embedsheet.hosts.buttons.table import TOOLS
from embedsheet.hosts.libreoffice.locate import import_uno

IDENTIFIER = "org.embedsheet.toolbar"
PROTOCOL = "vnd.embedsheet:"
BAR = f"private:resource/toolbar/addon_{IDENTIFIER}"
_FUNCTIONS = {f"{PROTOCOL}{tool.function}": tool.function for tool in TOOLS}
_TIME = (1980, 1, 1, 0, 0, 0)

_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="http://openoffice.org/2001/manifest">
<manifest:file-entry manifest:media-type="application/vnd.sun.star.configuration-data" manifest:full-path="Addons.xcu"/>
<manifest:file-entry manifest:media-type="application/vnd.sun.star.configuration-data"
 manifest:full-path="CalcWindowState.xcu"/>
</manifest:manifest>
"""
_DESCRIPTION = """<?xml version="1.0" encoding="UTF-8"?>
<description xmlns="http://openoffice.org/extensions/description/2006">
<identifier value="{identifier}"/>
<version value="1.0"/>
<display-name><name lang="en">embedsheet</name></display-name>
</description>
"""
_ADDONS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:component-data xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 oor:package="org.openoffice.Office" oor:name="Addons">
<node oor:name="AddonUI"><node oor:name="OfficeToolBar"><node oor:name="{identifier}" oor:op="replace">
{buttons}
</node></node></node>
</oor:component-data>
"""
_STATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:component-data xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 oor:package="org.openoffice.Office.UI" oor:name="CalcWindowState">
<node oor:name="UIElements"><node oor:name="States"><node oor:name="{bar}" oor:op="replace">
<prop oor:name="UIName"><value xml:lang="en-US">embedsheet</value></prop>
<prop oor:name="Visible"><value>true</value></prop>
<prop oor:name="Docked"><value>true</value></prop>
<prop oor:name="Style"><value>1</value></prop>
</node></node></node>
</oor:component-data>
"""  # style 1: words, no pictures
_BUTTON = """<node oor:name="m{place}" oor:op="replace">
<prop oor:name="URL"><value>{url}</value></prop>
<prop oor:name="Title"><value xml:lang="en-US">{caption}</value></prop>
<prop oor:name="Target"><value>_self</value></prop>
<prop oor:name="Context"><value>com.sun.star.sheet.SpreadsheetDocument</value></prop>
</node>"""


def extension() -> bytes:
    """Return the .oxt file."""
    buttons = "\n".join(
        _BUTTON.format(place=place, url=f"{PROTOCOL}{tool.function}", caption=escape(tool.caption))
        for place, tool in enumerate(TOOLS)
    )
    parts = {
        "META-INF/manifest.xml": _MANIFEST,
        "description.xml": _DESCRIPTION.format(identifier=IDENTIFIER),
        "Addons.xcu": _ADDONS.format(identifier=IDENTIFIER, buttons=buttons),
        "CalcWindowState.xcu": _STATE.format(bar=BAR),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in parts.items():
            package.writestr(zipfile.ZipInfo(name, _TIME), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def install(office: Any) -> None:
    """Install the extension in the profile of a running LibreOffice of ours.

    Raises MissingDependencyError where that LibreOffice takes none.
    """
    path = Path(office.profile) / "embedsheet.oxt"
    path.write_bytes(extension())
    manager = office.context.getValueByName("/singletons/com.sun.star.deployment.ExtensionManager")
    try:
        manager.addExtension(path.as_uri(), (), "user", manager.createAbortChannel(), _approving())
    except Exception as fault:  # UNO's exceptions share no base
        raise MissingDependencyError(f"LibreOffice does not take the toolbar: {fault}") from fault


def _approving() -> Any:
    """Return who answers LibreOffice's questions while the extension is installed: it is ours, so yes."""
    uno = import_uno()
    import unohelper

    approve = uno.getTypeByName("com.sun.star.task.XInteractionApprove")

    class Environment(
        unohelper.Base,  # type: ignore[misc]
        uno.getClass("com.sun.star.ucb.XCommandEnvironment"),  # type: ignore[misc]
        uno.getClass("com.sun.star.task.XInteractionHandler"),  # type: ignore[misc]
    ):
        def getInteractionHandler(self) -> Any:  # noqa: N802 (UNO's names)
            return self

        def getProgressHandler(self) -> None:  # noqa: N802
            return None

        def handle(self, request: Any) -> None:
            for answer in request.getContinuations():
                if answer.queryInterface(approve) is not None:
                    answer.select()
                    return

    return Environment()


def listen(frame: Any, pressed: Callable[[str], None]) -> Any:
    """Answer to the toolbar of a frame: `pressed` gets the tool's function. Keep what is returned as long as that."""
    uno = import_uno()
    import unohelper

    interface = uno.getClass

    class Interceptor(
        unohelper.Base,  # type: ignore[misc]
        interface("com.sun.star.frame.XDispatchProviderInterceptor"),  # type: ignore[misc]
        interface("com.sun.star.frame.XDispatch"),  # type: ignore[misc]
    ):
        """Stands before the frame's own answers. Runs in a thread of the bridge, so a press is only noted."""

        def __init__(self) -> None:
            self.slave: Any = None
            self.master: Any = None

        def getSlaveDispatchProvider(self) -> Any:  # noqa: N802 (UNO's names, all below)
            return self.slave

        def setSlaveDispatchProvider(self, provider: Any) -> None:  # noqa: N802
            self.slave = provider

        def getMasterDispatchProvider(self) -> Any:  # noqa: N802
            return self.master

        def setMasterDispatchProvider(self, provider: Any) -> None:  # noqa: N802
            self.master = provider

        def queryDispatch(self, url: Any, target: str, flags: int) -> Any:  # noqa: N802
            if url.Complete in _FUNCTIONS:
                return self
            return None if self.slave is None else self.slave.queryDispatch(url, target, flags)

        def queryDispatches(self, requests: Any) -> tuple[Any, ...]:  # noqa: N802
            return tuple(self.queryDispatch(one.FeatureURL, one.FrameName, one.SearchFlags) for one in requests)

        def dispatch(self, url: Any, arguments: Any) -> None:
            pressed(_FUNCTIONS[url.Complete])

        def addStatusListener(self, listener: Any, url: Any) -> None:  # noqa: N802
            event = uno.createUnoStruct("com.sun.star.frame.FeatureStateEvent")
            event.Source, event.FeatureURL, event.IsEnabled, event.Requery = self, url, True, False
            listener.statusChanged(event)

        def removeStatusListener(self, listener: Any, url: Any) -> None:  # noqa: N802
            pass

    interceptor = Interceptor()
    frame.registerDispatchProviderInterceptor(interceptor)
    frame.contextChanged()  # the buttons ask again who answers
    return interceptor
