"""The PTX of the arithmetic kernels, assembled and taken apart by NVIDIA's own tools where they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.host.live import child_source

PTX: dict[str, Any] = {}
exec(compile(child_source("ptx"), "ptx.py", "exec"), PTX)
KINDS = tuple(PTX["_FORMS"])
CAPABILITIES = (
    (5, 0), (5, 2), (5, 3), (6, 0), (6, 1), (6, 2), (7, 0), (7, 2), (7, 5), (8, 0), (8, 6), (8, 7),
    (8, 9), (9, 0), (10, 0), (10, 3), (11, 0), (12, 0), (12, 1),
)  # fmt: skip
# What the machine's own instruction for a kind begins with.
NATIVE = {
    "fp32": "FFMA",
    "fp16": "HFMA2",
    "bf16": "HFMA2",
    "int8": "IDP.4A",
    "tensor-fp16": "HMMA",
    "tensor-fp16-fp32": "HMMA",
    "tensor-bf16": "HMMA",
    "tensor-tf32": "HMMA",
    "tensor-int8": "IMMA",
    "tensor-fp8": "QMMA",
    "wgmma-fp16": "HGMMA",
    "wgmma-bf16": "HGMMA",
    "wgmma-tf32": "HGMMA",
    "wgmma-int8": "IGMMA",
    "wgmma-fp8": "QGMMA",
}


def tools(name: str) -> list[str]:
    """Every such tool: on PATH, and in the wheels of this interpreter or of a folder that is named."""
    found = [path for path in [shutil.which(name)] if path]
    folders = [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    folders += [Path(entry) for entry in os.environ.get("CUDA_WHEELS", "").split(":") if entry]
    for folder in folders:
        found += [str(path) for path in folder.glob(f"**/bin/{name}") if "nvidia" in path.parts]
    return found


def assembled(ptxas: str, text: str, target: str, folder: Path) -> str | None:
    """What the assembler says against it; None where it does not know the target at all."""
    source = folder / "kernel.ptx"
    source.write_text(text)
    command = [ptxas, f"-arch={target}", "-o", str(folder / "kernel.cubin"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    return None if "is not defined for option" in said else said if done.returncode else ""


@pytest.fixture(scope="module")
def ptxas() -> list[str]:
    return tools("ptxas") or pytest.skip("no ptxas (pip install nvidia-cuda-nvcc-cu12)")


@pytest.mark.slow
@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda cc: f"{cc[0]}.{cc[1]}")
def test_every_kind_is_assembled_and_does_what_is_counted(
    capability: tuple[int, int], ptxas: list[str], tmp_path: Path
) -> None:
    target, tried = "sm_{}{}".format(*capability), 0
    disassemblers = tools("nvdisasm")
    for assembler in ptxas:
        for kind in KINDS:
            form = PTX["form"](kind, capability)
            if form is None:
                continue
            text, per_round = PTX["program"](form)
            own = target + "a" * kind.startswith("wgmma")
            against = assembled(assembler, text, own, tmp_path)
            if against is None:
                continue
            tried += 1
            assert not against, f"{kind} on {target}: {against}"
            loop = instructions_in_loop(disassemblers, tmp_path / "kernel.cubin")
            if loop is not None:
                # Before 7.5 a matrix instruction has steps, each a line.
                native = sum(
                    count
                    for name, count in loop.items()
                    if name.startswith(NATIVE[kind]) and not re.search(r"STEP[123]", name)
                )
                steps = sum(n for name, n in loop.items() if re.search(r"STEP[123]", name))
                assert native == per_round, (kind, loop)
                # A counter, a comparison, a branch and a few beside them. What an assembler puts between
                # instructions of tensor cores costs nothing: they take many clocks each.
                filling = loop["NOP"] + loop["UIADD3"] if "-" in kind else 0
                assert sum(loop.values()) - native - steps - filling <= 8, (kind, loop)
    if not tried:
        pytest.skip(f"no ptxas here knows {target}")


def instructions_in_loop(disassemblers: list[str], cubin: Path) -> Counter[str] | None:
    """The machine's instructions between the loop's label and the branch back to it.

    None where none of the disassemblers knows the machine.
    """
    lines: list[str] = []
    for nvdisasm in disassemblers:
        command = [nvdisasm, "-c", str(cubin)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            lines = done.stdout.splitlines()
            break
    if not lines:
        return None
    labels = {
        label.group(1): number
        for number, line in enumerate(lines)
        if (label := re.match(r"\s*(\.L_\w+):", line))
    }
    longest: Counter[str] = Counter()
    for number, line in enumerate(lines):
        back = re.search(r"\bBRA\b.*`\((\.L_\w+)\)", line)
        start = labels.get(back.group(1), number) if back else number
        names = (
            re.match(r"\s*/\*\w+\*/\s+[{]?\s*(?:@!?U?P\w+\s+)?([A-Z][\w.]*)", inner)
            for inner in lines[start : number + 1]
        )
        loop = Counter(name.group(1) for name in names if name)
        if sum(loop.values()) > sum(longest.values()):
            longest = loop
    assert longest, "no loop in the disassembly"
    return longest


def test_fp8_on_hopper_is_not_its_own_arithmetic(ptxas: list[str], tmp_path: Path) -> None:
    """Why the kind is left out there: the assembler makes FP16 instructions of it."""
    disassemblers = tools("nvdisasm") or pytest.skip("no nvdisasm")
    text, _ = PTX["program"](PTX["form"]("tensor-fp8", (8, 9)))
    for assembler in ptxas:
        if assembled(assembler, text, "sm_90", tmp_path) == "":
            loop = instructions_in_loop(disassemblers, tmp_path / "kernel.cubin")
            assert loop is not None
            assert not any(name.startswith("QMMA") for name in loop), loop
            assert any(name.startswith("HMMA") for name in loop), loop


@pytest.mark.parametrize("kind", KINDS)
def test_the_oldest_target_that_has_an_instruction_is_named(kind: str) -> None:
    for capability, version, instruction, _, _ in PTX["_FORMS"][kind]:
        assert PTX["form"](kind, capability)[2] == instruction
        text, per_round = PTX["program"](PTX["form"](kind, capability))
        own = "a" * kind.startswith("wgmma")
        head = ".version {}\n.target sm_{}{}{}\n.address_size 64\n".format(
            version, *capability, own
        )
        assert text.startswith(head)
        assert text.count(f"\n{instruction} ") == per_round


def test_what_a_compute_capability_does_not_have() -> None:
    lacking = {
        capability: {kind for kind in KINDS if PTX["form"](kind, capability) is None}
        for capability in ((5, 2), (6, 0), (7, 2), (9, 0), (12, 0))
    }
    tensor = {kind for kind in KINDS if kind.startswith("tensor")}
    group = {kind for kind in KINDS if kind.startswith("wgmma")}
    assert lacking == {
        (5, 2): {"fp16", "bf16", "int8"} | tensor | group,
        (6, 0): {"bf16", "int8"} | tensor | group,
        (7, 2): {"bf16"} | group | tensor - {"tensor-fp16", "tensor-fp16-fp32"},
        (9, 0): {"tensor-fp8"},
        (12, 0): group,
    }
