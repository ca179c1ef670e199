# Imports one TensorRT module and tells what came of it. A crash here ends only this child.
# Payload: {"module": name}.
import importlib


def _members(owner, name):
    kind = getattr(owner, name, None)
    members = getattr(kind, "__members__", None)
    return sorted(members) if members is not None else None


def _mapped():
    found = {}
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                path = line.split(None, 5)[-1].strip()
                leaf = os.path.basename(path)
                if ".so" in leaf and leaf.startswith(
                    (
                        "libnvinfer",
                        "libnvonnx",
                        "libnvparsers",
                        "libtensorrt",
                        "libcud",
                        "libcublas",
                        "libnvrtc",
                        "libnvJitLink",
                        "libcuda",
                        "libmyelin",
                    )
                ):
                    found[path] = leaf
    except OSError:
        pass
    return [{"path": path, "name": found[path]} for path in sorted(found)]


def _library_version(libraries):
    # The loaded library is asked by its own exported function; it takes nothing and cannot fail.
    import ctypes

    for library in libraries:
        leaf = library["name"]
        if not leaf.startswith(
            (
                "libnvinfer.so",
                "libnvinfer_lean.so",
                "libnvinfer_dispatch.so",
                "libtensorrt_rtx.so",
                "libtensorrt.so",
            )
        ):
            continue
        try:
            handle = ctypes.CDLL(library["path"])
            major = handle.getInferLibMajorVersion
            return [
                int(part())
                for part in (
                    major,
                    handle.getInferLibMinorVersion,
                    handle.getInferLibPatchVersion,
                    handle.getInferLibBuildVersion,
                )
            ]
        except (OSError, AttributeError):
            try:
                return [int(ctypes.CDLL(library["path"]).getInferLibVersion())]
            except (OSError, AttributeError):
                continue
    return None


def main(payload):
    name = payload["module"]
    try:
        module = importlib.import_module(name)
    except SystemExit as error:
        return {"ending": "exit", "detail": "sys.exit(%r)" % (error.code,)}
    except BaseException as error:
        return {
            "ending": "exception",
            "detail": "%s: %s" % (type(error).__name__, error),
            "libraries": _mapped(),
        }
    libraries = _mapped()
    flags = _members(module, "BuilderFlag")
    return {
        "ending": "returned",
        "file": getattr(module, "__file__", None),
        "version": str(getattr(module, "__version__", "")) or None,
        "libraries": libraries,
        "library_version": _library_version(libraries),
        "has_builder": hasattr(module, "Builder"),
        "builder_flags": flags,
        "network_flags": _members(module, "NetworkDefinitionCreationFlag"),
        "has_fast_fp16_query": hasattr(getattr(module, "Builder", None), "platform_has_fast_fp16"),
        "has_runtime": hasattr(module, "Runtime"),
    }
