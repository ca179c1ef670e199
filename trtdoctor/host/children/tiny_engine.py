# Builds a tiny network in FP32 and in FP16 with one TensorRT module, and times both engines.
# Payload: {"module": name, "seconds": for both, "sample_ms": of one sample, "samples": of each}.
# Needs: driver_api
import ctypes
import importlib
import json
import os
import time

# A 3x3 convolution of 64 to 64 channels, then a matrix product of its rows.
_BATCH, _CHANNELS, _SIDE, _COLUMNS = 32, 64, 56, 512
_WORKSPACE = 256 << 20


def _weights(trt, dtype, count, alive):
    """So many small weights; the memory is the caller's to keep until the engine is built."""
    if dtype == trt.float16:
        values = (ctypes.c_uint16 * count)(*([0x211F, 0xA11F] * (count // 2)))
    else:
        values = (ctypes.c_float * count)(*([0.01, -0.01] * (count // 2)))
    alive.append(values)
    try:
        return trt.Weights(dtype, ctypes.addressof(values), count)
    except TypeError:
        # Up to 8.6 they are made of numpy's arrays alone.
        import numpy

        kind = numpy.float16 if dtype == trt.float16 else numpy.float32
        alive.append(numpy.frombuffer(values, dtype=kind))
        return trt.Weights(alive[-1])


def typing(trt):
    """``weak`` where the builder has a flag that allows FP16, ``strong`` where only types say so."""
    return "weak" if hasattr(trt.BuilderFlag, "FP16") else "strong"


def network(trt, builder, precision, alive):
    """The network, in the types that the precision needs where the types decide."""
    flags = 0
    known = trt.NetworkDefinitionCreationFlag
    if typing(trt) == "strong":
        if hasattr(known, "STRONGLY_TYPED"):
            flags |= 1 << int(known.STRONGLY_TYPED)
    elif hasattr(known, "EXPLICIT_BATCH"):
        flags |= 1 << int(known.EXPLICIT_BATCH)
    half = precision == "fp16" and typing(trt) == "strong"
    dtype = trt.float16 if half else trt.float32
    made = builder.create_network(flags)
    x = made.add_input("x", dtype, (_BATCH, _CHANNELS, _SIDE, _SIDE))
    kernel = _weights(trt, dtype, _CHANNELS * _CHANNELS * 9, alive)
    conv = made.add_convolution_nd(x, _CHANNELS, (3, 3), kernel, trt.Weights(dtype))
    conv.padding_nd = (1, 1)
    rows = made.add_shuffle(conv.get_output(0))
    rows.reshape_dims = (_BATCH * _CHANNELS, _SIDE * _SIDE)
    inner = _SIDE * _SIDE
    matrix = made.add_constant((inner, _COLUMNS), _weights(trt, dtype, inner * _COLUMNS, alive))
    none = trt.MatrixOperation.NONE
    product = made.add_matrix_multiply(rows.get_output(0), none, matrix.get_output(0), none)
    y = product.get_output(0)
    y.name = "y"
    made.mark_output(y)
    return made


def configuration(trt, builder, precision):
    config = builder.create_builder_config()
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE)
    else:
        config.max_workspace_size = _WORKSPACE
    # Without TF32, which does FP32 networks on tensor cores, the two precisions are what they say.
    if hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)
    if precision == "fp16" and typing(trt) == "weak":
        config.set_flag(trt.BuilderFlag.FP16)
    if hasattr(trt, "ProfilingVerbosity"):
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    # The libraries beside TensorRT take seconds to load, and its own kernels do for this network.
    sources = getattr(trt, "TacticSource", None)
    own = [
        getattr(sources, name)
        for name in ("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS")
        if hasattr(sources, name)
    ]
    if own:
        config.set_tactic_sources(sum(1 << int(source) for source in own))
    return config


def _layers(trt, engine):
    """Each layer's name, with its kernel where the inspector tells it."""
    names = []
    try:
        inspector = engine.create_engine_inspector()
        for number in range(engine.num_layers):
            text = inspector.get_layer_information(number, trt.LayerInformationFormat.JSON)
            told = json.loads(text, strict=False)
            name = told if not isinstance(told, dict) else told.get("Name")
            kernel = told.get("TacticName") if isinstance(told, dict) else None
            names.append("%s: %s" % (name, kernel) if kernel else str(name))
    except Exception:
        pass
    return [name.strip()[:300] for name in names][:20]


def _run(trt, logger, plan, payload, told):
    cuda = Cuda()
    cuda("cuInit", 0)
    device = cuda.number("cuDeviceGet", 0)
    cuda("cuCtxSetCurrent", cuda.handle("cuDevicePrimaryCtxRetain", device))
    runtime = trt.Runtime(logger)
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        raise Refused("the engine that was just built does not load")
    told["layers"] = _layers(trt, engine)
    context = engine.create_execution_context()
    if context is None:
        raise Refused("no execution context for the engine could be made")
    timer = Timer(cuda, payload["sample_ms"], payload["samples"])
    buffers = {}
    try:
        for name, count in (
            ("x", _BATCH * _CHANNELS * _SIDE * _SIDE),
            ("y", _BATCH * _CHANNELS * _COLUMNS),
        ):
            buffers[name] = ctypes.c_uint64()
            cuda("cuMemAlloc_v2", ctypes.byref(buffers[name]), ctypes.c_size_t(count * 4))
            # As FP16 it is 1, as FP32 a small number.
            cuda("cuMemsetD32_v2", buffers[name], ctypes.c_uint(0x3C003C00), ctypes.c_size_t(count))
        if hasattr(context, "execute_async_v3"):
            for name, buffer in buffers.items():
                context.set_tensor_address(name, buffer.value)

            def once():
                return context.execute_async_v3(timer.stream.value)

        else:
            order = sorted(buffers, key=engine.get_binding_index)
            bindings = [buffers[name].value for name in order]

            def once():
                return context.execute_async_v2(bindings, timer.stream.value)

        def start(many):
            for _ in range(many):
                if not once():
                    raise Refused("an inference was refused")

        many, samples = timer.sampled(start)
        told["ms"] = [sample / many for sample in samples]
    finally:
        timer.close()
        for buffer in buffers.values():
            if buffer.value:
                cuda.try_("cuMemFree_v2", buffer)


def _engine(trt, logger, builder, precision, payload):
    told, alive = {"precision": precision, "typing": typing(trt)}, []
    started = time.monotonic()
    try:
        made = network(trt, builder, precision, alive)
        config = configuration(trt, builder, precision)
        plan = builder.build_serialized_network(made, config)
        told["build_s"] = round(time.monotonic() - started, 2)
        if plan is None:
            told["reason"] = "the builder made no engine"
        else:
            _run(trt, logger, plan, payload, told)
    except Refused as error:
        told["reason"] = str(error)
    except Exception as error:
        told["reason"] = "%s: %s" % (type(error).__name__, error)
    return told


def main(payload):
    # Kernels load when they are first used, which starts a builder in a fraction of the time.
    os.environ.setdefault("CUDA_MODULE_LOADING", "LAZY")
    ends_at = time.monotonic() + payload["seconds"]
    log = []
    try:
        trt = importlib.import_module(payload["module"])

        class Log(trt.ILogger):
            def __init__(self):
                trt.ILogger.__init__(self)

            def log(self, severity, message):
                if len(log) < 50 and int(severity) <= int(trt.ILogger.Severity.ERROR):
                    log.append("[%s] %s" % (str(severity).rpartition(".")[2], message))

        logger = Log()
        builder = trt.Builder(logger)
    except SystemExit as error:
        return {"ending": "exit", "detail": "sys.exit(%r)" % (error.code,), "log": log}
    except BaseException as error:
        detail = "%s: %s" % (type(error).__name__, error)
        return {"ending": "exception", "detail": detail, "log": log}
    engines = []
    for precision in ("fp32", "fp16"):
        if time.monotonic() > ends_at:
            engines.append({"precision": precision, "reason": "time"})
        else:
            engines.append(_engine(trt, logger, builder, precision, payload))
    version = getattr(trt, "__version__", None)
    return {"ending": "returned", "version": version, "engines": engines, "log": log}
