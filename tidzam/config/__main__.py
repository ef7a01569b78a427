"""`python -m tidzam.config`: every setting as Markdown, which docs/configuration.md holds."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from tidzam.config.settings import DemoSettings, Section, Settings, SourceSettings

INTRODUCTION = """# Configuration

A profile is a YAML file that names only what it changes: `tidzam start --profile FILE`, or the name of a ready one in
`configs/`. The original JSON (`{"sources": [...]}`) is a profile too. Mistakes are told all at once, each with its
line, what was found, what is allowed and the nearest known name. Relative paths start at the profile's folder.

`start` takes the node's home from `--home`, then `TIDZAM_HOME`, then the profile, then `var/` in a checkout or
`~/.local/share/tidzam`. The other commands read no profile: for a node elsewhere, give them `--home` or `TIDZAM_HOME`.
Nodes on one machine need a home, a JACK server name and ports of their own, as in `configs/second.yaml`.
"""


def document() -> str:
    """The text of docs/configuration.md."""
    sections: list[tuple[str, type[Section]]] = [("", Settings)]
    sections += [(name, type(field.default)) for name, field in Settings.model_fields.items() if _is_section(field)]
    sections += [("sources[]", SourceSettings), ("sources[].demo", DemoSettings)]
    return "\n".join([INTRODUCTION, *("\n".join(_table(name, section)) + "\n" for name, section in sections)])


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
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _meaning(field: FieldInfo) -> str:
    return (field.description or "").replace("|", "\\|")


if __name__ == "__main__":
    print(document(), end="")
