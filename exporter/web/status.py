"""GET /: every source and collector at a glance, for a person with a browser or a phone; no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from urllib.parse import quote

from exporter import __version__
from exporter.errors import NotOffered
from exporter.findings.config import ESTATE
from exporter.model import CollectorState
from exporter.settings import format_duration

_STYLE = """
:root { color-scheme: light dark; --ok: #1a7f37; --bad: #cf222e; --wait: #8a6d00; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --ok: #4ac26b; --bad: #ff7b72; --wait: #e3b341; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 68rem; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0; }
header, section > div { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: baseline; }
header nav { margin-left: auto; display: flex; gap: 1rem; }
.verdict { font-size: 1.2rem; margin: .8rem 0; } .verdict span { white-space: normal; }
section { border: 1px solid var(--line); border-radius: .5rem; padding: .7rem 1rem; margin: .8rem 0; }
table { border-collapse: collapse; width: 100%; margin-top: .4rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; font-size: .85rem; opacity: .75; }
td, th { padding: .25rem .8rem .25rem 0; vertical-align: top; }
tbody tr { border-top: 1px solid var(--line); }
.ok, .bad, .wait { font-weight: 600; white-space: nowrap; }
.ok { color: var(--ok); } .bad { color: var(--bad); } .wait { color: var(--wait); }
.error td, .note td { border: 0; padding-top: 0; overflow-wrap: anywhere; } .error td { color: var(--bad); }
tbody tr.error, tbody tr.note { border: 0; }
.quiet { opacity: .7; } form { margin: 0; } button { font: inherit; font-size: .9rem; padding: 0 .6rem; }
@media (max-width: 40rem) {
  thead { display: none; } td { display: inline-block; padding-right: .9rem; }
  td.name { display: block; font-weight: 600; } td[data-is]::before { content: attr(data-is) " "; opacity: .7; }
}
"""


def render(states: Sequence[CollectorState], ups: dict[str, bool | None], now: float, *, actions: bool) -> str:
    """The page; ups: source name to whether its last contact succeeded; actions: show "poll now" buttons."""
    by_source = [(name, list(group)) for name, group in groupby(states, key=lambda s: s.source)]
    # What needs a look comes first.
    by_source.sort(key=lambda item: (all(s.success is not False for s in item[1]), item[0]))
    cards = "\n".join(_card(name, group, ups.get(name), now, actions) for name, group in by_source)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="15">
<title>ebbtide: {escape(_verdict_text(by_source))}</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>ebbtide</h1><span class="quiet">{escape(__version__)}</span>
<nav><a href="metrics">Metrics</a> <a href="-/ready">Ready</a> <a href="-/healthy">Healthy</a></nav></header>
<p class="verdict">{_verdict(by_source)}</p>
<main>
{cards}
</main>
</body>
</html>
"""


def _verdict_text(by_source: Sequence[tuple[str, Sequence[CollectorState]]]) -> str:
    count = sum(name != ESTATE for name, _ in by_source)
    if not count:
        return "no sources are configured"
    failing = [name for name, states in by_source if any(s.success is False for s in states)]
    waiting = [name for name, states in by_source if any(s.success is None and not s.reason for s in states)]
    if failing:
        need = "needs" if len(failing) == 1 else "need"
        return f"{len(failing)} of {count} sources {need} a look: {', '.join(failing[:5])}"
    if waiting:
        return f"waiting for the first answer of {', '.join(waiting[:5])}"
    return "the source answers" if count == 1 else f"all {count} sources answer"


def _verdict(by_source: Sequence[tuple[str, Sequence[CollectorState]]]) -> str:
    text = _verdict_text(by_source)
    kind = "bad" if " a look: " in text else "wait" if "waiting" in text or "no sources" in text else "ok"
    return f'<span class="{kind}">{escape(text[0].upper() + text[1:])}.</span>'


def _card(name: str, states: Sequence[CollectorState], up: bool | None, now: float, actions: bool) -> str:
    word, kind = {True: ("up", "ok"), False: ("down", "bad"), None: ("not asked yet", "wait")}[up]
    if name == ESTATE:
        word, kind = "all sources together", "quiet"
    rows = "\n".join(_row(state, now, actions) for state in states)
    titles = ["Collector", "State", "Data from", "Objects", "Took", "Next poll", *([""] if actions else [])]
    heads = "".join(f"<th>{title}</th>" for title in titles)
    everything = _button(name, None) if actions else ""
    return f"""<section>
<div><h2>{escape(name)}</h2><span class="quiet">{escape(states[0].kind)}</span>
<span class="{kind}">{word}</span> {everything}</div>
<table>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</section>"""


def _row(state: CollectorState, now: float, actions: bool) -> str:
    word, kind = _state(state)
    cells = [
        f'<td class="name">{escape(state.collector)}</td>',
        f'<td><span class="{kind}">{word}</span></td>',
        f'<td data-is="data from">{_data_from(state, now)}</td>',
        f'<td data-is="objects">{"–" if state.objects is None else state.objects}</td>',
        f'<td data-is="took">{_duration(state.duration_seconds)}</td>',
        f'<td data-is="next">{_next(state, now)}</td>',
    ]
    if actions:
        cells.append(f"<td>{_button(state.source, state.collector)}</td>")
    row = f"<tr>{''.join(cells)}</tr>"
    if state.error:
        told = "error" if state.success is False else "note"
        row += f'\n<tr class="{told}"><td colspan="{len(cells)}">{escape(state.error)}</td></tr>'
    return row


def _state(state: CollectorState) -> tuple[str, str]:
    if state.reason == NotOffered.reason:
        return "not offered", "quiet"
    if state.success is None:
        return ("polling", "wait") if state.running_since is not None else ("waiting", "wait")
    if state.success:
        return "ok", "ok"
    return state.reason, "bad"


def _data_from(state: CollectorState, now: float) -> str:
    if state.last_success_at is None:
        return "–"
    age = max(0.0, now - state.last_success_at)
    withdrawn = age > 3 * state.interval_seconds
    text = f"{_coarse(age)} ago"
    return f'<span class="bad">{text}, withdrawn</span>' if withdrawn else text


def _next(state: CollectorState, now: float) -> str:
    if state.running_since is not None:
        return f"running for {_coarse(max(0.0, now - state.running_since))}"
    if state.next_poll_at is None:
        return "–"
    return f"in {_coarse(max(0.0, state.next_poll_at - now))}"


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _coarse(seconds: float) -> str:
    """The two largest units are enough for a person: "3h20m", "45s"."""
    unit = 1 if seconds < 3600 else 60 if seconds < 86400 else 3600
    return format_duration(seconds // unit * unit) if seconds >= 1 else "0s"


def _button(source: str, collector: str | None) -> str:
    target = f"-/poll?source={quote(source)}" + (f"&amp;collector={quote(collector)}" if collector else "")
    what = f"Poll {source}/{collector} now" if collector else f"Poll all of {source} now"
    label = "Poll now" if collector else "Poll all now"
    return f'<form method="post" action="{target}"><button aria-label="{escape(what)}">{label}</button></form>'
