"""What is wrong with a configuration, in one line: the key, the value unless secret, and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from exporter.errors import ConfigError

_SECRET_KEY = re.compile(r"pass|token|secret|credential", re.IGNORECASE)
_URL_WITH_CREDENTIALS = re.compile(r"//.*@", re.DOTALL)


def wrong(name: str, problem: str) -> ConfigError:
    """One line, and no credentials of a URL, whatever the keys and values hold."""
    return ConfigError(f"{name}: {_URL_WITH_CREDENTIALS.sub('//…@', ' '.join(problem.split()))}")


def yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark, problem = error.problem_mark, str(error.problem)
        # An unquoted password may start with one of these, and must not be repeated.
        for character, sign in (("*", "undefined alias"), ("!", "for the tag"), ("!", "tag handle")):
            if sign in problem:
                problem = f"a text that starts with {character} must be quoted"
        return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
    return f"not valid YAML: {error}"


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The most telling of what is wrong: where in a file of that model, what, and what would be right."""
    problems = error.errors(include_url=False)
    # A misspelt key is also a missing one, and a `verify` that is no file is also neither true nor false.
    telling = ("extra_forbidden", "path_not_file", "value_error")
    first = next((p for kind in telling for p in problems if p["type"] == kind), problems[0])
    path, known = _place(first, model)
    # A union complains once for each of its types.
    others = {_written(_place(problem, model)[0]) for problem in problems} - {_written(path)}
    more = f" (and {len(others)} more)" if others else ""
    return f"{_written(path) or 'config'}: {_what_is_wrong(first, path, known)}{more}"


def _place(problem: Any, model: type[BaseModel]) -> tuple[list[str | int], set[str]]:
    """Where a problem is, as keys and indexes that the file has, and the keys that are known there.

    pydantic's location also holds the tag of a source and the type tried in a union. A path ends at a key
    that holds a secret, because below it may stand the secret.
    """
    path: list[str | int] = []
    models: list[type[BaseModel]] = [model]
    in_mapping = False
    for part in problem["loc"]:
        if isinstance(part, int):
            path += [part] if problem["type"] != "invalid_key" else []
            continue
        if in_mapping:
            path.append(part)
            in_mapping = False
            continue
        tagged = [m for m in models if part in get_args(getattr(m.model_fields.get("kind"), "annotation", None))]
        known = [m for m in models if part in m.model_fields]
        if tagged or not known:
            models = tagged or models
            continue
        path.append(part)
        if _is_secret(part) and problem["type"] != "missing":
            return path, set()
        in_mapping = any(get_origin(m.model_fields[part].annotation) is dict for m in known)
        models = [inner for m in known for inner in _models_in(m.model_fields[part].annotation)]
    if problem["type"] == "extra_forbidden":
        path.append(problem["loc"][-1])
    return path, {name for model in models for name in model.model_fields}


def _written(path: Sequence[str | int]) -> str:
    """sources[0].url"""
    parts = (f"[{p}]" if isinstance(p, int) else f".{p if p.isprintable() else repr(p)[1:-1]}" for p in path)
    return "".join(parts).lstrip(".")


def _what_is_wrong(problem: Any, path: Sequence[str | int], known: set[str]) -> str:
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden" and known:
        # Its value is not repeated: who knows what `pasword: ...` holds.
        return f"unknown key; {_meant(str(path[-1]), known)}"
    if kind == "missing":
        return "is required"
    if kind.startswith("union_tag"):
        given = value.get("kind") if isinstance(value, dict) else value
        kinds = {"commvault", "veeam", "filesystem"}
        return f"kind: {shown(given)} is no kind of source; {_meant(str(given), kinds)}"
    message = problem["msg"].removeprefix("Value error, ")
    if kind in ("value_error", "assertion_error"):
        return str(message)
    if path and _is_secret(path[-1]):
        return f"must be {{env: NAME}}; or use {path[-1]}_file"
    if value is None:
        return "is empty; leave the key out to have its default"
    plain = _PLAIN.get(kind, f"is not right: {message[0].lower()}{message[1:]}")
    return f"{shown(value)} {plain}"


# pydantic's words are Python's; these are YAML's.
_PLAIN = {
    "invalid_key": "is no text, which a key must be",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "path_not_file": "is not a file",
    "path_type": "is not a path",
    "string_type": "is not a text; put it in quotes",
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "tuple_type": "is not a list",
    "model_type": "is not a mapping of keys to values",
    "model_attributes_type": "is not a mapping of keys to values",
}


def _meant(given: str, known: set[str]) -> str:
    near = difflib.get_close_matches(given[:60], sorted(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"


def _is_secret(key: str | int) -> bool:
    return isinstance(key, str) and bool(_SECRET_KEY.search(key)) and not key.endswith("_file")


def shown(value: object) -> str:
    """A value as it may be repeated in a message: short, and without the credentials of a URL."""
    if isinstance(value, dict | list):
        return f"a {'mapping' if isinstance(value, dict) else 'list'}"
    text = _URL_WITH_CREDENTIALS.sub("//…@", repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
