"""Life of a version of a public service (公共服务事项): one person proposes, another publishes.

version  proposed ─publish→ published ─supersede→ superseded
         proposed ─refuse→ refused; proposed ─withdraw→ withdrawn
"""

from enum import StrEnum

from app.lifecycle.machine import Machine


class VersionStatus(StrEnum):
    PROPOSED = "proposed"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class VersionEvent(StrEnum):
    PUBLISH = "publish"
    SUPERSEDE = "supersede"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


SERVICE_VERSION: Machine[VersionStatus, VersionEvent] = Machine(
    "service version",
    {
        (VersionStatus.PROPOSED, VersionEvent.PUBLISH): VersionStatus.PUBLISHED,
        (VersionStatus.PUBLISHED, VersionEvent.SUPERSEDE): VersionStatus.SUPERSEDED,
        (VersionStatus.PROPOSED, VersionEvent.REFUSE): VersionStatus.REFUSED,
        (VersionStatus.PROPOSED, VersionEvent.WITHDRAW): VersionStatus.WITHDRAWN,
    },
)
