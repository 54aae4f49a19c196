"""Progress of a run: for people rather than for programs, with durations and rates as text."""

from exporter.simulator.messages import Json
from exporter.simulator.vbr_call import Call
from exporter.simulator.vbr_records import DAY, Session

RUNNING_AT_MOST = 99


def percent(call: Call, session: Session) -> int:
    if session.ended is not None:
        return 100
    share = (call.now - session.started) / max(1.0, session.until - session.started)
    return min(RUNNING_AT_MOST, max(0, int(100 * share)))


def progress(call: Call, session: Session, part: int = 1) -> Json:
    """Of one of `part` equal machines. A run under way has read nothing yet, as far as it says."""
    seconds = (session.ended or call.now) - session.started
    shown: dict[str, Json] = {
        "duration": duration(seconds),
        "processingRate": _rate(session, seconds),
        "bottleneck": "NotDefined" if session.read == 0 else "Source",
        "processedSize": session.processed // part,
        "readSize": session.read // part,
        "transferredSize": session.transferred // part,
    }
    if call.since("1.3-rev0"):
        shown["progressPercent"] = percent(call, session)
    return shown


def duration(seconds: float) -> str:
    """hh:mm:ss, with days before a dot: 1.02:03:04"""
    days, rest = divmod(int(max(0.0, seconds)), int(DAY))
    clock = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
    return f"{days}.{clock}" if days else clock


def _rate(session: Session, seconds: float) -> str:
    """Not one spelling: with and without a unit of time, with a decimal comma, or none at all."""
    if session.read == 0 or seconds < 1:
        return "N/A"
    rate = f"{session.read / seconds / 1024**2:.1f}"
    return (f"{rate} MB/s", f"{rate} MB", f"{rate.replace('.', ',')} MB")[session.number % 3]
