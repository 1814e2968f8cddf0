"""Start LibreOffice with a profile of its own, connect to it over a pipe, and end it.

A profile of its own keeps a LibreOffice that the user already runs out of it: a second start with the same profile
would only hand over its arguments to the first and end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from embedsheet.ground.errors import MissingDependencyError
from embedsheet.hosts.libreoffice.locate import find_soffice, import_uno

# Recalculate on loading (a file may come without results, and LibreOffice would otherwise trust old ones), greet
# nobody, and never run a macro: the buttons are served from outside. Fetch nothing that a workbook only names: no
# picture that is a link, no other workbook.
SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Misc"><prop oor:name="ShowTipOfTheDay" oor:op="fuse"><value>false</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Misc"><prop oor:name="FirstRun" oor:op="fuse"><value>false</value></prop></item>
<item oor:path="/org.openoffice.Setup/Product"><prop oor:name="ooSetupLastVersion" oor:op="fuse"><value>99.9</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Calc/Content/Update"><prop oor:name="Link" oor:op="fuse"><value>2</value></prop></item>
</oor:items>
"""  # noqa: E501 (one setting a line)
_START_SECONDS = 60.0
_HANDED_OVER_SECONDS = 15.0
_END_SECONDS = 15.0
_MOST_SAID = 500  # characters


class Office:
    """A running LibreOffice: its process (None when another process of ours has started it), context and desktop."""

    def __init__(
        self, process: subprocess.Popen[bytes] | None, context: Any, profile: Path, pipe: str, headless: bool
    ) -> None:
        self.process = process
        self.context = context
        self.profile = profile
        self.pipe = pipe
        self.headless = headless
        self.desktop = self.service("com.sun.star.frame.Desktop")

    @classmethod
    def start(cls, headless: bool = False) -> Office:
        """Start LibreOffice and connect to it.

        Raises MissingDependencyError when it is missing, its bridge does not fit this Python, or it does not answer.
        """
        soffice = find_soffice()
        import_uno(soffice)  # before anything is started
        profile = Path(tempfile.mkdtemp(prefix="embedsheet-libreoffice-"))
        (profile / "user").mkdir()
        (profile / "user" / "registrymodifications.xcu").write_text(SETTINGS, encoding="utf-8")
        pipe = f"embedsheet{uuid.uuid4().hex}"
        arguments = [
            str(soffice),
            "--norestore",
            "--nologo",
            # Without a window of its own, and without ending because there is none.
            "--headless" if headless else "--invisible",
            "--nofirststartwizard",
            f"-env:UserInstallation={profile.as_uri()}",
            f"--accept=pipe,name={pipe};urp;",
        ]
        # A process group of its own: Ctrl-C in the terminal is for us, who then close the office in order.
        said = profile / "said.txt"
        with said.open("wb") as sink:
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=sys.platform != "win32",
                umask=_umask(),
            )
        end = time.monotonic() + _START_SECONDS
        try:
            while True:
                context = connect(pipe)
                if context is not None:
                    return cls(process, context, profile, pipe, headless)
                code = process.poll()
                if code in (0, 81):
                    # The launcher has handed over to another process, or there is no display: it does not say which.
                    end = min(end, time.monotonic() + _HANDED_OVER_SECONDS)
                if (code is not None and code not in (0, 81)) or time.monotonic() > end:
                    words = " ".join(said.read_text(encoding="utf-8", errors="replace").split())[-_MOST_SAID:]
                    raise MissingDependencyError(
                        f"LibreOffice ({soffice}) did not start. It said: {words or 'nothing'}\n"
                        "Start it once by hand; on a machine without a display, use --headless."
                    )
                time.sleep(0.05)
        except BaseException:  # Ctrl-C, too
            _kill(process)
            shutil.rmtree(profile, ignore_errors=True)
            raise

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid if self.process else 0

    def service(self, name: str) -> Any:
        """Return a new instance of one of LibreOffice's services."""
        return self.context.ServiceManager.createInstanceWithContext(name, self.context)

    def version(self) -> str:
        """Return LibreOffice's version, as "7.4"."""
        provider = self.service("com.sun.star.configuration.ConfigurationProvider")
        access = provider.createInstanceWithArguments(
            "com.sun.star.configuration.ConfigurationAccess",
            (property_value("nodepath", "/org.openoffice.Setup/Product"),),
        )
        return str(access.getByName("ooSetupVersion"))

    def running(self) -> bool:
        """Whether LibreOffice still answers."""
        try:
            return bool(self.desktop.ImplementationName)
        except Exception:  # the bridge's DisposedException and RuntimeException share no other base
            return False

    def close(self, ask: bool = False) -> bool:
        """End LibreOffice and remove its profile; with `ask`, its user may save first, or decide to stay.

        Returns False when the user stays: LibreOffice then goes on by itself.
        """
        if ask:
            ended = True
            with contextlib.suppress(Exception):  # the bridge breaks while LibreOffice ends
                ended = bool(self.desktop.terminate())
            if not ended:
                return False
        else:
            # One that hangs would never answer, and nobody could press Ctrl-C a second time who believes in the first.
            ending = threading.Thread(target=self._end, daemon=True)
            ending.start()
            ending.join(_END_SECONDS)
        if self.process is None:
            return True
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        shutil.rmtree(self.profile, ignore_errors=True)
        return True

    def _end(self) -> None:
        """Tell LibreOffice to forget what is unsaved, about which it would ask, and to end."""
        with contextlib.suppress(Exception):  # the bridge breaks while LibreOffice ends
            components = self.desktop.Components.createEnumeration()
            while components.hasMoreElements():
                component = components.nextElement()
                if hasattr(component, "setModified"):
                    component.setModified(False)
            self.desktop.terminate()

    def kill(self) -> None:
        """End the process by force."""
        if self.process is not None:
            _kill(self.process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)  # the launcher's group: on Linux soffice.bin is its child
    process.kill()
    process.wait()


def _umask() -> int:
    """Return a umask under which nobody else can write to what is made, such as the sockets in /tmp; −1 on Windows."""
    if sys.platform == "win32":
        return -1
    own = os.umask(0o077)
    os.umask(own)
    return own | 0o022


def connect(pipe: str) -> Any:
    """Return the component context of the LibreOffice that listens on a pipe, None while none does."""
    uno = import_uno()
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    try:
        return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
    except uno.getClass("com.sun.star.connection.NoConnectException"):
        return None


def property_value(name: str, value: Any) -> Any:
    """Return UNO's PropertyValue."""
    uno = import_uno()
    return uno.createUnoStruct("com.sun.star.beans.PropertyValue", Name=name, Value=value)


def properties(**values: Any) -> tuple[Any, ...]:
    """Return a tuple of PropertyValues."""
    return tuple(property_value(name, value) for name, value in values.items())
