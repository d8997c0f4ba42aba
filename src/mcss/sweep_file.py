"""Reads W&B sweep files and expands their commands as an agent of W&B does."""

import itertools
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mcss.errors import InputError

ENVIRONMENT_VARIABLE = re.compile(r"\$\{envvar:([A-Z0-9_]+)\}")


@dataclass(frozen=True)
class Sweep:
    """Content of a W&B sweep file: search method, command of a run, and values of each parameter."""

    path: Path
    method: str
    command: tuple[str, ...]
    parameters: dict[str, tuple[Any, ...]]

    def points(self) -> list[dict[str, Any]]:
        """All combinations of values; the first parameter changes slowest."""
        return [
            dict(zip(self.parameters, values, strict=True)) for values in itertools.product(*self.parameters.values())
        ]


def read_sweep(path: Path) -> Sweep:
    """Read a sweep file.

    Raises:
        InputError: there is no such file, or it is not a sweep with a command and values of parameters.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such sweep file; see experiments/sweeps")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        command = tuple(str(word) for word in content["command"])
        parameters = {name: tuple(_values(spec)) for name, spec in content["parameters"].items()}
        return Sweep(path, content["method"], command, parameters)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a sweep with a command and values of parameters ({error!r})") from None


def _values(spec: Mapping[str, Any]) -> Sequence[Any]:
    return spec["values"] if "values" in spec else [spec["value"]]


def expand(command: Sequence[str], point: Mapping[str, Any]) -> list[str]:
    """Command line of one run, as an agent of W&B expands it.

    Raises:
        InputError: the command asks for an environment variable that is not set, or is not one word.
    """
    macros = {
        "${env}": ["/usr/bin/env"],
        "${interpreter}": [sys.executable],
        "${args}": [f"--{name}={value}" for name, value in point.items()],
    }
    return [part for word in command for part in macros.get(word) or [_with_environment(word)]]


def _with_environment(word: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise InputError(f"the sweep's command needs the environment variable {match[1]}: set it, or use make")
        if len(os.environ[match[1]].split()) != 1:
            raise InputError(f"{match[1]}={os.environ[match[1]]!r}: a sweep takes one file's name; write one for both")
        return os.environ[match[1]]

    return ENVIRONMENT_VARIABLE.sub(value, word)
