"""Read what a function is bound to, and refuse what this host does not imitate."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.functions.protos import RpcFunctionMetadata

EVENT_GRID, QUEUE, TIMER, HTTP = "eventGridTrigger", "queueTrigger", "timerTrigger", "httpTrigger"
TRIGGERS = (EVENT_GRID, QUEUE, TIMER, HTTP)
OUTPUTS = ("queue", "http")

SETTING = re.compile(r"%([^%]+)%")


class NotImitated(NotImplementedError):
    """The app uses something of Azure Functions that this host does not imitate."""


class SettingMissing(LookupError):
    """A binding names an application setting that is not there."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding of a function, as the worker declares it to the host."""

    type: str
    name: str
    is_input: bool
    properties: Mapping[str, Any]

    @property
    def is_trigger(self) -> bool:
        """Say whether this binding starts the function."""
        return self.type.lower().endswith("trigger")

    def text(self, name: str, settings: Mapping[str, str]) -> str:
        """Return a property with the `%SETTING%`s in it filled in."""
        return resolve(str(self.properties[name]), settings)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the app, with exactly one trigger among its bindings."""

    name: str
    id: str
    bindings: tuple[Binding, ...]

    @property
    def trigger(self) -> Binding:
        """Return the binding that starts the function."""
        return next(binding for binding in self.bindings if binding.is_trigger)

    @property
    def outputs(self) -> tuple[Binding, ...]:
        """Return the bindings that take what the function gives out."""
        return tuple(binding for binding in self.bindings if not binding.is_input)


def read_function(metadata: RpcFunctionMetadata) -> Function:
    """Return the function that the worker's metadata describes.

    Raises `NotImitated` where it has a trigger, a binding or a retry policy that this host does not know, at
    the start of the host rather than at the first event.
    """
    bindings = tuple(_read_binding(raw) for raw in metadata.raw_bindings)
    for binding in bindings:
        _require_imitated(metadata.name, binding)
    if metadata.retry_options is not None:
        raise NotImitated(f"the function {metadata.name} has a retry policy, which is not imitated here")
    return Function(metadata.name, metadata.function_id, bindings)


def _read_binding(raw: str) -> Binding:
    properties = json.loads(raw)
    is_input = properties["direction"].upper() == "IN"
    return Binding(properties["type"], properties["name"], is_input, properties)


def _require_imitated(function: str, binding: Binding) -> None:
    known = TRIGGERS if binding.is_input else OUTPUTS
    if binding.type not in known:
        way = "input" if binding.is_input else "output"
        raise NotImitated(
            f"the function {function} has the {way} binding {binding.type} ({binding.name}), which is not "
            f"imitated here; the local host knows {', '.join(known)}"
        )


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """Return `text` with each `%NAME%` replaced by the setting of that name, as the .NET host does.

    Raises `SettingMissing` where there is none.
    """
    return SETTING.sub(lambda match: setting(settings, match[1]), text)


def setting(settings: Mapping[str, str], name: str) -> str:
    """Return the application setting `name`; raise `SettingMissing` where it is not set."""
    if name not in settings:
        raise SettingMissing(f"the setting {name} is not set, but a binding of the app needs it")
    return settings[name]
