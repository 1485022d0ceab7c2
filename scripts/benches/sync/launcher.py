"""Starts one program from a process so small that the program inherits no memory figure from it, and measures it.

Linux hands the peak of a parent's memory down to its children (``ru_maxrss`` survives fork and exec). Usage:
``python -I -S launcher.py REPORT PROGRAM [ARGUMENT …]``; REPORT becomes one JSON object.
"""

import json
import os
import sys
import time


def main(report: str, *command: str) -> None:
    started = time.perf_counter()
    child = os.fork()
    if not child:
        try:
            os.execvp(command[0], command)  # noqa: S606 - the measured program itself, no shell between
        finally:
            os._exit(127)
    _, status, used = os.wait4(child, 0)
    found = {
        "wall": time.perf_counter() - started,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
        "status": os.waitstatus_to_exitcode(status),
    }
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is larger than this process
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
