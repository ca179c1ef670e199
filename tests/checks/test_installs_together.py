"""The checks of installs, libraries, Python and frameworks together: one cause, one finding."""

from __future__ import annotations

from typing import Any

import pytest

from trtdoctor.checking.discover import Catalogue
from trtdoctor.checking.judge import judge
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.report import Severity
from trtdoctor.testing import snapshot_of

AREAS = ("TRT", "LIB", "PYE", "FRW")
NOTHING = {"status": "absent", "reason": "none"}
PYTHON = {
    "executable": "/e/bin/python",
    "version": "3.12.3",
    "implementation": "cpython",
    "chosen_by": "--python",
    "prefix": "/e",
    "in_virtualenv": True,
    "system_site_packages": False,
}
MACHINE = {
    "system.os": {"system": "Linux", "kernel": "6.8.0", "machine": "x86_64", "glibc": "2.39"},
    "system.jetson": NOTHING,
    "system.library_path": NOTHING,
    "nvidia.nvml": {"init_code": 0, "cuda_driver_version": "13.0"},
    "python.target": PYTHON,
    "python.packages": {"packages": [{"name": "numpy", "version": "2.3.4", "location": "/sp"}]},
    "framework.onnxruntime": NOTHING,
    "framework.torch_tensorrt": NOTHING,
    "tensorrt.installs": NOTHING,
    "tensorrt.imports": NOTHING,
    "tensorrt.libraries": NOTHING,
}


def pip(product: str, version: str, *, cuda: str = "cu13", without: str = "") -> dict[str, Any]:
    names = (product, f"{product}-{cuda}", f"{product}-{cuda}-bindings", f"{product}-{cuda}-libs")
    parts = {name: version for name in names if not without or not name.endswith(without)}
    return {
        "product": product,
        "kind": "pip",
        "version": version,
        "location": "/sp",
        "parts": parts,
    }


def imported(module: str, version: str, folder: str = "/sp") -> dict[str, Any]:
    return {
        "module": module,
        "attempt": {"ending": "returned"},
        "file": f"{folder}/{module}/__init__.py",
        "version": version,
        "library_version": version,
        "has_builder": module in ("tensorrt", "tensorrt_rtx"),
        "precision_flags": [],
        "network_flags": ["STRONGLY_TYPED"],
    }


def findings(catalogue: Catalogue, facts: dict[str, Any]) -> list[str]:
    checks = [check for check in catalogue.checks if check.id[:3] in AREAS]
    outcomes, problems = judge(snapshot_of({**MACHINE, **facts}), checks, Knowledge.load())
    assert not problems
    grave = [o for o in outcomes if o.check.severity is not Severity.INFO]
    return [outcome.check.id for outcome in grave for _ in outcome.findings]


HEALTHY = {
    "pip": {
        "tensorrt.installs": {"installs": [pip("tensorrt", "11.4.0.106")]},
        "tensorrt.imports": {"modules": [imported("tensorrt", "11.4.0.106")]},
    },
    "full, lean and RTX beside each other": {
        "tensorrt.installs": {
            "installs": [
                pip("tensorrt", "11.4.0.106"),
                pip("tensorrt-lean", "10.15.1.29"),
                pip("tensorrt-rtx", "1.7.1.116"),
            ]
        },
        "tensorrt.imports": {
            "modules": [
                imported("tensorrt", "11.4.0.106"),
                imported("tensorrt_lean", "10.15.1.29"),
                imported("tensorrt_rtx", "1.7.1.116"),
            ]
        },
    },
    "an NGC container": {
        "tensorrt.installs": {
            "installs": [
                {**pip("tensorrt", "10.9.0.34"), "parts": {"tensorrt": "10.9.0.34"}},
                {
                    "product": "tensorrt",
                    "kind": "library",
                    "version": "10.9.0",
                    "location": "/usr/lib",
                },
                {"product": "tensorrt", "kind": "trtexec", "version": None, "location": "/trtexec"},
            ]
        },
        "tensorrt.imports": {"modules": [imported("tensorrt", "10.9.0.34")]},
        "system.library_path": {
            "entries": [
                {"path": "/usr/local/nvidia/lib", "kind": "missing"},
                {"path": "/usr/local/nvidia/lib64", "kind": "missing"},
            ]
        },
    },
    "C++ only": {
        "tensorrt.installs": {
            "installs": [
                {
                    "product": "tensorrt",
                    "kind": "library",
                    "version": "10.9.0",
                    "location": "/usr/lib",
                }
            ]
        },
    },
    "a Jetson": {
        "system.jetson": {"model": "NVIDIA Jetson AGX Orin", "l4t": "36.4.3"},
        "python.target": {**PYTHON, "version": "3.10.12", "in_virtualenv": False},
        "tensorrt.installs": {
            "installs": [
                {**pip("tensorrt", "10.3.0"), "location": "/dp", "parts": {"tensorrt": "10.3.0"}},
                {
                    "product": "tensorrt",
                    "kind": "library",
                    "version": "10.3.0.30",
                    "location": "/lib",
                },
            ]
        },
        "tensorrt.imports": {"modules": [imported("tensorrt", "10.3.0", "/dp")]},
    },
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_machine_has_no_finding(name: str, catalogue: Catalogue) -> None:
    assert findings(catalogue, HEALTHY[name]) == []


def test_nothing_installed_is_one_finding(catalogue: Catalogue) -> None:
    assert findings(catalogue, {}) == ["TRT001"]


def test_missing_libraries_are_one_finding(catalogue: Catalogue) -> None:
    facts = {
        "tensorrt.installs": {"installs": [pip("tensorrt", "11.4.0.106", without="libs")]},
        "tensorrt.imports": {
            "modules": [
                {
                    "module": "tensorrt",
                    "attempt": {
                        "ending": "exception",
                        "detail": "ImportError: libnvinfer.so.11: cannot open shared object file",
                    },
                }
            ]
        },
        "tensorrt.libraries": {
            "libraries": [
                {
                    "path": "/sp/tensorrt_bindings/tensorrt.so",
                    "soname": None,
                    "needs": [{"soname": "libnvinfer.so.11", "found": None}],
                }
            ]
        },
    }
    assert findings(catalogue, facts) == ["TRT003"]


def test_an_older_library_on_the_path_is_one_finding(catalogue: Catalogue) -> None:
    old = "/opt/TensorRT-10.3.0/lib"
    installs = [
        pip("tensorrt", "10.9.0.34", cuda="cu12"),
        {"product": "tensorrt", "kind": "library", "version": "10.3.0", "location": old},
    ]
    path = {"entries": [{"path": old, "kind": "folder", "libraries": ["libnvinfer.so.10.3.0"]}]}
    facts: dict[str, Any] = {
        "tensorrt.installs": {"installs": installs},
        "tensorrt.imports": {"modules": [imported("tensorrt", "10.9.0.34")]},
        "system.library_path": path,
    }
    assert findings(catalogue, facts) == ["LIB003"]
    loaded = {**imported("tensorrt", "10.9.0.34"), "library_version": "10.3.0.26"}
    facts["tensorrt.imports"] = {"modules": [loaded]}
    assert findings(catalogue, facts) == ["TRT005"]


def test_a_python_without_bindings_is_one_finding(catalogue: Catalogue) -> None:
    detail = "ModuleNotFoundError: No module named 'tensorrt_bindings.tensorrt'"
    facts = {
        "python.target": {**PYTHON, "version": "3.13.1"},
        "tensorrt.installs": {"installs": [pip("tensorrt", "10.0.1", cuda="cu12")]},
        "tensorrt.imports": {
            "modules": [
                {"module": "tensorrt", "attempt": {"ending": "exception", "detail": detail}},
            ]
        },
    }
    assert findings(catalogue, facts) == ["PYE001"]


def test_pip_on_a_jetson_is_one_finding(catalogue: Catalogue) -> None:
    facts = {
        "system.jetson": {"model": "NVIDIA Jetson Orin Nano", "l4t": "36.4.3"},
        "tensorrt.installs": {
            "installs": [pip("tensorrt", "10.9.0.34", cuda="cu12", without="libs")]
        },
    }
    assert findings(catalogue, facts) == ["PYE003"]
