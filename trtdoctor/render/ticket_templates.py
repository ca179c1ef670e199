"""What each project's form for a ticket asks for: its headings in order, and what fills each.

The headings are those of the projects' own issue forms, read on the day that ``SEEN`` tells.
"""

from __future__ import annotations

from dataclasses import dataclass

SEEN = "2026-11-26"


@dataclass(frozen=True, kw_only=True)
class Heading:
    """One heading of a form, and the name of what stands below it.

    ``fields`` are the labels of an environment block, each with the name of what fills it.
    """

    text: str
    slot: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Template:
    """One project's form.

    ``title`` is the form of a title with ``{problem}``, ``{tensorrt}``, ``{file}`` and ``{gpu}``;
    ``source`` is the repository and file that the headings were read in.
    """

    source: str
    title: str
    headings: tuple[Heading, ...]


# No form asks for these in so many words, and maintainers ask for them in comments.
_MORE = (
    ("JetPack and L4T", "jetpack"),
    ("Power mode", "power"),
    ("Clocks", "clocks"),
)
_COMMON = (
    ("TensorRT Version", "tensorrt"),
    ("NVIDIA GPU", "gpu"),
    ("NVIDIA Driver Version", "driver"),
    ("CUDA Version", "cuda"),
    ("CUDNN Version", "cudnn"),
    ("Operating System", "os"),
    ("Python Version", "python"),
    ("Tensorflow Version", "tensorflow"),
    ("PyTorch Version", "torch"),
    ("Baremetal or Container (if so, version)", "container"),
    *_MORE,
)
_FILES = Heading(text="Files and how to send them", slot="files")

TEMPLATES = {
    "nvidia-tensorrt": Template(
        source="NVIDIA/TensorRT .github/ISSUE_TEMPLATE/bug_report.md",
        title="{problem} with TensorRT {tensorrt} when running {file} on GPU {gpu}",
        headings=(
            Heading(text="Description", slot="description"),
            Heading(text="Environment", slot="environment", fields=_COMMON),
            Heading(text="Relevant Files", slot="files"),
            Heading(text="Steps To Reproduce", slot="steps"),
            Heading(text="Have you tried the latest release?", slot="latest"),
            Heading(text="Can this model run on other frameworks?", slot="frameworks"),
        ),
    ),
    "onnxruntime": Template(
        source="microsoft/onnxruntime .github/ISSUE_TEMPLATE/05-performance.yml",
        title="[Performance] {problem} (TensorRT {tensorrt}, {file}, {gpu})",
        headings=(
            Heading(text="Describe the issue", slot="description"),
            Heading(text="To reproduce", slot="steps"),
            Heading(text="Urgency", slot="author"),
            Heading(text="Platform", slot="environment", fields=(("Platform", "platform"),)),
            Heading(text="OS Version", slot="environment", fields=(("OS", "os"),)),
            Heading(
                text="ONNX Runtime Installation",
                slot="environment",
                fields=(("Installation", "onnxruntime_install"),),
            ),
            Heading(
                text="ONNX Runtime Version or Commit ID",
                slot="environment",
                fields=(("Version", "onnxruntime"),),
            ),
            Heading(text="ONNX Runtime API", slot="author"),
            Heading(text="Architecture", slot="environment", fields=(("Architecture", "arch"),)),
            Heading(
                text="Execution Provider",
                slot="environment",
                fields=(("Providers", "providers"),),
            ),
            Heading(
                text="Execution Provider Library Version",
                slot="environment",
                fields=(
                    ("TensorRT", "tensorrt"),
                    ("CUDA", "cuda"),
                    ("cuDNN", "cudnn"),
                    ("GPU", "gpu"),
                    ("Driver", "driver"),
                    ("Python", "python"),
                    ("Container", "container"),
                    *_MORE,
                ),
            ),
            Heading(text="Model File", slot="files"),
            Heading(text="Is this a quantized model?", slot="quantized"),
        ),
    ),
    "torch-tensorrt": Template(
        source="pytorch/TensorRT .github/ISSUE_TEMPLATE/bug-report.md",
        title="🐛 [Bug] {problem} (TensorRT {tensorrt}, {gpu})",
        headings=(
            Heading(text="Bug Description", slot="description"),
            Heading(text="To Reproduce", slot="steps"),
            Heading(text="Expected behavior", slot="author"),
            Heading(
                text="Environment",
                slot="environment",
                fields=(
                    ("Torch-TensorRT Version", "torch_tensorrt"),
                    ("PyTorch Version", "torch"),
                    ("TensorRT Version", "tensorrt"),
                    ("CPU Architecture", "arch"),
                    ("OS", "os"),
                    ("How you installed PyTorch", "torch_install"),
                    ("Python version", "python"),
                    ("CUDA version", "cuda"),
                    ("cuDNN version", "cudnn"),
                    ("GPU models and configuration", "gpu"),
                    ("NVIDIA driver", "driver"),
                    ("Container", "container"),
                    *_MORE,
                ),
            ),
            Heading(text="Additional context", slot="files"),
        ),
    ),
    "ultralytics": Template(
        source="ultralytics/ultralytics .github/ISSUE_TEMPLATE/bug-report.yml",
        title="{problem} (TensorRT {tensorrt}, {file}, {gpu})",
        headings=(
            Heading(text="Search before asking", slot="author"),
            Heading(text="Ultralytics YOLO Component", slot="author"),
            Heading(text="Bug", slot="description"),
            Heading(
                text="Environment",
                slot="environment",
                fields=(("Ultralytics", "ultralytics"), *_COMMON),
            ),
            Heading(text="Minimal Reproducible Example", slot="steps"),
            Heading(text="Additional", slot="files"),
        ),
    ),
    "triton": Template(
        source="triton-inference-server/server .github/ISSUE_TEMPLATE/bug_report.md",
        title="{problem} (TensorRT {tensorrt}, {file}, {gpu})",
        headings=(
            Heading(text="Description", slot="description"),
            Heading(
                text="Triton Information",
                slot="environment",
                fields=(("Triton version", "triton"), *_COMMON),
            ),
            Heading(text="To Reproduce", slot="steps"),
            Heading(text="Expected behavior", slot="author"),
            _FILES,
        ),
    ),
    "comfyui": Template(
        source="comfyanonymous/ComfyUI .github/ISSUE_TEMPLATE/bug-report.yml",
        title="{problem} (TensorRT {tensorrt}, {gpu})",
        headings=(
            Heading(text="Expected Behavior", slot="author"),
            Heading(text="Actual Behavior", slot="description"),
            Heading(text="Steps to Reproduce", slot="steps"),
            Heading(text="Debug Logs", slot="log"),
            Heading(
                text="Other", slot="environment", fields=(("ComfyUI nodes", "comfyui"), *_COMMON)
            ),
            _FILES,
        ),
    ),
    "generic": Template(
        source="no project's form",
        title="{problem} (TensorRT {tensorrt}, {file}, {gpu})",
        headings=(
            Heading(text="Description", slot="description"),
            Heading(
                text="Environment",
                slot="environment",
                fields=(
                    *_COMMON,
                    ("Torch-TensorRT Version", "torch_tensorrt"),
                    ("ONNX Runtime Version", "onnxruntime"),
                    ("ONNX Runtime Providers", "providers"),
                    ("Ultralytics Version", "ultralytics"),
                ),
            ),
            Heading(text="Steps to reproduce", slot="steps"),
            _FILES,
            Heading(text="Have you tried the latest release?", slot="latest"),
            Heading(text="Can this model run on other frameworks?", slot="frameworks"),
        ),
    ),
}
