# Makes one Builder, which creates a CUDA context, and asks it about the platform.
# Payload: {"module": name}.
import importlib


def main(payload):
    name = payload["module"]
    log = []
    try:
        trt = importlib.import_module(name)

        class Log(trt.ILogger):
            def __init__(self):
                trt.ILogger.__init__(self)

            def log(self, severity, message):
                if len(log) < 50 and int(severity) <= int(trt.ILogger.Severity.WARNING):
                    log.append("[%s] %s" % (severity, message))

        logger = Log()
        builder = trt.Builder(logger)
    except SystemExit as error:
        return {"ending": "exit", "detail": "sys.exit(%r)" % (error.code,), "log": log}
    except BaseException as error:
        return {
            "ending": "exception",
            "detail": "%s: %s" % (type(error).__name__, error),
            "log": log,
        }
    answer = {"ending": "returned", "log": log}
    for key, attribute in (
        ("fast_fp16", "platform_has_fast_fp16"),
        ("fast_int8", "platform_has_fast_int8"),
        ("tf32", "platform_has_tf32"),
    ):
        value = getattr(builder, attribute, None)
        answer[key] = None if value is None else bool(value)
    try:
        # TensorRT-RTX has a registry, but no plugins of its own to put into it.
        if hasattr(trt, "init_libnvinfer_plugins"):
            trt.init_libnvinfer_plugins(logger, "")
        answer["plugins"] = len(trt.get_plugin_registry().plugin_creator_list)
    except Exception:
        answer["plugins"] = None
    return answer
