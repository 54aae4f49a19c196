"""One line for every way to get the configuration wrong, and never a secret in it."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import parse
from exporter.errors import ConfigError

PASSWORD = "hunter2"


def wrong(text: str) -> str:
    """What is said about a configuration that is wrong: one line."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "ebbtide.yml")
    message = str(caught.value)
    assert message.startswith("ebbtide.yml: ")
    assert len(message.splitlines()) == 1
    assert PASSWORD not in message
    return message.removeprefix("ebbtide.yml: ")


# What is wrong


SOURCE = "sources: [{{name: a, kind: veeam, url: 'https://vbr01.example.com', username: u, {}}}]"
ENV = "password: {env: VBR_PASSWORD}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("webb: {}", "webb: unknown key; did you mean web?"),
        ("web: {lisen: x}", "web.lisen: unknown key; did you mean listen?"),
        (
            "zzz: 1",
            "zzz: unknown key; known are bridge, classes, forecast, groups, history, ledger, nagios, sources, web",
        ),
        ("classes: {high: {intervall: 1h}}", "classes.high.intervall: unknown key; did you mean interval?"),
        ("classes: {high: {interval: 1 h}}", "classes.high.interval: '1 h' is not a duration"),
        ("classes: {high: 1h}", "classes.high: "),
        ("groups: [{match: {sorce: x}}]", "groups[0].match.sorce: unknown key; did you mean source?"),
        (
            "groups: [{match: {}, bu: x}]",
            "groups[0].bu: unknown key; known are application, business_unit, importance, match, site",
        ),
        (
            SOURCE.format(ENV + ", intervals: {poolz: 5m}"),
            "sources[0].intervals.poolz: unknown key; did you mean pools?",
        ),
        (
            "sources: [{name: a, kind: filesystem, scan: [{path: /x, dept: 3}]}]",
            "sources[0].scan[0].dept: unknown key; did you mean depth?",
        ),
        ('"a b\\u00e4": 1', "a bä: unknown key; known are"),
        ('"a\\u2028b": 1', "a\\u2028b: unknown key"),
        ("sources: [{name: a, kind: veeem}]", "sources[0]: kind: 'veeem' is no kind of source; did you mean veeam?"),
        (
            "sources: [{name: a}]",
            "sources[0]: kind: None is no kind of source; known are commvault, filesystem, veeam",
        ),
        ("sources: [{kind: veeam}]", "sources[0].name: is required (and 2 more)"),
        ("sources: []", "sources: the list is empty; leave `sources` out to watch the local filesystems"),
        ("sources: 5", "sources: 5 is not a list"),
        ("sources: [5]", "sources[0]: 5 is not a mapping of keys to values"),
        (
            "sources: [{name: a, kind: filesystem}, {name: b, kind: filesystem}, {name: a, kind: filesystem}]",
            "sources: the name 'a' is given to more than one source",
        ),
        ("web:", "web: is empty; leave the key out to have its default"),
        ("web: {lifecycle: maybe}", "web.lifecycle: 'maybe' is neither true nor false"),
        ("web: {listen: 9877}", "web.listen: 9877 is not a text; put it in quotes"),
        ('web: {listen: "9877"}', "web.listen: '9877' is not an address like :9877 or 127.0.0.1:9877"),
        ('web: {listen: ":99999"}', "web.listen: ':99999' is not an address like :9877 or 127.0.0.1:9877"),
        ("history: {keep: 5}", "history.keep: 5 is not a duration: write it like 30s, 5m, 1h or 1d"),
        (
            "history: {keep: 999999999999w}",
            "history.keep: '999999999999w' is not a duration: it must be shorter than",
        ),
        ("nagios: {thresholds: 5}", "nagios.thresholds: 5 is not a path"),
        (
            "sources: [{name: a, kind: filesystem, scan: [{path: /x, depth: deep}]}]",
            "sources[0].scan[0].depth: 'deep' is not a whole number",
        ),
        (SOURCE.format(ENV + ", verify: 5"), "sources[0].verify: 5 is neither true nor false"),
        (SOURCE.format(ENV + ", verify: /no/such.pem"), "sources[0].verify: '/no/such.pem' is not a file"),
        (SOURCE.format(ENV + ", verify: {sha256: ab:cd}"), "sources[0].verify.sha256: 'ab:cd' is not a SHA-256 finger"),
        (SOURCE.format(ENV + ", verify: {sha1: ab:cd}"), "sources[0].verify.sha1: unknown key; did you mean sha256?"),
        (
            SOURCE.format(ENV + ", intervals: {pools: often}"),
            "sources[0].intervals.pools: 'often' is not a duration: write it like",
        ),
        (
            SOURCE.format("password_file: /no/such/file"),
            "source a: secret file /no/such/file cannot be read: No such file",
        ),
        (
            SOURCE.format("password: {env: NO_SUCH_VARIABLE}"),
            "source a: environment variable NO_SUCH_VARIABLE is not set or empty",
        ),
        (SOURCE.format("password: {}"), "sources[0].password.env: is required"),
        ("1: 2", "config: 1 is no text, which a key must be"),
        ("- a", "must hold keys such as `sources:`, not a list"),
        ("just a text", "must hold keys such as `sources:`, not 'just a text'"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' is given twice"),
        ("sources:\n  - name: a\n    name: b", "line 3, column 5: the key 'name' is given twice"),
        ("? [a]\n: b", "line 1, column 3: found unhashable key"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed here"),
        ("a: [", "line 1, column 5: expected the node content"),
        ("a: '\\", "line 1, column 6: found unexpected end of stream"),
        ("x: 2026-02-30", "a date or number is not valid; quote it where it is meant as text"),
        ("x: !!int many", "a date or number is not valid"),
        ("\x00", "not valid YAML: unacceptable character #x0000"),
        ("[" * 500, "nested too deeply"),
        ("sources: &a [*a]", "line 1, column 10: found unconstructable recursive node"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line_with_what_would_be_right(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VBR_PASSWORD", PASSWORD)
    assert wrong(text).startswith(message)


def test_a_long_value_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(f"web: {{lifecycle: {'x' * 500}}}") == f"web.lifecycle: '{'x' * 56}... is neither true nor false"


def test_a_value_without_a_plain_word_for_it_keeps_the_reason() -> None:
    said = wrong("sources: [{name: '', kind: filesystem}]")
    assert said == "sources[0].name: '' is not right: string should have at least 1 character"


# Secrets


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"password: {PASSWORD}", "sources[0].password: a secret is not written into the config"),
        (f"password: 'line\n\n {PASSWORD}'", "sources[0].password: a secret is not written into the config"),
        (f"password: [{PASSWORD}]", "sources[0].password: must be {env: NAME}; or use password_file"),
        (f"password: {{{PASSWORD}}}", "sources[0].password: must be {env: NAME}; or use password_file"),
        (f"password: {{value: {PASSWORD}}}", "sources[0].password: must be {env: NAME}; or use password_file"),
        (f"password: {{env: [{PASSWORD}]}}", "sources[0].password: must be {env: NAME}; or use password_file"),
        (f"password: {{env: VBR_PASSWORD, also: {PASSWORD}}}", "sources[0].password: must be"),
        (f"password: *{PASSWORD}", "a text that starts with * must be quoted"),
        (f"password: !{PASSWORD} x", "a text that starts with ! must be quoted"),
        (f"password: !{PASSWORD}!x y", "a text that starts with ! must be quoted"),
        (f"pasword: {PASSWORD}", "sources[0].pasword: unknown key; did you mean password?"),
        (f"pwd: {PASSWORD}", "sources[0].pwd: unknown key; "),
        (f"token: {PASSWORD}", "sources[0].token: unknown key; "),
        (f"password_file: [{PASSWORD}]", "sources[0].password_file: a list is not a path"),
        (f"{ENV}, url2: 'https://u:{PASSWORD}@h'", "sources[0].url2: unknown key; "),
        (f"{ENV}, timezone: 'https://u:{PASSWORD}@h'", "sources[0].timezone: "),
        (f"{ENV}, verify: 'https://u:{PASSWORD}@h'", "sources[0].verify: 'https://…@h' is not a file"),
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_and_never_repeated(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VBR_PASSWORD", PASSWORD)
    assert message in wrong(SOURCE.format(text))


def test_credentials_in_the_url_of_a_source_are_refused_and_never_repeated() -> None:
    text = f"sources: [{{name: a, kind: veeam, url: 'https://u:{PASSWORD}@h', username: u, password_file: /x}}]"
    assert wrong(text) == "sources[0].url: a URL must not hold credentials; use username and password_file"


# Whatever is written


def _said(text: str) -> str | None:
    try:
        parse(text, "ebbtide.yml")
    except ConfigError as error:
        return str(error)
    return None


YAMLISH = st.text(
    alphabet=st.sampled_from(
        [*"abc123:-[]{}&*!|>'\"%@`#,?~<=. \n\t\\", "\x00", "\x85", "\u2028", "é", "\U0001f600", "\ufeff"]
    )
)


KEYS = st.sampled_from(
    ["web", "listen", "lifecycle", "history", "url", "keep", "groups", "match", "source", "pool", "sources", "name",
     "kind", "username", "password", "password_file", "verify", "intervals", "pools", "scan", "path", "mounts", "env",
     "nagios", "thresholds", "timeout", "<<"]
)  # fmt: skip


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates() | st.binary(max_size=5)
    | st.sampled_from(["veeam", "commvault", "filesystem", "5m", "https://h.example.com", ":9877", "/", "a\nb"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


def check(text: str) -> None:
    said = _said(text)
    if said is not None:
        assert said.startswith("ebbtide.yml: ")
        assert len(said.splitlines()) == 1
        assert len(said) < 1000


@settings(max_examples=150, deadline=None)
@given(YAMLISH | st.text())
def test_no_text_does_anything_but_parse_or_be_refused_in_one_line(text: str) -> None:
    check(text)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS | st.text(max_size=10), VALUES, max_size=5))
def test_no_yaml_does_anything_but_parse_or_be_refused_in_one_line(content: dict[str, Any]) -> None:
    check(yaml.safe_dump(content, allow_unicode=True))
    check(json.dumps(content, default=str))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["veeam", "commvault", "filesystem"]),
    st.dictionaries(KEYS | st.text(max_size=10), VALUES, max_size=6),
)
def test_no_source_does_anything_but_parse_or_be_refused_in_one_line(kind: str, content: dict[str, Any]) -> None:
    check(yaml.safe_dump({"sources": [{"name": "a", **content, "kind": kind}]}))


@pytest.mark.parametrize(
    "scalar",
    ["0x", "0b", "0_", "1:99", "190:20:30.15", "+.inf", "!!float x", "!!bool x", "!!timestamp x", "!!binary x",
     "!!null x", "!!seq x", "!!map x", "!!set {a}", "!!omap [a]", "!!pairs [[]]", "!!str [a]", "!!python/object:x {}",
     "1" * 5000, "2026-01-01T25:00:00Z", "=", "<<", "!<x> y", "! x", "&a", "*", "%TAG", "\\ud800", '"\\ud800"',
     '"\\U00110000"', "{? {a: b}: c}", "[[[]]]"],
)  # fmt: skip
def test_no_corner_of_yaml_is_a_crash(scalar: str) -> None:
    for text in (f"x: {scalar}", f"{scalar}: x", f"web: {scalar}", f"sources: [{{name: {scalar}, kind: filesystem}}]"):
        check(text)


def test_an_error_survives_being_sent_to_another_process() -> None:
    said = _said("webb: 1")
    assert said is not None
    assert str(pickle.loads(pickle.dumps(ConfigError(said)))) == said
