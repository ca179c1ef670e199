# CUDA's driver API and NVML through ctypes. A part of other scripts.
import ctypes
import time


class Refused(Exception):
    pass


class Cuda:
    """The driver API; what it refuses is raised with the function's and the error's name."""

    def __init__(self):
        self._library = ctypes.CDLL("libcuda.so.1")

    def __call__(self, name, *arguments):
        function = getattr(self._library, name, None)
        if function is None:
            raise Refused("this driver has no %s" % name)
        code = function(*arguments)
        if code != 0:
            raise Refused("%s: %s (%d)" % (name, self._says(code), code))

    def _says(self, code):
        text = ctypes.c_char_p()
        try:
            if self._library.cuGetErrorName(code, ctypes.byref(text)) == 0:
                return text.value.decode("ascii", "replace")
        except AttributeError:
            pass
        return "CUDA error"

    def try_(self, name, *arguments):
        """For giving things back: after an error of the GPU that is refused too, and told already."""
        try:
            self(name, *arguments)
        except Refused:
            pass

    def number(self, name, *arguments):
        value = ctypes.c_int()
        self(name, ctypes.byref(value), *arguments)
        return value.value

    def attribute(self, number, device):
        try:
            return self.number("cuDeviceGetAttribute", number, device)
        except Refused:
            return None

    def handle(self, name, *arguments):
        value = ctypes.c_void_p()
        self(name, ctypes.byref(value), *arguments)
        return value

    def load(self, text):
        """A module of PTX; the assembler's own words where it refuses it."""
        log = ctypes.create_string_buffer(4096)
        names = (ctypes.c_int * 2)(5, 6)  # CU_JIT_ERROR_LOG_BUFFER and its size
        values = (ctypes.c_void_p * 2)(ctypes.addressof(log), len(log))
        try:
            return self.handle(
                "cuModuleLoadDataEx", ctypes.c_char_p(text.encode()), 2, names, values
            )
        except Refused as error:
            said = " ".join(log.value.decode("utf-8", "replace").split())
            raise Refused("%s %s" % (error, said) if said else str(error))


class Nvml:
    """What NVML says of one GPU while it works; null for what it does not say."""

    def __init__(self, pci):
        self._library = self._handle = None
        try:
            library = ctypes.CDLL("libnvidia-ml.so.1")
            handle = ctypes.c_void_p()
            if (
                library.nvmlInit_v2() == 0
                and library.nvmlDeviceGetHandleByPciBusId_v2(pci.encode(), ctypes.byref(handle))
                == 0
            ):
                self._library, self._handle = library, handle
        except (OSError, AttributeError):
            pass

    def _ask(self, name, value, *arguments, **also):
        function = getattr(self._library, name, None)
        if function is None:
            return None
        code = function(self._handle, *(arguments + (ctypes.byref(value),) + also.get("then", ())))
        return value.value if code in also.get("fine", (0,)) else None

    def state(self):
        """SM clock in MHz, and the bits for which the clocks are held down."""
        reasons = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons", ctypes.c_ulonglong())
        return {"sm_mhz": self._ask("nvmlDeviceGetClockInfo", ctypes.c_uint(), 1), "bits": reasons}

    def link(self):
        """The PCIe link's generation and width."""
        return [
            self._ask("nvmlDeviceGetCurrPcieLinkGeneration", ctypes.c_uint()),
            self._ask("nvmlDeviceGetCurrPcieLinkWidth", ctypes.c_uint()),
        ]

    def processes(self):
        """How many processes compute on it: without room for them the call tells their number."""
        for version in ("_v3", "_v2", ""):
            name = "nvmlDeviceGetComputeRunningProcesses" + version
            if getattr(self._library, name, None) is not None:
                return self._ask(name, ctypes.c_uint(), then=(None,), fine=(0, 7))
        return None


class Timer:
    """A stream, and two events that time what is put into it; used in the context of its making."""

    def __init__(self, cuda, sample_ms, samples):
        self.cuda, self._sample_ms, self._samples = cuda, sample_ms, samples
        self.stream = cuda.handle("cuStreamCreate", 1)  # CU_STREAM_NON_BLOCKING
        self._first = cuda.handle("cuEventCreate", 0)
        self._last = cuda.handle("cuEventCreate", 0)

    def close(self):
        for event in (self._first, self._last):
            self.cuda.try_("cuEventDestroy_v2", event)
        self.cuda.try_("cuStreamDestroy_v2", self.stream)

    def timed(self, work, meanwhile=None):
        """Milliseconds between two events around what ``work`` puts into the stream."""
        elapsed = ctypes.c_float()
        self.cuda("cuEventRecord", self._first, self.stream)
        work()
        self.cuda("cuEventRecord", self._last, self.stream)
        if meanwhile is not None:
            meanwhile()
        self.cuda("cuEventSynchronize", self._last)
        self.cuda("cuEventElapsedTime", ctypes.byref(elapsed), self._first, self._last)
        return elapsed.value

    def sampled(self, start, meanwhile=None):
        """How often ``start(n)`` repeats its work in a sample, and the samples in milliseconds.

        Finding the number is the warm-up: its last run is as long as a sample.
        """
        wanted, many = self._sample_ms, 1
        took, started = self.timed(lambda: start(many)), time.monotonic()
        while took < wanted and many < 1 << 30 and time.monotonic() - started < 1:
            many = int(many * min(32.0, max(1.2, 1.1 * wanted / max(took, 1e-3)))) + 1
            took = self.timed(lambda: start(many))
            if took <= 0 and many > 1000:
                break
        samples = [self.timed(lambda: start(many), meanwhile)]
        for _ in range(self._samples - 1):
            samples.append(self.timed(lambda: start(many)))
        if min(samples) <= 0:
            raise Refused("CUDA's events counted no time")
        return many, samples
