"""ENG010: an engine with a plugin that is not registered."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    Knowledge,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    either,
    facts,
    load_of,
    to_run,
    to_write,
)

_NAMED, _UNNAMED = "plugin-not-found", "plugin-creator-missing"


@check(
    id="ENG010",
    name="engine-plugin-missing",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("driver-missing", "driver-library-mismatch", "no-gpu-visible"),
)
def engine_plugin_missing(
    files: facts.EngineFiles, loads: facts.EngineLoads, kb: Knowledge
) -> Iterator[Yielded]:
    """An engine needs a plugin that is not registered.

    ## What it checks
    What TensorRT says of plugins while each engine is loaded with the TensorRT of the target Python and
    NVIDIA's own plugins registered.

    ## Why it matters
    The engine cannot be loaded: `corresponding IPluginCreator not found in Plugin Registry`.

    ## How to fix it
    Load the library that registers the plugin before the engine, in each program that uses it.

    ## Known limits
    trtdoctor loads no plugin libraries, so an engine with plugins of your own always has this finding,
    though a program that loads them first may run it.
    """
    tried = False
    for file in files.files:
        load = load_of(file, loads)
        if load is None or load.loaded is None:
            continue
        tried = True
        log = "\n".join(load.log)
        found = {match.message.id: match for match in kb.log_messages(log)}
        match = found.get(_NAMED) or found.get(_UNNAMED)
        if load.loaded or match is None:
            yield Note(text=f"{file.path}: no plugin was reported missing")
            continue
        name = match.groups.get("plugin") or match.groups.get("name")
        version = match.groups.get("version") or match.groups.get("name_version")
        named = f"the plugin {name}" if name else "a plugin that TensorRT does not name"
        yield Finding(
            message=f"{file.path} needs {named}{f', version {version},' if version else ''} and "
            f"{load.module} {load.version or ''} has no creator for it.".replace("  ", " "),
            subject=file.path,
            confidence=Confidence.CERTAIN,
            evidence=(
                Evidence(
                    source=f"log of {load.module}",
                    value=log[max(0, match.start - 80) : match.end + 80].strip(),
                ),
            ),
            remedy=Remedy(
                text="Load the library that registers it before the engine: the one that the model's "
                "exporter came with or that you built. NVIDIA's own are registered by "
                "init_libnvinfer_plugins.",
                commands=either(
                    to_write(
                        "ctypes.CDLL('libMYPLUGINS.so', mode=ctypes.RTLD_GLOBAL)",
                        "trt.init_libnvinfer_plugins(logger, '')",
                        where="the script that loads",
                    ),
                    to_run(
                        f"trtexec --loadEngine={shlex.quote(file.path)} --staticPlugins=libMYPLUGINS.so"
                    ),
                ),
            ),
        )
    if not tried:
        raise NotApplicable("no engine was loaded")
