"""Pieces of imagined machines: TensorRT, as pip, as a distribution's packages, and TensorRT-RTX."""

from __future__ import annotations

from typing import Any

from pieces import Piece, elf, mapped, packages, returned

from trtdoctor.host import Answer

_KEPT = ("DEBUG", "REFIT", "TF32", "VERSION_COMPATIBLE")
_PRECISIONS = {
    8: ("FP16", "FP8", "INT8"),
    10: ("BF16", "FP16", "FP4", "FP8", "INT4", "INT8"),
    11: (),
}
_NETWORK = {
    8: ("EXPLICIT_BATCH", "EXPLICIT_PRECISION"),
    10: ("EXPLICIT_BATCH", "PREFER_AOT_PYTHON_PLUGINS", "STRONGLY_TYPED"),
    11: ("PREFER_AOT_PYTHON_PLUGINS", "STRONGLY_TYPED"),
}


def imported(
    module: str, folder: str, version: str, libraries: list[str], **changes: Any
) -> Answer:
    """What the child that imported a TensorRT says where all went well."""
    parts = [int(part) for part in version.split(".") if part.isdigit()]
    major = 11 if module == "tensorrt_rtx" else parts[0]
    runtime_only = module in ("tensorrt_lean", "tensorrt_dispatch")
    whole = [*parts, 0, 0][:4] if major >= 10 else [parts[0] * 1000 + parts[1] * 100 + parts[2]]
    return returned(
        {
            "ending": "returned",
            "file": f"{folder}/{module}/__init__.py",
            "version": version,
            "libraries": mapped(libraries),
            "library_version": whole,
            "has_builder": not runtime_only,
            "builder_flags": None if runtime_only else sorted((*_KEPT, *_PRECISIONS[major])),
            "network_flags": None if runtime_only else list(_NETWORK[major]),
            "has_fast_fp16_query": not runtime_only and major < 11,
            "has_runtime": True,
            **changes,
        }
    )


def import_fails(ending: str, detail: str, output: str = "") -> Answer:
    """An import that ended otherwise: ``signal`` is the child's own end, the rest it tells itself."""
    if ending == "signal":
        return {"output": output, "ending": "signal", "detail": detail}
    return returned({"ending": ending, "detail": detail, "libraries": []})


def _library_names(version: str) -> dict[str, tuple[str, ...]]:
    """The libraries of a full TensorRT without their version, and what each needs of the others."""
    major = version.partition(".")[0]
    main = f"libnvinfer.so.{major}"
    cudnn = ("libcublas.so.12", "libcudnn.so.8") if major == "8" else ()
    plugin = f"libnvinfer_plugin.so.{major}"
    # TensorRT 8 links cuBLAS and cuDNN into its plugins; since 10 they are loaded on demand.
    return {
        main: ("libdl.so.2", "librt.so.1", "libpthread.so.0"),
        plugin: (main, *cudnn),
        f"libnvonnxparser.so.{major}": (main, plugin),
    }


def wheels(
    where: str,
    version: str,
    flavour: str = "cu12",
    *,
    import_answer: Answer | None = None,
    machine: str = "x86_64",
) -> Piece:
    """TensorRT from the package index, with the CUDA runtime beside it where pip brings one."""
    base = f"tensorrt-{flavour}" if flavour else "tensorrt"
    split = f"{base}-" if flavour else "tensorrt-"
    parts = {"tensorrt": version, base: version}
    parts |= {f"{split}bindings": version, f"{split}libs": version}
    runtime = {"cu13": "nvidia-cuda-runtime", "cu11": "nvidia-cuda-runtime-cu11"}.get(
        flavour, "nvidia-cuda-runtime-cu12"
    )
    number = {"cu13": "13.0.96", "cu11": "11.8.89"}.get(flavour, "12.6.77")
    requires = {"tensorrt": [f"tensorrt_{flavour}=={version}"] if flavour else [f"{runtime}"]}
    names = _library_names(version)
    resource = f"libnvinfer_builder_resource.so.{'.'.join(version.split('.')[:3])}"
    libraries = {
        f"{where}/tensorrt_libs/{name}": elf(needs, name, machine) for name, needs in names.items()
    }
    # TensorRT 8's libraries find cuBLAS and cuDNN in the sibling folders of pip's nvidia packages.
    nvidia = {
        f"{where}/nvidia/{folder}/lib/{name}": ""
        for folder, name in (("cublas", "libcublas.so.12"), ("cudnn", "libcudnn.so.8"))
        if version.startswith("8.")
    }
    for answer in libraries.values():
        if nvidia:
            answer["runpath"] += ["$ORIGIN/../nvidia/cublas/lib", "$ORIGIN/../nvidia/cudnn/lib"]
    bindings = {
        f"{where}/tensorrt_bindings/tensorrt.so": {
            **elf([*reversed(names)], None, machine),
            "rpath": ["$ORIGIN"],
            "runpath": [],
        }
    }
    answer = import_answer or imported("tensorrt", where, version, [*libraries])
    return Piece(
        files={f"{where}/tensorrt_libs/{resource}": "", **nvidia},
        libraries={**libraries, **bindings},
        packages=packages(where, {"numpy": "1.26.4", runtime: number, **parts}, requires),
        modules={
            "tensorrt": f"{where}/tensorrt",
            "tensorrt_bindings": f"{where}/tensorrt_bindings",
        },
        children={"import_module:tensorrt": answer},
    )


def lean_wheels(where: str, version: str, flavour: str = "cu12") -> Piece:
    major = version.partition(".")[0]
    library = f"{where}/tensorrt_lean_libs/libnvinfer_lean.so.{major}"
    base = f"tensorrt-lean-{flavour}"
    parts = dict.fromkeys(("tensorrt-lean", base, f"{base}-bindings", f"{base}-libs"), version)
    needs = ("libdl.so.2", "librt.so.1", "libpthread.so.0")
    return Piece(
        libraries={library: elf(needs, f"libnvinfer_lean.so.{major}")},
        packages=packages(where, parts, {"tensorrt-lean": [f"tensorrt_lean_{flavour}=={version}"]}),
        modules={"tensorrt_lean": f"{where}/tensorrt_lean"},
        children={
            "import_module:tensorrt_lean": imported("tensorrt_lean", where, version, [library])
        },
    )


def rtx_wheels(where: str, version: str, flavour: str = "cu13") -> Piece:
    names = ("libtensorrt_rtx.so.1", "libtensorrt_onnxparser_rtx.so.1")
    libraries = {
        f"{where}/tensorrt_rtx_libs/{name}": {
            **elf(("librt.so.1", "libdl.so.2", "libpthread.so.0"), name),
            "rpath": ["$ORIGIN"],
            "runpath": [],
        }
        for name in names
    }
    base = f"tensorrt-rtx-{flavour}"
    parts = dict.fromkeys(("tensorrt-rtx", base, f"{base}-bindings", f"{base}-libs"), version)
    bindings = f"{where}/tensorrt_rtx_bindings/tensorrt_rtx.so"
    answer = imported(
        "tensorrt_rtx",
        where,
        version,
        [*libraries],
        library_version=[int(part) for part in version.split(".")],
        network_flags=["STRONGLY_TYPED"],
    )
    return Piece(
        libraries={**libraries, bindings: {**elf(names), "rpath": ["$ORIGIN"], "runpath": []}},
        packages=packages(where, parts, {}),
        modules={"tensorrt_rtx": f"{where}/tensorrt_rtx"},
        children={"import_module:tensorrt_rtx": answer},
    )


def debian(version: str, package: str, *, machine: str = "x86_64", trtexec: bool = True) -> Piece:
    """TensorRT's libraries as Debian packages; ``package`` is the version that dpkg tells."""
    folder = f"/usr/lib/{machine}-linux-gnu"
    files: dict[str, Any] = {"/usr/bin/dpkg-query": ""}
    libraries, links, cache = {}, {}, {}
    for name, needs in _library_names(version).items():
        stem = name.rpartition(".")[0]
        path = f"{folder}/{stem}.{version}"
        libraries[path] = {**elf(needs, name, machine), "runpath": []}
        links[f"{folder}/{name}"] = path
        cache[name] = f"{folder}/{name}"
    files[f"{folder}/libnvinfer_builder_resource.so.{version}"] = ""
    if trtexec:
        files["/usr/src/tensorrt/bin/trtexec"] = ""
    return Piece(
        files=files,
        libraries=libraries,
        links=links,
        cache=cache,
        commands={"dpkg-query": {"exit_code": 0, "stdout": package, "stderr": ""}},
    )


def system_bindings(
    where: str, version: str, libraries: Piece, *, machine: str = "x86_64"
) -> Piece:
    """Python bindings that belong to a distribution's libraries, as one package."""
    names = [*reversed(_library_names(version))]
    loaded = [libraries.links.get(path, path) for path in libraries.cache.values()]
    return Piece(
        libraries={f"{where}/tensorrt/tensorrt.so": elf(names, None, machine)},
        packages=packages(where, {"tensorrt": version}, {"tensorrt": []}),
        modules={"tensorrt": f"{where}/tensorrt"},
        children={"import_module:tensorrt": imported("tensorrt", where, version, loaded)},
    )
