# Builds one engine from one ONNX model, everything logged. All files go into a folder of trtdoctor's own.
# Payload: {"module", "model", "folder", "settings"}; see trtdoctor/builder/request.py for the settings.
import importlib
import re
import time

# How often the progress file is written, in seconds.
_EVERY_S = 0.2
_MOST_ERRORS = 100


class _Refused(Exception):
    # What this TensorRT cannot be asked for, or the model does not fit; told by kind.
    def __init__(self, kind, **about):
        Exception.__init__(self, kind)
        self.about = dict(about, refused=kind)


class _Progress:
    def __init__(self, path):
        self.path, self.last, self.timed = path, 0.0, 0

    def tell(self, phase, step=None, steps=None, force=False):
        now = time.monotonic()
        if not force and now - self.last < _EVERY_S:
            return
        self.last = now
        try:
            with open(self.path + ".new", "w") as stream:
                json.dump({"phase": phase, "step": step, "steps": steps}, stream)
            os.replace(self.path + ".new", self.path)
        except OSError:
            pass

    def heard(self, message):
        # Without a progress monitor, the log tells: each such line begins another layer's timing.
        if message.startswith("***************") or "Autotuning" in message:
            if "Autotuning Reformat" in message or "Autotuning format" in message:
                self.timed += 1
                self.tell("timing tactics", self.timed)


def _logger(trt, path, progress, errors):
    stamp = "%m/%d/%Y-%H:%M:%S"
    letters = {"VERBOSE": "V", "INFO": "I", "WARNING": "W", "ERROR": "E", "INTERNAL_ERROR": "F"}
    # By lines: what a builder that crashes said last is what one wants to read.
    stream = open(path, "w", encoding="utf-8", errors="backslashreplace", buffering=1)

    class Log(trt.ILogger):
        def __init__(self):
            trt.ILogger.__init__(self)

        def log(self, severity, message):
            name = str(severity).rpartition(".")[2]
            letter = letters.get(name, "I")
            try:
                stream.write("[%s] [%s] [TRT] %s\n" % (time.strftime(stamp), letter, message))
                if letter in "EF":
                    stream.flush()
            except OSError as error:
                # Raised into TensorRT it would end the process; the last flush tells it again.
                logger.lost = error
            if letter in "EF":
                if len(errors) < _MOST_ERRORS:
                    errors.append(message[:4000])
            elif letter == "V":
                progress.heard(message)

    logger = Log()
    logger.stream, logger.lost = stream, None
    return logger


def _member(owner, name, what):
    found = getattr(owner, name, None)
    if found is None:
        raise _Refused("unknown", what=what, name=name)
    return found


def _parse(trt, parser, model):
    if parser.parse_from_file(model):
        return
    told = []
    for index in range(min(parser.num_errors, _MOST_ERRORS)):
        error = parser.get_error(index)
        one = {"text": str(error)[:4000]}
        for key, name in (
            ("desc", "desc"),
            ("node", "node"),
            ("name", "node_name"),
            ("operator", "node_operator"),
            ("function", "func"),
        ):
            if hasattr(error, name):
                try:
                    one[key] = getattr(error, name)()
                except Exception:
                    continue
        told.append(one)
    raise _Refused("parse", errors=told)


def _network(trt, builder, settings):
    kinds = getattr(trt, "NetworkDefinitionCreationFlag", None)
    bits = 0
    for name in ("STRONGLY_TYPED",) if settings["strongly_typed"] else ("EXPLICIT_BATCH",):
        flag = getattr(kinds, name, None) if kinds is not None else None
        if flag is not None:
            bits |= 1 << int(flag)
        elif name == "STRONGLY_TYPED" and settings["must_ask"]:
            raise _Refused("unknown", what="a strongly typed network", name=name)
    return builder.create_network(bits)


def _tensors(network):
    for index in range(network.num_inputs):
        yield network.get_input(index), False
    for index in range(network.num_outputs):
        yield network.get_output(index), True


def _io(trt, network, wanted):
    types = {"fp32": "FLOAT", "fp16": "HALF", "bf16": "BF16", "int8": "INT8", "int32": "INT32"}
    left, done = dict(wanted.get("by_name", {})), {}
    for tensor, _ in _tensors(network):
        dtype, layout = left.pop(tensor.name, (None, None))
        if dtype is None and wanted.get("all") and tensor.dtype == trt.DataType.FLOAT:
            dtype = wanted["all"]
        if dtype is not None:
            tensor.dtype = _member(trt.DataType, types[dtype], "the type of %s" % tensor.name)
            done[tensor.name] = dtype
        if layout is not None:
            kind = "LINEAR" if layout == "chw" else layout.upper()
            form = _member(trt.TensorFormat, kind, "the layout of %s" % tensor.name)
            tensor.allowed_formats = 1 << int(form)
            done[tensor.name] = "%s:%s" % (dtype or "", layout)
    if left:
        names = [tensor.name for tensor, _ in _tensors(network)]
        raise _Refused("no tensor", names=sorted(left), there=names)
    return done


def _pins(trt, network, pins):
    # A node's name is its layer's; * stands for any characters, as in trtexec's --layerPrecisions.
    types = {"fp32": "FLOAT", "fp16": "HALF", "bf16": "BF16", "int8": "INT8"}
    done, left = {}, dict(pins)
    patterns = {
        name: re.compile(".*".join(map(re.escape, name.split("*"))) + r"\Z") for name in pins
    }
    # What cannot hold a floating type at all.
    moved = {"SHAPE", "CONSTANT", "ASSERTION"}
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        for name, dtype in pins.items():
            if not patterns[name].match(layer.name):
                continue
            left.pop(name, None)
            kind = str(layer.type).rpartition(".")[2]
            holds = [layer.get_output(i) for i in range(layer.num_outputs)]
            if kind in moved or any(t is None or t.is_shape_tensor for t in holds):
                continue
            if any(t.dtype not in (trt.DataType.FLOAT, trt.DataType.HALF) for t in holds):
                continue
            pinned = _member(trt.DataType, types[dtype], "the type of %s" % name)
            layer.precision = pinned
            for number in range(layer.num_outputs):
                layer.set_output_type(number, pinned)
            done[layer.name] = dtype
    if left:
        names = [network.get_layer(i).name for i in range(network.num_layers)]
        raise _Refused("no node", names=sorted(left), there=names[:2000])
    return done


def _profile(trt, builder, network, config, shapes):
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    names = {tensor.name for tensor in inputs}
    strangers = sorted(set(shapes) - names)
    if strangers:
        raise _Refused("no input", names=strangers, there=sorted(names))
    open_ones = [t for t in inputs if any(extent < 0 for extent in t.shape) or t.is_shape_tensor]
    done = {}
    profile = builder.create_optimization_profile()
    for tensor in inputs:
        declared = [int(extent) for extent in tensor.shape]
        given = shapes.get(tensor.name)
        if tensor not in open_ones:
            if given and any(list(given[key]) != declared for key in ("min", "opt", "max")):
                raise _Refused("fixed", name=tensor.name, declared=declared, given=given["opt"])
            continue
        if given is None:
            raise _Refused("open", name=tensor.name, declared=declared)
        for key in ("min", "opt", "max"):
            fits = len(given[key]) == len(declared) and all(
                d < 0 or d == g for d, g in zip(declared, given[key])
            )
            if not fits and not tensor.is_shape_tensor:
                raise _Refused("shape", name=tensor.name, declared=declared, given=given[key])
        if tensor.is_shape_tensor:
            profile.set_shape_input(tensor.name, *(given[k] for k in ("min", "opt", "max")))
        else:
            profile.set_shape(tensor.name, *(tuple(given[k]) for k in ("min", "opt", "max")))
        done[tensor.name] = {key: list(given[key]) for key in ("min", "opt", "max")}
    if open_ones:
        config.add_optimization_profile(profile)
    return done


def _flags(trt, config, settings, told):
    for name in settings["flags"]:
        config.set_flag(_member(trt.BuilderFlag, name, "the builder flag %s" % name))
        told["flags"].append(name)
    if not settings["tf32"] and hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)
        told["settings"]["tf32"] = False
    constraints = settings["constraints"]
    if constraints != "none":
        name = "%s_PRECISION_CONSTRAINTS" % constraints.upper()
        config.set_flag(_member(trt.BuilderFlag, name, "the builder flag %s" % name))
        told["flags"].append(name)


def _memory(trt, config, settings, told):
    if settings["workspace"] is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings["workspace"])
        told["settings"]["workspace_bytes"] = settings["workspace"]
    if settings["avg_timing"] is not None:
        if not hasattr(config, "avg_timing_iterations"):
            raise _Refused("unknown", what="averaging timings", name="avg_timing_iterations")
        config.avg_timing_iterations = settings["avg_timing"]
        told["settings"]["avg_timing_iterations"] = settings["avg_timing"]
    if settings["optimization_level"] is not None:
        if not hasattr(config, "builder_optimization_level"):
            raise _Refused("unknown", what="an optimisation level", name="--opt-level")
        config.builder_optimization_level = settings["optimization_level"]
        told["settings"]["builder_optimization_level"] = settings["optimization_level"]


def _compatible(trt, config, settings, told):
    level = settings["hardware_compatible"]
    if level is not None:
        levels = getattr(trt, "HardwareCompatibilityLevel", None)
        config.hardware_compatibility_level = _member(levels, level, "hardware compatibility")
        told["settings"]["hardware_compatibility_level"] = level
    if settings["targets"]:
        if not hasattr(config, "set_compute_capability"):
            raise _Refused("no targets")
        config.num_compute_capabilities = len(settings["targets"])
        for index, target in enumerate(settings["targets"]):
            name = "SM%s" % target.replace(".", "")
            one = _member(trt.ComputeCapability, name, "compute capability %s" % target)
            config.set_compute_capability(one, index)
        told["settings"]["compute_capabilities"] = list(settings["targets"])


def _tactics(trt, config, settings, told):
    # As trtexec takes them: +NAME and -NAME change what is on, a bare list replaces it.
    words = settings["tactic_sources"]
    if words is None:
        return
    if not hasattr(config, "set_tactic_sources"):
        raise _Refused("unknown", what="tactic sources", name="set_tactic_sources")
    signed = all(word[:1] in "+-" for word in words)
    mask = int(config.get_tactic_sources()) if signed else 0
    for word in words:
        source = _member(trt.TacticSource, word.lstrip("+-").upper(), "the tactic source")
        bit = 1 << int(source)
        mask = mask & ~bit if word.startswith("-") else mask | bit
    config.set_tactic_sources(mask)
    told["settings"]["tactic_sources"] = [
        name
        for name in sorted(dir(trt.TacticSource))
        if name.isupper() and mask >> int(getattr(trt.TacticSource, name)) & 1
    ]


def _cache(trt, config, settings):
    path = settings["timing_cache"]
    if path is None or not hasattr(config, "create_timing_cache"):
        return None
    held = b""
    if os.path.exists(path):
        with open(path, "rb") as stream:
            held = stream.read()
    cache = config.create_timing_cache(held)
    if cache is None or not config.set_timing_cache(cache, False):
        raise _Refused("cache", path=path)
    return cache


def _monitor(trt, config, progress):
    if not hasattr(trt, "IProgressMonitor") or not hasattr(config, "progress_monitor"):
        return None

    class Monitor(trt.IProgressMonitor):
        def __init__(self):
            trt.IProgressMonitor.__init__(self)
            self.steps = {}

        def phase_start(self, phase_name, parent_phase, num_steps):
            self.steps[phase_name] = num_steps
            progress.tell(phase_name, 0, num_steps)

        def phase_finish(self, phase_name):
            self.steps.pop(phase_name, None)

        def step_complete(self, phase_name, step):
            progress.tell(phase_name, step + 1, self.steps.get(phase_name))
            return True

    monitor = Monitor()
    config.progress_monitor = monitor
    return monitor


def _banner(logger, payload, told, typed):
    # What a reader of the log alone needs to know, in the words that trtexec's banner has for it.
    write = lambda text: logger.stream.write(  # noqa: E731
        "[%s] [I] %s\n" % (time.strftime("%m/%d/%Y-%H:%M:%S"), text)
    )
    write("TensorRT version: %s" % told["version"])
    if not typed:
        lowered = [f for f in ("FP16", "BF16", "INT8", "FP8") if f in told["flags"]]
        write("Precision: %s" % "+".join(["FP32"] + lowered))
    else:
        write("Precision: Strongly Typed")


def main(payload):
    settings, folder = payload["settings"], payload["folder"]
    errors = []
    told = {"flags": [], "settings": {}, "errors": errors}
    progress = _Progress(os.path.join(folder, "progress.json"))
    progress.tell("starting TensorRT", force=True)
    trt = importlib.import_module(payload["module"])
    told["version"] = str(getattr(trt, "__version__", ""))
    logger = _logger(trt, os.path.join(folder, "build.log"), progress, errors)
    started = time.time()
    try:
        if hasattr(trt, "init_libnvinfer_plugins"):
            trt.init_libnvinfer_plugins(logger, "")
        builder = trt.Builder(logger)
        if settings["strongly_typed"] is None:
            raise _Refused("typing")
        network = _network(trt, builder, settings)
        parser = trt.OnnxParser(network, logger)
        progress.tell("parsing the model", force=True)
        _parse(trt, parser, payload["model"])
        config = builder.create_builder_config()
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        _flags(trt, config, settings, told)
        _memory(trt, config, settings, told)
        _compatible(trt, config, settings, told)
        _tactics(trt, config, settings, told)
        told["io"] = _io(trt, network, settings["io"])
        told["pins"] = _pins(trt, network, settings["pins"])
        told["shapes"] = _profile(trt, builder, network, config, settings["shapes"])
        cache = _cache(trt, config, settings)
        monitor = _monitor(trt, config, progress)
        _banner(logger, payload, told, settings["strongly_typed"])
        progress.tell("building", force=True)
        began = time.monotonic()
        plan = builder.build_serialized_network(network, config)
        told["took_s"] = time.monotonic() - began
        del monitor
        if plan is None:
            raise _Refused("build")
        progress.tell("writing the engine", force=True)
        with open(os.path.join(folder, "engine"), "wb") as stream:
            stream.write(memoryview(plan))
            stream.flush()
            os.fsync(stream.fileno())
        if cache is not None:
            with open(os.path.join(folder, "timing.cache"), "wb") as stream:
                stream.write(memoryview(config.get_timing_cache().serialize()))
        told["built"] = True
    except _Refused as error:
        told.update(error.about)
    except MemoryError:
        told.update(refused="memory")
    except OSError as error:
        told.update(refused="os", errno=error.errno, detail=str(error))
    finally:
        told["started"] = started
        try:
            logger.stream.flush()
            if logger.lost is not None:
                raise logger.lost
        except OSError as error:
            told.update(refused="os", errno=error.errno, detail=str(error), built=False)
    return told
