"""The audit trail: what the run decided and why, numbered without a gap.

In: a level (INFO, WARN, ERROR), a code, a message. Out: one audit event each. Source of levels and codes: facts 3.6.
"""

from emitters.dry_run.journal import Journal
from emitters.dry_run.tally import Tally

__all__ = ["CODES", "AuditTrail"]

CODES = (
    "C2_DRYRUN_START",
    "C2_STRATEGY_TICK",
    "C2_DRYRUN_STOP",
    "C2_REJECT_MISSING_RUN_ID",
    "C2_REJECT_MISSING_STRATEGY_ID",
    "C2_REJECT_STRATEGY_NOT_ALLOWED",
    "C2_REJECT_BAD_RETRY_CONFIG",
    "C2_SINK_WRITE_RETRY",
    "C2_SINK_WRITE_FAILED",
    "C2_ABORT_SINK_WRITE_FAILED",
)
"""Every code an audit event can have."""


class AuditTrail:
    """Writes audit events through the journal, and counts them for itself."""

    def __init__(self, journal: Journal, tally: Tally) -> None:
        self._journal, self._tally = journal, tally
        self.events = 0

    def record(self, level: str, code: str, message: str, at_s: float, **meta: object) -> None:
        """Write one event. `at_s` is the run's time in Unix seconds, to the millisecond."""
        assert code in CODES, code
        self._journal.execution("audit", seq=self.events, level=level, code=code, message=message, meta=meta)
        self.events += 1
        self._tally.set("peak_trade_last_audit_event_timestamp_seconds", at_s)
