"""One thread that writes to SQLite, many that wait for it: commits of all threads share one fsync."""

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

T = TypeVar("T")
Job = tuple[Callable[[sqlite3.Connection], Any], "Future[Any]"]

BATCH = 256
"""At most so many jobs go into one transaction."""


class Committer:
    """Runs jobs on its own connection, as many as are waiting in one transaction.

    A job's future is done only when its transaction is on disk. A job that fails takes nothing of the others
    with it: each one runs in a savepoint.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="tagroll-catalog", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Queue a job; its future ends when the job's transaction is durable."""
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    def close(self) -> None:
        """Commit all that is queued and end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        connection = self._connect()
        going_on = True
        while going_on:
            batch = [self._jobs.get()]
            while len(batch) < BATCH and not self._jobs.empty():
                batch.append(self._jobs.get())
            going_on = None not in batch
            self._commit(connection, [job for job in batch if job is not None])
        connection.close()

    def _commit(self, connection: sqlite3.Connection, batch: list[Job]) -> None:
        results: list[tuple[Future[Any], Any]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job, future in batch:
                results.append((future, _run(connection, job)))
            connection.execute("COMMIT")
        except sqlite3.Error as error:  # the transaction as a whole: disk full, I/O error
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            results = [(future, error) for _, future in batch]
        for future, result in results:
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


def _run(connection: sqlite3.Connection, job: Callable[[sqlite3.Connection], Any]) -> object:
    """Run one job in a savepoint; its own failure is its result."""
    connection.execute("SAVEPOINT job")
    try:
        result = job(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise  # SQLite gave up the whole transaction (disk full, I/O error): nobody's job is in
        connection.execute("ROLLBACK TO job")
        result = error
    connection.execute("RELEASE job")
    return cast("object", result)
