"""`python -m tidzam.config`: every setting as Markdown, which docs/configuration.md holds."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from tidzam.config.clips import ClipBudget, ClipRule
from tidzam.config.decision import DecisionOverride
from tidzam.config.location import LocationSettings
from tidzam.config.notification_sink import NotificationRule
from tidzam.config.openid import OpenIdSettings
from tidzam.config.recording import KeepSettings, RecordSettings
from tidzam.config.section import Section
from tidzam.config.settings import Settings
from tidzam.config.shadow import ShadowSettings
from tidzam.config.sinks import OWN_SETTINGS
from tidzam.config.sources import DemoSettings, SourceSettings

INTRODUCTION = """# Configuration

A profile is a YAML file that contains only the settings that it changes. Use it with `tidzam start --profile
FILE`; FILE may also be the name of a profile in `configs/`. The JSON format of Tidzam 2019 (`{"sources":
[...]}`) is accepted, too. All errors in a profile are reported together, each with its line, the value found, what
is allowed and the nearest known name. Relative paths are relative to the folder of the profile.

`start` takes the home of the node from `--home`, `TIDZAM_HOME`, the profile, or the default (`var/` in a checkout, else
`~/.local/share/tidzam`), in this order. The other commands do not read the profile: pass them `--home`, or set
`TIDZAM_HOME`. Nodes on one machine need different homes, JACK server names and ports, as in `configs/second.yaml`.
"""


def document() -> str:
    """The text of docs/configuration.md."""
    sections: list[tuple[str, type[Section]]] = [("", Settings), *_nested("", Settings)]
    sections += [("location", LocationSettings), ("analyzer.shadow", ShadowSettings), ("console.oidc", OpenIdSettings)]
    sections += [("analyzer.decision.overrides[]", DecisionOverride)]
    sections += [("sources[]", SourceSettings), ("sources[].demo", DemoSettings)]
    sections += [("sources[].record", RecordSettings), ("sources[].record.keep", KeepSettings)]
    sections += [(f"analyzer.sinks[]` of type `{name}", model) for name, model in OWN_SETTINGS.items()]
    sections += [("analyzer.sinks[].rules[]` of type `clips", ClipRule)]
    sections += [("analyzer.sinks[].rules[]` of type `notify", NotificationRule)]
    sections += [("analyzer.sinks[].budget` of type `clips", ClipBudget)]
    return "\n".join([INTRODUCTION, *("\n".join(_table(name, section)) + "\n" for name, section in sections)])


def _nested(prefix: str, section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    """The sections inside `section` at any depth, with their full names."""
    for name, field in section.model_fields.items():
        if _is_section(field):
            yield f"{prefix}{name}", type(field.default)
            yield from _nested(f"{prefix}{name}.", type(field.default))


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.default, Section)


def _table(name: str, section: type[Section]) -> Iterator[str]:
    yield f"## {f'`{name}`' if name else 'Top level'}\n"
    yield "| setting | default | meaning |\n| --- | --- | --- |"
    for field_name, field in section.model_fields.items():
        if not _is_section(field) and field_name != "sources":
            default = "" if field.is_required() else f"`{_written(field.default)}`"
            yield f"| `{field.alias or field_name}` | {default} | {_meaning(field)} |"


def _written(value: object) -> str:
    if value in (None, (), {}) or not str(value):
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else f"{value:.9g}" if isinstance(value, float) else str(value)


def _meaning(field: FieldInfo) -> str:
    return (field.description or "").replace("|", "\\|")


if __name__ == "__main__":
    print(document(), end="")
