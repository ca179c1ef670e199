"""A machine on which children find the imagined TensorRT 8.6."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildworld import request

from trtdoctor.builder.make import Failure, make_engine
from trtdoctor.builder.settings import settings_of
from trtdoctor.builder.workshop import Workshop
from trtdoctor.builder.world import World, find_world
from trtdoctor.host import Host
from trtdoctor.model.watch import UNHURRIED, Watch


@dataclass
class Imagined:
    """The folder of the module, and this machine with it on the children's path."""

    folder: Path
    host: Host

    def script(self, **script: Any) -> None:
        (self.folder / "script.json").write_text(json.dumps(script))

    def world(self, runtime: str | None = "tensorrt") -> World:
        return find_world(self.host, sys.executable, runtime)

    def build(
        self,
        shop: Workshop,
        *,
        timeout: float = 60.0,
        watch: Watch = UNHURRIED,
        quantised: bool = False,
        **wanted: Any,
    ) -> dict[str, Any] | Failure:
        world = self.world()
        settings = settings_of(request(**wanted), world, strong=False, quantised=quantised)
        return make_engine(
            self.host,
            world,
            Path("m.onnx"),
            settings,
            shop,
            timeout=timeout,
            watch=watch,
        )

    @property
    def asked(self) -> Any:
        return json.loads((self.folder / "asked.json").read_text())
