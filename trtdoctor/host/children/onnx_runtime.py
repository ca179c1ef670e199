# Imports ONNX Runtime and asks which execution providers it was built with; it makes no session.
# Payload: {}.
import importlib


def main(payload):
    runtime = importlib.import_module("onnxruntime")
    return {
        "file": getattr(runtime, "__file__", None),
        "version": str(getattr(runtime, "__version__", "")) or None,
        "providers": [str(name) for name in runtime.get_available_providers()],
    }
