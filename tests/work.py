"""Pieces of work for tests of the batch runner; a module, since worker processes have to find them by name."""

import os
import time
from pathlib import Path

from dvcodec.cli.batch import Done
from dvcodec.cli.naming import Job
from dvcodec.errors import DvcodecError


def copy(job: Job, options: object) -> Done:
    """Copy the input; refuse one that holds `bad`, and crash on `crash`."""
    data = Path(job.source).read_bytes()
    if data == b"bad":
        raise DvcodecError("bad content", "write something else")
    if data == b"crash":
        raise RuntimeError("two\nlines")
    if data == b"die":
        os._exit(9)
    Path(job.target).write_bytes(data)
    return Done(len(data), len(data), f"by {'worker' if os.getpid() != options else 'parent'}", values={"n": len(data)})


def dawdle(job: Job, options: object) -> Done:
    """Keep a temporary file for a minute, as a long compression would."""
    temporary = Path(job.target)
    try:
        temporary.write_text("half")
        time.sleep(60)
    finally:
        temporary.unlink()
    return Done()
