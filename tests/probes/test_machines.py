"""Facts of imagined machines: an H100 server, a GTX 1080, a Jetson Orin, WSL, containers."""

from __future__ import annotations

from raw_answers import (
    H100,
    SITE,
    SMI,
    UNSUPPORTED,
    facts,
    h100,
    inventory,
    nvml,
    ok,
    returned,
    value,
)

from trtdoctor.model.report import FactStatus
from trtdoctor.testing import FakeMachine


def test_h100_driver_and_gpu() -> None:
    seen = facts(h100())
    assert ok(seen["nvidia.driver"]) == {"version": "580.159.04", "flavour": "open"}
    assert ok(seen["nvidia.pci"]) == {
        "devices": [
            {
                "address": "0000:0a:00.0",
                "device_id": "0x2330",
                "class_code": "0x030200",
                "driver": "nvidia",
            }
        ],
        "nvswitches": 1,
    }
    nodes = [node["path"] for node in ok(seen["nvidia.nodes"])["nodes"]]
    assert nodes == ["/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl"]
    assert ok(seen["nvidia.nvml"])["cuda_driver_version"] == "13.0"
    assert ok(seen["nvidia.nvml"])["library_version"] == "580.159.04"
    assert ok(seen["nvidia.smi"]) == {
        "exit_code": 0,
        "driver_version": "580.159.04",
        "cuda_version": "13.0",
        "message": None,
    }
    (gpu,) = ok(seen["nvidia.gpus"])["devices"]
    wanted = {
        "index": 0,
        "compute_capability": "9.0",
        "pci_bus_id": "00000000:0A:00.0",
        "memory_free_bytes": 84000000000,
        "mig_mode": "disabled",
        "ecc_mode": "enabled",
        "throttle_reasons": ["gpu-idle", "sw-thermal-slowdown", "unknown (0x8000)"],
        "utilisation_percent": 7,
        "power_watts": 71.234,
        "persistence_mode": "enabled",
        "compute_mode": "exclusive-process",
        "compute_processes": 2,
        "fabric": {"state": "in-progress", "status": 0},
        "errors": {},
    }
    assert {key: gpu[key] for key in wanted} == wanted
    assert ok(seen["nvidia.fabric_manager"]) == {"version": "580.159.04", "running": True}


def test_h100_cuda() -> None:
    seen = facts(h100())
    driver = ok(seen["cuda.driver"])
    assert (driver["version"], driver["init_code"], driver["visible_devices"]) == ("13.0", 0, "0")
    assert driver["devices"][0]["compute_capability"] == "9.0"
    runtimes = ok(seen["cuda.runtimes"])
    assert runtimes["compat_folders"] == ["/usr/local/cuda-12.8/compat"]
    assert [(r["kind"], r["version"], r["major"]) for r in runtimes["runtimes"]] == [
        ("pip", "12.8.90", 12),
        ("toolkit", "12.8.1", 12),
    ]


def test_h100_tensorrts() -> None:
    seen = facts(h100(), active=True)
    installs = ok(seen["tensorrt.installs"])["installs"]
    assert [(i["product"], i["kind"], i["version"], i["cuda_major"]) for i in installs] == [
        ("tensorrt", "pip", "10.12.0.36", 12),
        ("tensorrt", "pip", "10.14.1.48", 13),
        ("tensorrt-lean", "pip", "10.13.0.35", 12),
        ("tensorrt", "library", "10.16.1.11", 13),
        ("tensorrt", "trtexec", None, None),
    ]
    assert set(installs[0]["parts"]) == {
        "tensorrt",
        "tensorrt-cu12",
        "tensorrt-cu12-bindings",
        "tensorrt-cu12-libs",
    }
    assert installs[3]["libraries"] == [
        "/usr/lib/x86_64-linux-gnu/libnvinfer.so.10.16.1",
        "/usr/lib/x86_64-linux-gnu/libnvinfer_lean.so.10.16.1",
    ]
    full, lean = ok(seen["tensorrt.imports"])["modules"]
    assert full["library_version"] == "10.13.0"
    assert full["precision_flags"] == ["FP16", "INT8", "BF16"]
    assert lean["attempt"] == {"ending": "signal", "detail": "SIGSEGV", "output": None}
    (trial,) = ok(seen["tensorrt.builders"])["trials"]
    assert (trial["module"], trial["fast_fp16"], trial["plugins"]) == ("tensorrt", True, 61)
    libraries = ok(seen["tensorrt.libraries"])
    assert libraries["libraries"][0]["needs"] == [
        {"soname": "libc.so.6", "found": "/lib/x86_64-linux-gnu/libc.so.6"},
        # The cache has it for 32-bit programs alone, which is no use here.
        {"soname": "libm.so.6", "found": None},
        {"soname": "libnvinfer.so.10", "found": "/usr/lib/x86_64-linux-gnu/libnvinfer.so.10"},
    ]
    assert list(libraries["unreadable"]) == [
        "/usr/lib/x86_64-linux-gnu/libnvinfer_lean.so.10.16.1",
        "/usr/src/tensorrt/bin/trtexec",
    ]


def test_a_library_and_a_driver_that_disagree() -> None:
    error = {
        "init": [18, "Driver/library version mismatch"],
        "library": "/x/libnvidia-ml.so.570.86",
    }
    message = "Failed to initialize NVML: Driver/library version mismatch\n"
    seen = facts(
        h100(
            children={"nvml": returned(error)},
            commands={"nvidia-smi": {"exit_code": 18, "stdout": message}},
        )
    )
    assert ok(seen["nvidia.nvml"])["init_code"] == 18
    assert ok(seen["nvidia.nvml"])["library_version"] == "570.86"
    assert seen["nvidia.gpus"].status is FactStatus.FAILED
    assert ok(seen["nvidia.smi"])["message"] == message.strip()


def test_a_hanging_nvidia_smi() -> None:
    hangs = {"error": "timeout", "detail": "/usr/bin/nvidia-smi did not end within 10 s"}
    assert facts(h100(commands={"nvidia-smi": hangs}))["nvidia.smi"].status is FactStatus.TIMEOUT


def test_gtx_1080_says_not_supported_for_much() -> None:
    device = dict.fromkeys(H100, UNSUPPORTED) | {
        "name": value("NVIDIA GeForce GTX 1080"),
        "compute_capability": value([6, 1]),
        "memory": value({"total": 8589934592, "free": 8000000000, "used": 589934592}),
        "throttle_reasons": value(0),
    }
    seen = facts(h100(children={"nvml": nvml(device, driver="535.183.01", cuda=12020)}))
    (gpu,) = ok(seen["nvidia.gpus"])["devices"]
    assert (gpu["compute_capability"], gpu["throttle_reasons"]) == ("6.1", [])
    assert gpu["ecc_mode"] is gpu["fabric"] is gpu["serial"] is None
    assert gpu["errors"]["nvmlDeviceGetEccMode"] == "Not Supported (3)"
    assert ok(seen["nvidia.nvml"])["cuda_driver_version"] == "12.2"


NOT_FOUND = ".so.1: cannot open shared object file: No such file or directory"
NO_NVML = returned({"loader": f"libnvidia-ml{NOT_FOUND}"})
NO_CUDA = returned({"loader": f"libcuda{NOT_FOUND}"})


def test_jetson_without_nvml_has_a_gpu_nobody_could_list() -> None:
    machine = FakeMachine(
        system={"machine": "aarch64", "release": "5.15.148-tegra"},
        env={"PATH": "/usr/bin"},
        files={
            "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.0, GCID: 1, BOARD: generic\n",
            "/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
            "/dev/nvmap": "",
            "/dev/nvhost-ctrl-gpu": "",
            "/sys/bus/platform/devices/x": "",
        },
        children={
            "nvml": NO_NVML,
            "cuda_driver": returned(
                {
                    "via": "ctypes",
                    "init": 0,
                    "version": 12060,
                    "devices": [{"name": "Orin", "major": 8, "minor": 7, "integrated": 1}],
                }
            ),
            "inventory": inventory({}),
        },
    )
    seen = facts(machine)
    assert ok(seen["system.jetson"])["l4t"] == "36.4.0"
    assert seen["nvidia.nvml"].status is FactStatus.ABSENT
    assert seen["nvidia.gpus"].status is FactStatus.FAILED
    assert seen["nvidia.pci"].status is FactStatus.ABSENT
    assert [n["path"] for n in ok(seen["nvidia.nodes"])["nodes"]] == [
        "/dev/nvhost-ctrl-gpu",
        "/dev/nvmap",
    ]
    (device,) = ok(seen["cuda.driver"])["devices"]
    assert (device["compute_capability"], device["integrated"]) == ("8.7", True)
    assert seen["tensorrt.imports"].status is FactStatus.ABSENT


def test_jetson_whose_nvml_refuses_most() -> None:
    device = dict.fromkeys(H100, UNSUPPORTED) | {"name": value("Orin (nvgpu)")}
    seen = facts(h100(children={"nvml": nvml(device, driver="540.4.0", cuda=12060)}))
    (gpu,) = ok(seen["nvidia.gpus"])["devices"]
    assert gpu["name"] == "Orin (nvgpu)" and gpu["compute_capability"] is None
    assert gpu["errors"]["nvmlDeviceGetMemoryInfo"] == "Not Supported (3)"


def test_wsl() -> None:
    machine = FakeMachine(
        system={"release": "6.6.87.2-microsoft-standard-WSL2"},
        env={"PATH": "/usr/bin"},
        files={
            "/dev/dxg": "",
            "/usr/lib/wsl/lib/libcuda.so.1": "",
            "/usr/lib/wsl/lib/nvidia-smi": "",
            "/usr/lib/x86_64-linux-gnu/libcuda.so.1": "",
        },
        commands={"nvidia-smi": {"exit_code": 0, "stdout": SMI}},
        children={"nvml": NO_NVML, "cuda_driver": NO_CUDA, "inventory": inventory({})},
    )
    seen = facts(machine)
    assert ok(seen["system.wsl"])["shadowing"] == ["/usr/lib/x86_64-linux-gnu/libcuda.so.1"]
    assert [node["path"] for node in ok(seen["nvidia.nodes"])["nodes"]] == ["/dev/dxg"]
    assert ok(seen["nvidia.smi"])["cuda_version"] == "13.0"
    # The library is there, only the loader does not find it: no absence to claim.
    assert seen["cuda.driver"].status is FactStatus.FAILED
    assert "/usr/lib/wsl/lib" in (seen["cuda.driver"].reason or "")


def test_a_container_without_gpu() -> None:
    machine = FakeMachine(
        env={"PATH": "/usr/bin"},
        files={
            "/.dockerenv": "",
            "/dev/null": "",
            "/proc/meminfo": "MemTotal: 1 kB",
            "/sys/bus/pci/devices/0:0/vendor": "0x8086",
        },
        children={"nvml": NO_NVML, "cuda_driver": NO_CUDA, "inventory": inventory({})},
    )
    seen = facts(machine)
    absent = ("driver", "pci", "nodes", "nvml", "smi", "gpus", "fabric_manager")
    assert {seen[f"nvidia.{name}"].status for name in absent} == {FactStatus.ABSENT}
    assert seen["cuda.driver"].status is FactStatus.ABSENT
    assert seen["tensorrt.installs"].status is FactStatus.ABSENT


def test_without_proc_nobody_can_say_that_no_module_is_loaded() -> None:
    seen = facts(FakeMachine(files={"/dev/null": ""}))
    assert seen["nvidia.driver"].status is FactStatus.FAILED
    assert "/proc is not mounted" in (seen["nvidia.driver"].reason or "")


def test_the_fabric_manager_of_a_containers_host_cannot_be_seen() -> None:
    machine = h100(files={"/.dockerenv": ""})
    del machine.files["/usr/bin/nv-fabricmanager"]
    assert facts(machine)["nvidia.fabric_manager"].status is FactStatus.FAILED


def test_a_broken_interpreter_hides_no_system_library() -> None:
    seen = facts(h100(children={"inventory": {"ending": "signal", "detail": "SIGSEGV"}}))
    found = ok(seen["tensorrt.installs"])
    assert [install["kind"] for install in found["installs"]] == ["library", "trtexec"]
    assert "SIGSEGV" in found["unseen"]["the target Python's packages"]
    assert seen["tensorrt.imports"].status is FactStatus.FAILED


def test_onnx_runtime_and_torch_tensorrt() -> None:
    capi = f"{SITE}/onnxruntime/capi"
    said = inventory({"onnxruntime-gpu": "1.22.0", "torch": "2.8.0", "torch-tensorrt": "2.8.0"})
    said["value"]["packages"][2]["requires"] = ["tensorrt (>=10.12,<10.13)"]
    needs = {"tensorrt": "libnvinfer.so.10", "cuda": "libcudart.so.12"}
    paths = {name: f"{capi}/libonnxruntime_providers_{name}.so" for name in (*needs, "shared")}
    seen = facts(
        FakeMachine(
            files=dict.fromkeys(paths.values(), ""),
            libraries={paths[n]: {"needed": ["libc.so.6", soname]} for n, soname in needs.items()},
            children={"inventory": said},
        )
    )
    runtime = ok(seen["framework.onnxruntime"])
    assert runtime["providers"] == [
        "CUDAExecutionProvider",
        "TensorrtExecutionProvider",
        "CPUExecutionProvider",
    ]
    assert (runtime["tensorrt_needs"], runtime["cuda_needs"]) == tuple(needs.values())
    # A library of that name is no proof that the provider is there.
    assert runtime["available"] is None and "exit status 1" in runtime["not_asked"]
    torch = ok(seen["framework.torch_tensorrt"])
    assert torch["torch_version"] == "2.8.0" and torch["requires"] == ["tensorrt (>=10.12,<10.13)"]


def test_what_a_provider_needs_is_followed_as_the_loader_would() -> None:
    provider = f"{SITE}/onnxruntime/capi/libonnxruntime_providers_cuda.so"
    cublas, cudnn = "/opt/cuda/lib/libcublas.so.12", f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9"
    machine = FakeMachine(
        files={provider: "", cublas: "", cudnn: ""},
        env={"LD_LIBRARY_PATH": "/opt/cuda/lib"},
        libraries={
            provider: {"needed": ["libcublas.so.12", "libcudnn.so.9"]},
            cublas: {"needed": ["libcublasLt.so.12"], "runpath": ["$ORIGIN/more"]},
        },
        children={
            "inventory": inventory({"onnxruntime-gpu": "1.23.2"}),
            "onnx_runtime": returned({"providers": ["CPUExecutionProvider"], "version": "1.23.2"}),
        },
    )
    runtime = ok(facts(machine)["framework.onnxruntime"])
    needs = {
        lib["path"]: {n["soname"]: n["found"] for n in lib["needs"]} for lib in runtime["libraries"]
    }
    assert needs == {
        provider: {"libcublas.so.12": cublas, "libcudnn.so.9": None},
        cublas: {"libcublasLt.so.12": None},
    }
    assert runtime["elsewhere"] == {"libcudnn.so.9": cudnn}
    assert runtime["available"] == ["CPUExecutionProvider"]


def test_the_rpath_of_what_loads_a_library_counts_for_what_it_needs() -> None:
    provider = f"{SITE}/onnxruntime/capi/libonnxruntime_providers_cuda.so"
    first, second = "/opt/a/libcublas.so.12", "/opt/a/libcublasLt.so.12"
    machine = FakeMachine(
        files={provider: "", first: "", second: ""},
        libraries={
            provider: {"needed": ["libcublas.so.12"], "rpath": ["/opt/a"]},
            first: {"needed": ["libcublasLt.so.12"]},
            second: {"needed": []},
        },
        children={"inventory": inventory({"onnxruntime-gpu": "1.23.2"})},
    )
    runtime = ok(facts(machine)["framework.onnxruntime"])
    assert [lib["path"] for lib in runtime["libraries"]] == [provider, first, second]
    assert all(n["found"] for lib in runtime["libraries"] for n in lib["needs"])


def test_power_mode_by_number_and_name_by_number_alone_and_not_at_all() -> None:
    modes = "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=2 NAME=MODE_30W >\n"
    files = {"/var/lib/nvpmodel/status": "pmode:0002", "/etc/nvpmodel.conf": modes}
    seen = facts(FakeMachine(env={"PATH": "/usr/bin"}, files=files))
    assert ok(seen["system.power_mode"]) == {"number": 2, "name": "MODE_30W"}
    files = {"/var/lib/nvpmodel/status": "pmode:0007"}
    seen = facts(FakeMachine(env={"PATH": "/usr/bin"}, files=files))
    assert ok(seen["system.power_mode"]) == {"number": 7, "name": None}
    files = {"/var/lib/nvpmodel/status": "rubbish"}
    seen = facts(FakeMachine(env={"PATH": "/usr/bin"}, files=files))
    assert seen["system.power_mode"].status is FactStatus.FAILED
    seen = facts(FakeMachine(env={"PATH": "/usr/bin"}))
    assert seen["system.power_mode"].status is FactStatus.ABSENT


def test_an_image_of_nvidia_names_itself() -> None:
    machine = FakeMachine(env={"PATH": "/usr/bin", "NVIDIA_PYTORCH_VERSION": "25.09"})
    assert ok(facts(machine)["system.image"])["variables"] == {"NVIDIA_PYTORCH_VERSION": "25.09"}
    seen = facts(FakeMachine(env={"PATH": "/usr/bin"}))
    assert seen["system.image"].status is FactStatus.ABSENT
