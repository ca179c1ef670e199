# Deserialises one engine with one TensorRT module and asks its engine inspector for the layers.
# Host code inside the plan is never allowed to run: engine_host_code_allowed stays off.
# Payload: {"module", "path", "offset", "length", "version" (what the module's must agree with, or null)}.
# Needs: why_no_cuda
import importlib
import re

_MOST_MESSAGES = 200
_LONGEST_MESSAGE = 4000
_MOST_PROFILES = 64
# The answer as a whole has a limit; text beyond it would cost everything else that was learnt.
_LONGEST_LAYERS = 12 << 20


def _stage(name):
    # A native crash leaves no answer: what was said on the way tells how far it came.
    os.write(1, ("trtdoctor-stage: %s\n" % name).encode("utf-8"))


def _fits(plan, runtime):
    # Wheels name three or four parts of the version; the parts that both name must agree.
    found = re.match(r"\d+(?:\.\d+)*", runtime or "")
    if not plan or not found:
        return True
    return all(a == b for a, b in zip(plan.split("."), found.group().split(".")))


def _context(engine, index):
    # A context makes the inspector tell formats. It takes device memory, so it may fail.
    try:
        context = engine.create_execution_context()
        if context is not None and index:
            context.set_optimization_profile_async(index, 0)
        return context
    except Exception:
        return None


def _layers(trt, engine, answer):
    inspector = None
    if hasattr(engine, "create_engine_inspector"):
        inspector = engine.create_engine_inspector()
    room = _LONGEST_LAYERS
    profiles = int(getattr(engine, "num_optimization_profiles", 1) or 1)
    for index in range(min(profiles, _MOST_PROFILES)):
        _stage("context")
        context = _context(engine, index)
        if context is None and index:
            return
        answer["with_context"] = answer["with_context"] or context is not None
        if inspector is None:
            return
        _stage("inspect")
        if context is not None:
            inspector.execution_context = context
        text = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
        room -= len(json.dumps(text))
        if room < 0:
            answer["cut"] = "the inspector's text is longer than %d MiB" % (_LONGEST_LAYERS >> 20)
            return
        answer["layers"].append(text)


def main(payload):
    log = []
    answer = {"log": log, "context_log": [], "layers": [], "with_context": False}
    try:
        _stage("import")
        trt = importlib.import_module(payload["module"])
        version = str(getattr(trt, "__version__", "")) or None
        answer["version"] = version
        if not _fits(payload["version"], version):
            answer.update(ending="skipped", skipped="version")
            return answer
        _stage("cuda %s" % (version or ""))
        no_cuda = why_no_cuda()
        if no_cuda:
            answer.update(ending="skipped", skipped="cuda", detail=no_cuda)
            return answer

        class Log(trt.ILogger):
            def __init__(self):
                trt.ILogger.__init__(self)

            def log(self, severity, message):
                if len(log) < _MOST_MESSAGES and int(severity) <= int(trt.ILogger.Severity.WARNING):
                    name = str(severity).rpartition(".")[2]
                    log.append("[%s] %s" % (name, message[:_LONGEST_MESSAGE]))

        logger = Log()
        _stage("plugins %s" % (version or ""))
        if hasattr(trt, "init_libnvinfer_plugins"):
            trt.init_libnvinfer_plugins(logger, "")
        _stage("runtime %s" % (version or ""))
        runtime = trt.Runtime(logger)
        with open(payload["path"], "rb") as stream:
            stream.seek(payload["offset"])
            plan = stream.read(payload["length"])
        _stage("deserialize %s" % (version or ""))
        engine = runtime.deserialize_cuda_engine(plan)
        del plan
        answer.update(ending="returned", loaded=engine is not None)
        if engine is None:
            return answer
        for name in ("device_memory_size_v2", "device_memory_size"):
            if hasattr(engine, name):
                answer["device_memory"] = int(getattr(engine, name))
                break
        loaded = len(log)
        _layers(trt, engine, answer)
        answer["context_log"] = log[loaded:]
        del log[loaded:]
        return answer
    except SystemExit as error:
        answer.update(ending="exit", detail="sys.exit(%r)" % (error.code,))
    except BaseException as error:
        answer.update(ending="exception", detail="%s: %s" % (type(error).__name__, error))
    return answer
