"""`fever-cluster`: three subjects of one building with a fever within 48 h.  Closed by the doctor."""

from msgspec.structs import replace

from devices.places import building_of, grid_of
from streams.effects import Cause, Reason
from streams.incidents import raise_incident
from streams.policy import hours_ms
from streams.work import Work

KIND = "fever-cluster"
NOT_COUNTED = frozenset({"false-alarm", "device-fault", "test"})


def counted(work: Work, household: str, subject: str, cause: Cause) -> None:
    """`subject`, of `household`, has a fever."""
    name = building_of(household)
    building = work.building(name)
    within_ms = hours_ms(work.policy.cluster_within_h)
    kept = tuple(f for f in building.fevers if f[1] >= work.now_ms - within_ms and f[0] != subject)
    fevers = (*kept, (subject, work.now_ms))
    work.put_building(replace(building, fevers=fevers))
    if len(fevers) >= work.policy.cluster_subjects:
        reason = Reason("cluster", {"count": len(fevers), "hours": work.policy.cluster_within_h})
        raise_incident(work, name, "building", grid_of(name), KIND, reason, cause)


def not_counted(work: Work, household: str, subject: str) -> None:
    """The fever of `subject` was closed as none."""
    building = work.building(building_of(household))
    fevers = tuple(f for f in building.fevers if f[0] != subject)
    if fevers != building.fevers:
        work.put_building(replace(building, fevers=fevers))
