# Runs engines on the GPU: how long an inference takes by several clocks, each layer's own time, and
# what comes out for inputs that are given. Nothing of the card's settings is changed.
# Payload: {"module", "engines": [{"path", "offset", "length", "shapes"}], "folder", "seconds",
#           "profile": bool, "inspect": bool, "time": bool, "samples": [[{"name", "file", "shape"}]],
#           "through": null or one of _CUDAS}.
import ctypes
import importlib
import random
import struct
import time

_SAMPLE_S = 0.02
_SAMPLES = 31
# Of fewer samples no interval holds the median 19 times of 20.
_FEWEST = 6
_ROUNDS = 3
_MOST_RUNS = 2000
_SINGLES = 51
_PROFILES = 31
_WARM_UP_S = 0.3
_PATTERN = 4096
_MOST_LOG = 200


class _Failed(Exception):
    pass


# CUDA, by whichever way is at hand. All of them call the same driver -------------------------------


class _Bindings:
    # cuda-bindings, or cuda-python before 12.6.
    through = "cuda-bindings"

    def __init__(self):
        try:
            from cuda.bindings import driver
        except ImportError:
            from cuda import cuda as driver
        self.d = driver
        self._call("cuInit", 0)
        self.device = self._call("cuDeviceGet", 0)
        self._call("cuCtxSetCurrent", self._call("cuDevicePrimaryCtxRetain", self.device))

    def _call(self, name, *arguments):
        told = getattr(self.d, name)(*arguments)
        if int(told[0]):
            raise _Failed("%s: error %d" % (name, int(told[0])))
        return told[1] if len(told) == 2 else told[1:]

    def malloc(self, size):
        return int(self._call("cuMemAlloc", size))

    def free(self, pointer):
        self._call("cuMemFree", pointer)

    def host(self, size):
        return int(self._call("cuMemAllocHost", size))

    def free_host(self, pointer):
        self._call("cuMemFreeHost", pointer)

    def to_device(self, target, source, size, stream):
        self._call("cuMemcpyHtoDAsync", target, source, size, stream)

    def to_host(self, target, source, size, stream):
        self._call("cuMemcpyDtoHAsync", target, source, size, stream)

    def zero(self, pointer, size):
        self._call("cuMemsetD8", pointer, 0, size)

    def stream(self):
        return int(self._call("cuStreamCreate", 1))

    def wait(self, stream):
        self._call("cuStreamSynchronize", stream)

    def event(self):
        return self._call("cuEventCreate", 0)

    def record(self, event, stream):
        self._call("cuEventRecord", event, stream)

    def elapsed(self, first, second):
        return float(self._call("cuEventElapsedTime", first, second))

    def begin_capture(self, stream):
        self._call("cuStreamBeginCapture", stream, self.d.CUstreamCaptureMode(1))

    def end_capture(self, stream):
        return self._call("cuStreamEndCapture", stream)

    def instantiate(self, graph):
        return self._call("cuGraphInstantiate", graph, 0)

    def launch(self, graph, stream):
        self._call("cuGraphLaunch", graph, stream)

    def properties(self):
        name = self._call("cuDeviceGetName", 256, self.device)
        kind = self.d.CUdevice_attribute
        major = self._call("cuDeviceGetAttribute", kind(75), self.device)
        minor = self._call("cuDeviceGetAttribute", kind(76), self.device)
        bus = self._call("cuDeviceGetPCIBusId", 64, self.device)
        told = [part.decode("utf-8", "replace").split("\0")[0] for part in (name, bus)]
        return told[0], "%d.%d" % (major, minor), told[1]


class _PyCuda:
    through = "pycuda"

    def __init__(self):
        import pycuda.driver as driver

        self.d = driver
        driver.init()
        self.device = driver.Device(0)
        self.context = self.device.retain_primary_context()
        self.context.push()
        self.kept = {}
        self.streams = {}

    def malloc(self, size):
        held = self.d.mem_alloc(size)
        self.kept[int(held)] = held
        return int(held)

    def free(self, pointer):
        self.kept.pop(pointer).free()

    def host(self, size):
        import numpy

        held = self.d.pagelocked_empty(size, numpy.uint8)
        pointer = held.ctypes.data
        self.kept[pointer] = held
        return pointer

    def free_host(self, pointer):
        self.kept.pop(pointer)

    def _stream(self, stream):
        return self.streams[stream]

    def to_device(self, target, source, size, stream):
        self.d.memcpy_htod_async(target, self.kept[source][:size], self._stream(stream))

    def to_host(self, target, source, size, stream):
        self.d.memcpy_dtoh_async(self.kept[target][:size], source, self._stream(stream))

    def zero(self, pointer, size):
        self.d.memset_d8(pointer, 0, size)

    def stream(self):
        made = self.d.Stream(1)
        self.streams[made.handle] = made
        return made.handle

    def wait(self, stream):
        self._stream(stream).synchronize()

    def event(self):
        return self.d.Event()

    def record(self, event, stream):
        event.record(self._stream(stream))

    def elapsed(self, first, second):
        return float(first.time_till(second))

    def begin_capture(self, stream):
        self._stream(stream).begin_capture()

    def end_capture(self, stream):
        return self._stream(stream).end_capture()

    def instantiate(self, graph):
        return graph.instance()

    def launch(self, graph, stream):
        graph.launch(self._stream(stream))

    def properties(self):
        return (
            self.device.name(),
            "%d.%d" % self.device.compute_capability(),
            self.device.pci_bus_id(),
        )


class _Ctypes:
    through = "ctypes"

    def __init__(self):
        try:
            self.d = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        except OSError as error:
            raise _Failed("there is no CUDA driver here (%s)" % error)
        self._call("cuInit", 0)
        self.device = ctypes.c_int(0)
        self._call("cuDeviceGet", ctypes.byref(self.device), 0)
        context = ctypes.c_void_p()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self._call("cuCtxSetCurrent", context)

    def _call(self, name, *arguments):
        code = getattr(self.d, name)(*arguments)
        if code:
            raise _Failed("%s: error %d" % (name, code))

    def _made(self, name, *arguments):
        held = ctypes.c_void_p()
        self._call(name, ctypes.byref(held), *arguments)
        return held.value

    def malloc(self, size):
        return self._made("cuMemAlloc_v2", ctypes.c_size_t(size))

    def free(self, pointer):
        self._call("cuMemFree_v2", ctypes.c_void_p(pointer))

    def host(self, size):
        return self._made("cuMemAllocHost_v2", ctypes.c_size_t(size))

    def free_host(self, pointer):
        self._call("cuMemFreeHost", ctypes.c_void_p(pointer))

    def _copy(self, name, target, source, size, stream):
        one, two = ctypes.c_void_p(target), ctypes.c_void_p(source)
        self._call(name, one, two, ctypes.c_size_t(size), ctypes.c_void_p(stream))

    def to_device(self, target, source, size, stream):
        self._copy("cuMemcpyHtoDAsync_v2", target, source, size, stream)

    def to_host(self, target, source, size, stream):
        self._copy("cuMemcpyDtoHAsync_v2", target, source, size, stream)

    def zero(self, pointer, size):
        self._call(
            "cuMemsetD8_v2", ctypes.c_void_p(pointer), ctypes.c_ubyte(0), ctypes.c_size_t(size)
        )

    def stream(self):
        return self._made("cuStreamCreate", ctypes.c_uint(1))

    def wait(self, stream):
        self._call("cuStreamSynchronize", ctypes.c_void_p(stream))

    def event(self):
        return self._made("cuEventCreate", ctypes.c_uint(0))

    def record(self, event, stream):
        self._call("cuEventRecord", ctypes.c_void_p(event), ctypes.c_void_p(stream))

    def elapsed(self, first, second):
        took = ctypes.c_float()
        self._call(
            "cuEventElapsedTime",
            ctypes.byref(took),
            ctypes.c_void_p(first),
            ctypes.c_void_p(second),
        )
        return took.value

    def begin_capture(self, stream):
        self._call("cuStreamBeginCapture_v2", ctypes.c_void_p(stream), ctypes.c_int(1))

    def end_capture(self, stream):
        held = ctypes.c_void_p()
        self._call("cuStreamEndCapture", ctypes.c_void_p(stream), ctypes.byref(held))
        return held.value

    def instantiate(self, graph):
        made = ctypes.c_void_p()
        name = "cuGraphInstantiateWithFlags"
        self._call(name, ctypes.byref(made), ctypes.c_void_p(graph), ctypes.c_ulonglong(0))
        return made.value

    def launch(self, graph, stream):
        self._call("cuGraphLaunch", ctypes.c_void_p(graph), ctypes.c_void_p(stream))

    def properties(self):
        name, bus = ctypes.create_string_buffer(256), ctypes.create_string_buffer(64)
        self._call("cuDeviceGetName", name, 256, self.device)
        self._call("cuDeviceGetPCIBusId", bus, 64, self.device)
        parts = []
        for number in (75, 76):
            value = ctypes.c_int()
            self._call("cuDeviceGetAttribute", ctypes.byref(value), number, self.device)
            parts.append(value.value)
        told = [part.value.decode("utf-8", "replace") for part in (name, bus)]
        return told[0], "%d.%d" % tuple(parts), told[1]


_CUDAS = {"cuda-bindings": _Bindings, "pycuda": _PyCuda, "ctypes": _Ctypes}


def _cuda(through):
    refused = []
    for name in [through] if through else list(_CUDAS):
        try:
            return _CUDAS[name]()
        except Exception as error:
            refused.append("%s: %s" % (name, error))
    raise _Failed("; ".join(refused))


# What else goes on on the card --------------------------------------------------------------------

_REASONS = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}


class _Card:
    def __init__(self, bus):
        self.handle = None
        try:
            self.nvml = ctypes.CDLL("libnvidia-ml.so.1")
            if self.nvml.nvmlInit_v2():
                return
            handle = ctypes.c_void_p()
            name = ctypes.c_char_p(bus.encode())
            if not self.nvml.nvmlDeviceGetHandleByPciBusId_v2(name, ctypes.byref(handle)):
                self.handle = handle
        except (OSError, AttributeError):
            pass

    def _number(self, name, *arguments):
        if self.handle is None:
            return None
        value = ctypes.c_ulonglong(0)
        try:
            if getattr(self.nvml, name)(self.handle, *(arguments + (ctypes.byref(value),))):
                return None
        except AttributeError:
            return None
        return int(value.value)

    def clock(self):
        return self._number("nvmlDeviceGetClockInfo", ctypes.c_int(1))

    def most(self):
        return self._number("nvmlDeviceGetMaxClockInfo", ctypes.c_int(1))

    def throttled(self):
        bits = self._number("nvmlDeviceGetCurrentClocksThrottleReasons") or 0
        return [name for bit, name in _REASONS.items() if bits & bit]

    def others(self):
        if self.handle is None:
            return None
        number = ctypes.c_uint(256)
        # nvmlProcessInfo_t is 24 bytes in the second and third versions, its first field the process.
        room = ctypes.create_string_buffer(24 * 256)
        for name in ("_v3", "_v2"):
            call = getattr(self.nvml, "nvmlDeviceGetComputeRunningProcesses" + name, None)
            if call is None:
                continue
            if call(self.handle, ctypes.byref(number), room):
                return None
            pids = [struct.unpack_from("I", room, 24 * i)[0] for i in range(number.value)]
            # In a container the numbers are the host's, and our own is one of them.
            return max(0, len(pids) - 1)
        return None


# One engine ---------------------------------------------------------------------------------------


def _size_of(trt, dtype):
    halves = {"INT4", "FP4"}
    name = str(dtype).rpartition(".")[2]
    if name in halves:
        return 0.5
    return {"FLOAT": 4, "INT32": 4, "HALF": 2, "BF16": 2, "INT64": 8}.get(name, 1)


def _pattern(name, seed):
    # Small numbers of either sign, the same each time; indices stay 0.
    rng = random.Random(seed)
    values = [rng.uniform(-1.0, 1.0) for _ in range(_PATTERN)]
    if name == "FLOAT":
        return struct.pack("<%df" % _PATTERN, *values)
    if name == "HALF":
        return struct.pack("<%de" % _PATTERN, *values)
    if name == "BF16":
        whole = struct.pack("<%df" % _PATTERN, *values)
        return b"".join(whole[i + 2 : i + 4] for i in range(0, len(whole), 4))
    return b"\0" * _PATTERN


class _Engine:
    def __init__(self, trt, runtime, cuda, asked):
        self.trt, self.cuda, self.asked = trt, cuda, asked
        with open(asked["path"], "rb") as stream:
            stream.seek(asked.get("offset") or 0)
            length = asked.get("length")
            plan = stream.read() if length is None else stream.read(length)
        self.engine = runtime.deserialize_cuda_engine(plan)
        del plan
        if self.engine is None:
            raise _Failed("the engine does not load")
        self.context = self.engine.create_execution_context()
        if self.context is None:
            raise _Failed("no execution context could be made")
        self.names = [self.engine.get_tensor_name(i) for i in range(self.engine.num_io_tensors)]
        mode = trt.TensorIOMode.INPUT
        self.inputs = [n for n in self.names if self.engine.get_tensor_mode(n) == mode]
        self.outputs = [n for n in self.names if n not in self.inputs]
        self.buffers, self.hosts, self.shapes = {}, {}, {}
        self.told = {"samples": {}}

    def kind(self, name):
        return str(self.engine.get_tensor_dtype(name)).rpartition(".")[2]

    def describe(self, name):
        axis = int(self.engine.get_tensor_vectorized_dim(name))
        return {
            "name": name,
            "input": name in self.inputs,
            "dtype": self.kind(name),
            "shape": [int(extent) for extent in self.engine.get_tensor_shape(name)],
            "format": str(self.engine.get_tensor_format(name)).rpartition(".")[2],
            "vectorized": axis,
            "per": int(self.engine.get_tensor_components_per_element(name)) if axis >= 0 else 1,
        }

    def bind(self, shapes):
        for name in self.inputs:
            declared = tuple(self.engine.get_tensor_shape(name))
            wanted = shapes.get(name)
            if wanted is None and any(extent < 0 for extent in declared):
                # Without wishes, what the builder optimised for.
                wanted = self.engine.get_tensor_profile_shape(name, 0)[1]
            if wanted is not None and any(extent < 0 for extent in declared):
                if not self.context.set_input_shape(name, tuple(wanted)):
                    raise _Failed("input %s cannot be %s" % (name, tuple(wanted)))
        for name in self.names:
            size = max(256, self._bytes(name))
            if size > self.buffers.get(name, (0, 0))[1]:
                if name in self.buffers:
                    self.cuda.free(self.buffers[name][0])
                    self.cuda.free_host(self.hosts[name])
                pointer = self.cuda.malloc(size)
                self.buffers[name] = (pointer, size)
                self.hosts[name] = self.cuda.host(size)
                self.cuda.zero(pointer, size)
            self.context.set_tensor_address(name, self.buffers[name][0])

    def _bytes(self, name):
        shape = [int(extent) for extent in self.context.get_tensor_shape(name)]
        self.shapes[name] = shape
        if name in self.outputs and hasattr(self.context, "get_max_output_size"):
            most = int(self.context.get_max_output_size(name))
            if most > 0:
                return most
        if any(extent < 0 for extent in shape):
            raise _Failed("the shape of %s is known only once the engine has run" % name)
        each = _size_of(self.trt, self.engine.get_tensor_dtype(name))
        axis = self.engine.get_tensor_vectorized_dim(name)
        if axis >= 0:
            per = self.engine.get_tensor_components_per_element(name)
            shape[axis] = -(-shape[axis] // per) * per
        for extent in shape:
            each *= extent
        return int(each + 0.5)

    def fill(self):
        for number, name in enumerate(self.inputs):
            size = self.buffers[name][1]
            block = _pattern(self.kind(name), number)
            data = (block * (size // len(block) + 1))[:size]
            self.put(name, data)

    def put(self, name, data):
        size = min(len(data), self.buffers[name][1])
        ctypes.memmove(self.hosts[name], data, size)
        self.cuda.to_device(self.buffers[name][0], self.hosts[name], size, self.stream)
        self.cuda.wait(self.stream)

    def enqueue(self):
        if not self.context.execute_async_v3(self.stream):
            raise _Failed("the engine does not run")

    def run(self, times):
        for _ in range(times):
            self.enqueue()

    def prepare(self):
        self.stream = self.cuda.stream()
        self.bind(self.asked.get("shapes") or {})
        self.fill()
        self.enqueue()
        self.cuda.wait(self.stream)
        began, number = time.perf_counter(), 0
        while time.perf_counter() - began < _WARM_UP_S:
            self.enqueue()
            self.cuda.wait(self.stream)
            number += 1
        each = (time.perf_counter() - began) / max(1, number)
        self.runs = max(1, min(_MOST_RUNS, int(_SAMPLE_S / max(each, 1e-6))))
        self.told.update(warm_up=number + 1, repeats=self.runs)
        self.told["shapes"] = {name: self.shapes[name] for name in self.names}
        self.events = self.cuda.event(), self.cuda.event()
        self.graph = None
        try:
            self.cuda.begin_capture(self.stream)
            try:
                self.enqueue()
            finally:
                graph = self.cuda.end_capture(self.stream)
            self.graph = self.cuda.instantiate(graph)
            self.cuda.launch(self.graph, self.stream)
            self.cuda.wait(self.stream)
        except Exception as error:
            self.graph = None
            self.told["graph_refused"] = str(error) or type(error).__name__

    def add(self, what, ms):
        self.told["samples"].setdefault(what, []).append(round(ms, 6))

    def sample(self):
        cuda, first, second = self.cuda, self.events[0], self.events[1]
        cuda.record(first, self.stream)
        began = time.perf_counter()
        self.run(self.runs)
        cuda.record(second, self.stream)
        cuda.wait(self.stream)
        self.add("wall", (time.perf_counter() - began) * 1000.0 / self.runs)
        self.add("events", cuda.elapsed(first, second) / self.runs)
        if self.graph is not None:
            began = time.perf_counter()
            for _ in range(self.runs):
                cuda.launch(self.graph, self.stream)
            cuda.wait(self.stream)
            self.add("graph", (time.perf_counter() - began) * 1000.0 / self.runs)

    def singles(self, until):
        for _ in range(_SINGLES):
            began = time.perf_counter()
            self.enqueue()
            self.cuda.wait(self.stream)
            self.add("single", (time.perf_counter() - began) * 1000.0)
            if time.monotonic() > until and len(self.told["samples"]["single"]) >= _FEWEST:
                break

    def copies(self, until):
        first, second = self.events
        for what, names, copy in (
            ("h2d", self.inputs, self._in),
            ("d2h", self.outputs, self._out),
        ):
            for _ in range(_SAMPLES):
                self.cuda.record(first, self.stream)
                for name in names:
                    copy(name, self.buffers[name][1])
                self.cuda.record(second, self.stream)
                self.cuda.wait(self.stream)
                self.add(what, self.cuda.elapsed(first, second))
                if time.monotonic() > until and len(self.told["samples"][what]) >= _FEWEST:
                    break

    def _in(self, name, size):
        self.cuda.to_device(self.buffers[name][0], self.hosts[name], size, self.stream)

    def _out(self, name, size):
        self.cuda.to_host(self.hosts[name], self.buffers[name][0], size, self.stream)

    def inspect(self, path):
        inspector = self.engine.create_engine_inspector()
        inspector.execution_context = self.context
        text = inspector.get_engine_information(self.trt.LayerInformationFormat.JSON)
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)

    def profile(self, path, until):
        times = {}
        order = []

        class Times(self.trt.IProfiler):
            def __init__(self):
                trt_base.__init__(self)

            def report_layer_time(self, layer_name, ms):
                if layer_name not in times:
                    order.append(layer_name)
                times.setdefault(layer_name, []).append(ms)

        trt_base = self.trt.IProfiler
        # Not taken off again: the last thing that is done with this context.
        self.profiler = Times()
        self.context.profiler = self.profiler
        for _ in range(_PROFILES):
            self.enqueue()
            self.cuda.wait(self.stream)
            if time.monotonic() > until:
                break
        with open(path, "w") as stream:
            json.dump({name: [round(ms, 6) for ms in times[name]] for name in order}, stream)

    def outputs_of(self, sample, folder, number):
        shapes = {one["name"]: one["shape"] for one in sample}
        self.bind(shapes)
        for one in sample:
            if one["name"] in self.inputs:
                with open(one["file"], "rb") as stream:
                    self.put(one["name"], stream.read())
        self.enqueue()
        self.cuda.wait(self.stream)
        found = []
        for index, name in enumerate(self.outputs):
            size = self.buffers[name][1]
            self._out(name, size)
            self.cuda.wait(self.stream)
            path = os.path.join(folder, "out-%d-%d.bin" % (number, index))
            with open(path, "wb") as stream:
                stream.write(ctypes.string_at(self.hosts[name], size))
            told = self.describe(name)
            told["shape"] = [int(extent) for extent in self.context.get_tensor_shape(name)]
            told["file"] = path
            found.append(told)
        return found


def main(payload):
    log = []
    answer = {"log": log, "engines": []}
    try:
        trt = importlib.import_module(payload["module"])
        answer["version"] = str(getattr(trt, "__version__", ""))

        class Log(trt.ILogger):
            def __init__(self):
                trt.ILogger.__init__(self)

            def log(self, severity, message):
                if len(log) < _MOST_LOG and int(severity) <= int(trt.ILogger.Severity.WARNING):
                    log.append("[%s] %s" % (str(severity).rpartition(".")[2], message[:2000]))

        logger = Log()
        cuda = _cuda(payload.get("through"))
        answer["through"] = cuda.through
        name, capability, bus = cuda.properties()
        answer.update(gpu=name, compute_capability=capability)
        card = _Card(bus)
        if hasattr(trt, "init_libnvinfer_plugins"):
            trt.init_libnvinfer_plugins(logger, "")
        runtime = trt.Runtime(logger)
        engines = []
        for asked in payload["engines"]:
            one = _Engine(trt, runtime, cuda, asked)
            engines.append(one)
            if payload.get("describe"):
                one.told["tensors"] = [one.describe(tensor) for tensor in one.names]
            else:
                one.prepare()
        if payload.get("describe"):
            answer["engines"] = [one.told for one in engines]
            return answer
        ends = time.monotonic() + payload["seconds"]
        answer["clock_before"] = None
        throttled = set()
        if payload["time"]:
            # In turn, so that what drifts drifts for all of them alike.
            clocks = []
            for _ in range(_SAMPLES):
                for one in engines:
                    one.sample()
                clocks.append(card.clock())
                throttled.update(card.throttled())
                if time.monotonic() > ends and len(clocks) >= _FEWEST:
                    break
            told = [clock for clock in clocks if clock]
            answer["clocks"] = [min(told), max(told)] if told else None
            answer["most"] = card.most()
            answer["others"] = card.others()
            for one in engines:
                one.singles(ends + 1.0)
                one.copies(ends + 2.0)
        answer["throttled"] = sorted(throttled)
        for number, one in enumerate(engines):
            folder = payload["folder"]
            if payload["samples"]:
                one.told["outputs"] = [
                    one.outputs_of(sample, folder, number * 1000 + at)
                    for at, sample in enumerate(payload["samples"])
                ]
                one.bind(one.asked.get("shapes") or {})
            if payload["inspect"]:
                one.inspect(os.path.join(folder, "layers-%d.json" % number))
            if payload["profile"]:
                one.profile(os.path.join(folder, "profile-%d.json" % number), ends + 5.0)
            answer["engines"].append(one.told)
    except (_Failed, OSError, MemoryError) as error:
        answer["failed"] = str(error) or type(error).__name__
    return answer
