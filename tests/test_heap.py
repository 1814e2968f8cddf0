"""Memory that is kept between evaluations of large models."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Pages of 4 KB that the system had to give while 64 MB were taken and freed ten times, in a thread as XLA does it.
PAGES = """
import resource, sys, threading
from embedsheet.compiler.engines.heap import give_back, keep_freed

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        bytearray(64_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(open("/proc/self/statm").read().split()[1])

found = []
def work():
    pages()
    found.append(pages())
if sys.argv[1] == "keep":
    keep_freed()
thread = threading.Thread(target=work)
thread.start()
thread.join()
held = resident()
give_back()
print(found[0], held - resident())
"""


def counted(how: str) -> tuple[int, int]:
    """Return the pages given anew, and those that `give_back` gave back."""
    done = subprocess.run([sys.executable, "-c", PAGES, how], capture_output=True, text=True, check=True)
    given, back = map(int, done.stdout.split())
    return given, back


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_is_kept_until_it_is_given_back() -> None:
    kept, back = counted("keep")
    given, never_kept = counted("not")
    assert kept < given / 10
    assert back > 8_000 > never_kept  # 32 of 64 MB
