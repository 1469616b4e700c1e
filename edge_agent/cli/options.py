"""Options that several commands have, and the settings that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from edge_agent.config import Settings

Runtime = Literal["auto", "litert", "tflite", "tensorflow"]
# Not typer's own check of rights, which names no remedy.
ConfigOption = Annotated[
    Path | None, typer.Option("--config", readable=False, help="The agent's TOML file; defaults where left out.")
]
RuntimeOption = Annotated[Runtime | None, typer.Option(help="Force one TFLite runtime.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Log everything.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
DetectorOption = Annotated[Literal["auto", "haar", "yunet"], typer.Option(help="How faces are found.")]


def read_settings(config: Path | None, runtime: Runtime | None = None) -> Settings:
    """What the file says, or the defaults where none is named.

    Args:
        config: From :data:`ConfigOption`.
        runtime: From :data:`RuntimeOption`; it goes before the file's.

    Raises:
        ConfigError: The file cannot be read, or says what it may not.
    """
    from msgspec.structs import replace

    from edge_agent.config import Settings
    from edge_agent.config_file import load_settings

    settings = load_settings(config) if config else Settings()
    if runtime is not None:
        settings = replace(settings, classifier=replace(settings.classifier, runtime=runtime))
    return settings
