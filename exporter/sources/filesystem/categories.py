"""Which kind of data a file's name stands for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from exporter.errors import ConfigError

SHIPPED = Path(__file__).with_name("categories.yaml")
OTHER = "other"

# Names like "core.20260101" would otherwise fill the memory of those that are in no list.
_REMEMBERED = 10_000


class Categories(dict[str, str]):
    """The category of an extension with its dot, in any case; "other" for what is in no list.

    The extension of a name is what it has from its last dot on, `name[name.rfind("."):]`, also where that is its first
    character; of a name without a dot that is its last character, which is in no list.
    """

    def __init__(self, table: Mapping[str, Iterable[str]]) -> None:
        self._listed = {f".{extension}".lower(): name for name, extensions in table.items() for extension in extensions}
        super().__init__(self._listed)

    def __missing__(self, extension: str) -> str:
        # Not the lower case of all Unicode: it makes a "k" of the Kelvin sign.
        category = self._listed.get(extension.lower(), OTHER) if extension.isascii() else OTHER
        if len(self) < _REMEMBERED:
            self[extension] = category
        return category

    def of(self, name: str) -> str:
        return self[name[name.rfind(".") :]]

    def listed(self) -> list[tuple[str, str]]:
        """Extension and category of all that is in the lists."""
        return sorted(self._listed.items())

    def __reduce__(self) -> tuple[type[Categories], tuple[dict[str, list[str]]]]:
        by_category = itertools.groupby(sorted(self._listed, key=self._listed.__getitem__), self._listed.__getitem__)
        return Categories, ({name: [e.removeprefix(".") for e in extensions] for name, extensions in by_category},)


def read_categories(path: Path = SHIPPED) -> Categories:
    """The table of a YAML file: lists of extensions by category. Raises ConfigError for anything else."""
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: the table of categories cannot be read: {error}") from error
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: expected lists of extensions by category")
    seen: dict[str, str] = {}
    for name, extensions in table.items():
        if not isinstance(name, str) or not isinstance(extensions, list):
            raise ConfigError(f"{path}: {name!r}: expected a list of extensions")
        for extension in extensions:
            if not isinstance(extension, str) or "." in extension or not extension.isascii():
                raise ConfigError(f"{path}: {name}: {extension!r} is no extension (quote it? leave out dots)")
            if other := seen.setdefault(extension.lower(), name) != name and seen[extension.lower()]:
                raise ConfigError(f"{path}: {extension!r} is in both {other} and {name}")
    return Categories(table)
