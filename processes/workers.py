"""A function applied to many tasks by worker processes. A worker that dies fails its own task and is replaced."""

from __future__ import annotations

import contextlib
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from typing import Any, Generic, TypeVar

from .signals import end_cleanly, end_with_parent

Task = TypeVar("Task")
Answer = TypeVar("Answer")

PATIENCE = 10.0
"""Seconds that a worker has to clean up before it is killed."""


@dataclass(frozen=True)
class Died:
    """The answer to a task whose worker process died, for example because the system lacked memory."""

    status: int | None
    """Exit status of the process; -9 for one that was killed."""


@dataclass(frozen=True)
class _Raised:
    """An exception that the function raised in a worker."""

    error: BaseException


def each(
    work: Callable[[Task], Answer],
    tasks: Sequence[Task],
    workers: int,
    begin: Callable[[], object] | None = None,
) -> Generator[Answer | Died]:
    """Yield the answer to every task, in order, as worker processes give them.

    Workers are spawned, since a forked torch can hang in its thread pool. They end with this process, however it ends;
    when the iterator is closed early, busy ones get SIGTERM and clean up.

    Args:
        work: A function at module level. An exception that it raises is raised here.
        tasks: Its arguments, which have to be picklable.
        workers: Number of processes.
        begin: What each worker does first.

    Yields:
        Answers; `Died` where a worker died over a task.
    """
    pool = _Pool(work, tasks, begin)
    try:
        pool.start(min(workers, len(tasks)))
        for number in range(len(tasks)):
            answer = pool.answer(number)
            if isinstance(answer, _Raised):
                raise answer.error
            yield answer
    finally:
        pool.stop()


def apart(work: Callable[[Task], Answer], task: Task) -> Answer | Died:
    """Return the answer to one task, given in a fresh process of its own."""
    with contextlib.closing(each(work, [task], 1)) as answers:
        return next(answers)


class _Worker:
    """A process, the connection to it, and the number of the task that it works on."""

    def __init__(self, work: Callable[[Any], Any], begin: Callable[[], object] | None) -> None:
        context = get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, work, begin), daemon=True)
        with _interrupts_blocked():
            self.process.start()
        other.close()
        self.task: int | None = None

    def close(self) -> None:
        """Let an idle worker end by itself, and ask a busy one to."""
        self.connection.close()
        if self.task is not None:
            self.process.terminate()

    def join(self) -> None:
        """Wait for the end of the process; kill it if that takes too long."""
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@dataclass
class _Pool(Generic[Task, Answer]):
    """Workers, the tasks that wait for them, and the answers that wait for their turn."""

    work: Callable[[Task], Answer]
    tasks: Sequence[Task]
    begin: Callable[[], object] | None
    waiting: deque[int] = field(init=False)
    answers: dict[int, Answer | Died | _Raised] = field(default_factory=dict)
    workers: list[_Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.waiting = deque(range(len(self.tasks)))

    def start(self, count: int) -> None:
        """Start so many workers, each with a task."""
        for _ in range(count):
            self.workers.append(_Worker(self.work, self.begin))
            self._feed(len(self.workers) - 1)

    def answer(self, number: int) -> Answer | Died | _Raised:
        """Return the answer to a task; wait for it and keep the workers busy meanwhile."""
        while number not in self.answers:
            busy = [worker.connection for worker in self.workers if worker.task is not None]
            for ready in connection.wait(busy):
                self._take(next(i for i, worker in enumerate(self.workers) if worker.connection is ready))
        return self.answers.pop(number)

    def _take(self, index: int) -> None:
        """Take the answer of a worker, or note its death, and give it or its successor the next task."""
        worker = self.workers[index]
        assert worker.task is not None
        try:
            self.answers[worker.task] = worker.connection.recv()
        except (EOFError, OSError):
            worker.join()
            self.answers[worker.task] = Died(worker.process.exitcode)
        worker.task = None
        self._feed(index)

    def _feed(self, index: int) -> None:
        """Give a worker the next task, if there is one; a dead worker is replaced first."""
        if not self.waiting:
            return
        if not self.workers[index].process.is_alive():
            self.workers[index].close()
            self.workers[index] = _Worker(self.work, self.begin)
        worker = self.workers[index]
        worker.task = self.waiting.popleft()
        with contextlib.suppress(OSError):  # it has died since; `_take` finds that out
            worker.connection.send(self.tasks[worker.task])

    def stop(self) -> None:
        """End all workers and wait for them."""
        for worker in self.workers:
            worker.close()
        for worker in self.workers:
            worker.join()


def _serve(
    tasks: connection.Connection[Any, Any], work: Callable[[Any], Any], begin: Callable[[], object] | None
) -> None:
    """Answer tasks until the parent closes the connection, which it also does by ending."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's affair: it ends its workers by SIGTERM
    end_cleanly()
    end_with_parent()
    if begin is not None:
        begin()
    with contextlib.suppress(EOFError, OSError):
        while True:
            tasks.send(_answered(work, tasks.recv()))


def _answered(work: Callable[[Any], Any], task: object) -> object:
    try:
        return work(task)
    except Exception as error:
        error.add_note(traceback.format_exc())
        return _Raised(error)


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start processes that never see an interrupt, not even before they can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
