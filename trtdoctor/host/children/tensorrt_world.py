# What the TensorRT of this interpreter can be asked for. Nothing is made that needs a GPU.
# Payload: {"modules": names in the order they are tried}.
# Needs: why_no_cuda
import importlib


def _names(owner):
    # Members of pybind11's enumerations; older ones have no __members__ that can be relied on.
    members = getattr(owner, "__members__", None)
    if members:
        return sorted(members)
    return sorted(name for name in dir(owner) if name.isupper())


def main(payload):
    failed = {}
    for name in payload["modules"]:
        try:
            trt = importlib.import_module(name)
        except SystemExit as error:
            failed[name] = "sys.exit(%r)" % (error.code,)
            continue
        except BaseException as error:
            failed[name] = "%s: %s" % (type(error).__name__, error)
            continue
        if not hasattr(trt, "Builder"):
            failed[name] = "it has no Builder, as a runtime without a builder has none"
            continue
        enums = {}
        for enum in (
            "BuilderFlag",
            "TacticSource",
            "HardwareCompatibilityLevel",
            "NetworkDefinitionCreationFlag",
            "ComputeCapability",
            "TensorFormat",
            "DataType",
        ):
            if hasattr(trt, enum):
                enums[enum] = _names(getattr(trt, enum))
        return {
            "module": name,
            "version": str(getattr(trt, "__version__", "")),
            "parser": hasattr(trt, "OnnxParser"),
            "progress": hasattr(trt, "IProgressMonitor"),
            "enums": enums,
            "cuda": why_no_cuda(),
            "failed": failed,
        }
    return {"module": None, "failed": failed}
