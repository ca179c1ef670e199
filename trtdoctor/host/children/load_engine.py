# Deserialises one engine with one TensorRT module and asks its engine inspector for the layers.
# Host code inside the plan is never allowed to run: engine_host_code_allowed stays off.
# Payload: {"module", "path", "offset", "length", "version" (of the plan, or null)}.
import importlib


def _fits(plan, runtime):
    # Wheels name three or four parts of the version; the parts that both name must agree.
    if not plan or not runtime:
        return True
    return all(a == b for a, b in list(zip(plan.split("."), runtime.split(".")))[:3])


def _layers(trt, engine, contexts):
    inspector = engine.create_engine_inspector()
    texts = []
    for context in contexts or [None]:
        if context is not None:
            inspector.execution_context = context
        texts.append(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
    return texts


def _contexts(trt, engine, logger):
    # A context makes the inspector tell formats. It takes device memory, so it may fail.
    contexts = []
    for index in range(int(getattr(engine, "num_optimization_profiles", 1) or 1)):
        try:
            context = engine.create_execution_context()
            if context is None:
                return []
            if index:
                context.set_optimization_profile_async(index, 0)
            contexts.append(context)
        except Exception:
            break
    return contexts


def main(payload):
    log = []
    answer = {"log": log, "context_log": [], "layers": [], "with_context": False}
    try:
        trt = importlib.import_module(payload["module"])
        answer["version"] = str(getattr(trt, "__version__", "")) or None
        if not _fits(payload["version"], answer["version"]):
            answer.update(ending="skipped", detail="version")
            return answer

        class Log(trt.ILogger):
            def __init__(self):
                trt.ILogger.__init__(self)

            def log(self, severity, message):
                if len(log) < 200 and int(severity) <= int(trt.ILogger.Severity.WARNING):
                    log.append("[%s] %s" % (str(severity).rpartition(".")[2], message))

        logger = Log()
        if hasattr(trt, "init_libnvinfer_plugins"):
            trt.init_libnvinfer_plugins(logger, "")
        with open(payload["path"], "rb") as stream:
            stream.seek(payload["offset"])
            plan = stream.read(payload["length"])
        engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
        del plan
        if engine is None:
            answer.update(ending="returned", loaded=False)
            return answer
        answer.update(ending="returned", loaded=True)
        for name in ("device_memory_size_v2", "device_memory_size"):
            if hasattr(engine, name):
                answer["device_memory"] = int(getattr(engine, name))
                break
        loaded = len(log)
        contexts = _contexts(trt, engine, logger)
        answer["with_context"] = bool(contexts)
        answer["context_log"] = log[loaded:]
        del log[loaded:]
        if hasattr(engine, "create_engine_inspector"):
            answer["layers"] = _layers(trt, engine, contexts)
        return answer
    except SystemExit as error:
        answer.update(ending="exit", detail="sys.exit(%r)" % (error.code,))
    except BaseException as error:
        answer.update(ending="exception", detail="%s: %s" % (type(error).__name__, error))
    return answer
