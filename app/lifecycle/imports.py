"""Life of a bulk import: queued, running, done; or failed when the file cannot be read at all."""

from enum import StrEnum

from app.lifecycle.machine import Machine


class ImportStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ImportEvent(StrEnum):
    START = "start"
    FINISH = "finish"
    FAIL = "fail"


IMPORT: Machine[ImportStatus, ImportEvent] = Machine(
    "import",
    {
        (ImportStatus.QUEUED, ImportEvent.START): ImportStatus.RUNNING,
        (ImportStatus.RUNNING, ImportEvent.FINISH): ImportStatus.DONE,
        (ImportStatus.RUNNING, ImportEvent.FAIL): ImportStatus.FAILED,
    },
)
