"""`embedsheet`, also as `python -m embedsheet`: the process around the command line, which Ctrl-C may end at any time.

SIGTERM, and SIGHUP unless `nohup` keeps it away, are Ctrl-C here: the best so far is kept, nothing is left behind.

Nothing is imported before Ctrl-C is prepared for; the commands themselves take a moment to import.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
from typing import Any

STOPPED = 130  # the exit code after Ctrl-C, as shells number it
AGAIN_AFTER = 0.05  # seconds

_heard = False  # Ctrl-C, in this process


def main() -> None:
    """Run the command line with the process' arguments, and leave."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and (name == "SIGINT" or signal.getsignal(number) is not signal.SIG_IGN):
            signal.signal(number, _hear)
    sys.unraisablehook = _hear_again
    code: Any = 0
    failed = False  # the output could not be written, so that Python could not either when it leaves
    try:
        from embedsheet.ground.processor import save_processor

        save_processor()
        from embedsheet.cli import main as run

        run()
    except SystemExit as end:
        code = end.code
    except (KeyboardInterrupt, RuntimeError) as fault:
        # Where a class is made Python before 3.12 has the one as the cause of the other.
        if isinstance(fault, RuntimeError) and not isinstance(fault.__cause__, KeyboardInterrupt):
            raise
        code = STOPPED
        with contextlib.suppress(KeyboardInterrupt):
            sys.stderr.write("Error: stopped by Ctrl-C.\n")
    except OSError as fault:  # about no file: those end in the command line
        if "--debug" in sys.argv:
            raise
        code, failed = 2, True
        with contextlib.suppress(OSError):
            sys.stderr.write(f"Error: {fault.strerror or fault}; see that the place where the output goes takes it.\n")
    if _heard or failed:
        # JAX, when stopped in the middle of a compilation, may crash while Python takes everything down.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        if "multiprocessing.util" in sys.modules:
            _end_children()
        os._exit(code if isinstance(code, int) else code is not None)
    sys.exit(code)


def _end_children() -> None:
    """End processes that are still starting, then give back the locks they share, which Python reports as leaked."""
    import multiprocessing.util

    for child in multiprocessing.active_children():
        child.kill()
        child.join()
    multiprocessing.util._run_finalizers(0)  # type: ignore[attr-defined]


def _hear(*_: object) -> None:
    """Do what Python does at Ctrl-C, and remember it."""
    global _heard
    _heard = True
    # JAX's C++ side aborts the process when an exception passes through while it is being imported.
    jax = getattr(sys.modules.get("jax"), "__spec__", None)
    if getattr(jax, "_initializing", False):
        _interrupt_later()
        return
    raise KeyboardInterrupt


def _interrupt_later() -> None:
    timer = threading.Timer(AGAIN_AFTER, _thread.interrupt_main)
    timer.daemon = True
    timer.start()


def _hear_again(lost: sys.UnraisableHookArgs) -> None:
    """Deliver a Ctrl-C once more that Python dropped because garbage was being collected, or a destructor was running.

    A little later: at once, the same place would drop it again.
    """
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    _interrupt_later()


if __name__ == "__main__":
    main()
