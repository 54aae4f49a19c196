"""The numbers of rules/thresholds.yaml, from the file or as Prometheus recorded them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from exporter.errors import ConfigError
from exporter.nagios.samples import Samples

_NUMBER = re.compile(r"vector\(([-+]?(?:[0-9.]+(?:[eE][-+]?[0-9]+)?|[iI]nf))\)")
_RECORD = re.compile(r"(?P<level>[a-z_]+):(?P<quantity>[a-z0-9_]+):threshold")

# How the configured ones begin; those that a rule records for every object begin with the object's labels.
_CONFIGURED = ("severity", "alert", "issue")


class Thresholds:
    """found: (record, labels, number)."""

    def __init__(self, found: Iterable[tuple[str, Mapping[str, str], float]]) -> None:
        self._by_quantity: dict[str, list[tuple[dict[str, str], float]]] = {}
        for record, labels, number in found:
            match = _RECORD.fullmatch(record)
            if match and match["level"].split("_")[0] in _CONFIGURED:
                named = {label: value for label, value in labels.items() if label != "__name__"}
                self._by_quantity.setdefault(match["quantity"], []).append((named, number))

    def of(self, quantity: str, labels: Mapping[str, str]) -> float | None:
        """The number of the narrowest threshold whose labels the object has; None where there is none.

        Raises ConfigError where the quantity has none at all: without it nothing would ever be wrong.
        """
        if quantity not in self._by_quantity:
            raise ConfigError(f"there is no threshold of {quantity}; are the rules loaded?")
        fitting = [t for t in self._by_quantity[quantity] if t[0].items() <= labels.items()]
        return max(fitting, key=lambda t: len(t[0]))[1] if fitting else None


def from_file(path: Path) -> Thresholds:
    """Raises ConfigError with file and record where a rule is no threshold."""
    import yaml

    try:
        content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        rules = [rule for group in content["groups"] for rule in group["rules"]]
        return Thresholds((rule["record"], rule.get("labels", {}), _number(path, rule)) for rule in rules)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path}: not valid YAML") from None
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise ConfigError(f"{path}: not a file of thresholds: groups of rules with record, labels and expr") from None


def from_samples(samples: Samples) -> Thresholds:
    """What Prometheus itself compares with."""
    return Thresholds((name, sample.labels, sample.value) for name, sample in samples.named())


def _number(path: Path, rule: Mapping[str, str]) -> float:
    match = _NUMBER.fullmatch(rule["expr"].strip())
    if not match:
        raise ConfigError(f"{path}: {rule['record']}: {rule['expr']!r} is not a number like vector(0.1)")
    return float(match[1])
