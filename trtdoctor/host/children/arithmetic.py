# Measures how fast each GPU multiplies and adds, kind by kind, and how fast it copies, with kernels
# of its own through the driver API. Raw: times, counts and NVML's words; nothing is judged here.
# Payload: {"seconds": after which nothing more is begun, "sample_ms": of one sample, "samples": of
# each kind}.
# Needs: ptx, driver_api
import ctypes
import os
import threading
import time

_WARPS = 8  # of a block
_COPY, _PINNED = 128 << 20, 64 << 20  # bytes of one copy on the device, and from or to the host
# GPUs share the way to the host.
_ONE_COPIES = threading.Lock()


class _Device:
    """One GPU with a context of ours, until it is closed."""

    def __init__(self, cuda, ordinal, payload):
        self.cuda, self._payload = cuda, payload
        self._device = cuda.number("cuDeviceGet", ordinal)
        self.about = {"ordinal": ordinal, "kinds": {}, "copies": {}}
        for key, number in (("major", 75), ("minor", 76), ("multiprocessors", 16)):
            self.about[key] = cuda.attribute(number, self._device)
        for key, number in (("memory_khz", 36), ("bus_bits", 37), ("integrated", 18)):
            self.about[key] = cuda.attribute(number, self._device)
        for key, size, name in (
            ("name", 128, "cuDeviceGetName"),
            ("pci", 32, "cuDeviceGetPCIBusId"),
        ):
            text = ctypes.create_string_buffer(size)
            cuda(name, text, size, self._device)
            self.about[key] = text.value.decode("utf-8", "replace")
        self.nvml = Nvml(self.about["pci"])
        self.about["processes"] = self.nvml.processes()
        self.about["before"] = self.nvml.state()
        self._context = self.timer = None

    def open(self):
        cuda = self.cuda
        self._context = cuda.handle("cuDevicePrimaryCtxRetain", self._device)
        cuda("cuCtxSetCurrent", self._context)
        self.timer = Timer(cuda, self._payload["sample_ms"], self._payload["samples"])

    def close(self):
        self.about["after"] = self.nvml.state()
        if self.timer is not None:
            self.timer.close()
        if self._context is not None:
            self.cuda.try_("cuDevicePrimaryCtxRelease", self._device)

    def kind(self, kind):
        """Time one kind of arithmetic.

        Raises:
            Refused: where the GPU has no such instruction, or the driver refuses the kernel.
        """
        cuda, about = self.cuda, self.about
        capability = (about["major"], about["minor"])
        entry = form(kind, capability)
        if entry is None:
            raise Refused("emulated" if emulated(kind, capability) else "none")
        text, per_round = program(entry)
        module = cuda.load(text)
        buffer = ctypes.c_uint64()
        try:
            function = cuda.handle("cuModuleGetFunction", module, b"measure")
            # As many blocks of an SM as its registers hold at once, whatever the kernel's size.
            blocks = about["multiprocessors"] * (2 if entry[3] else 4)
            warps = 4 if kind.startswith("wgmma") else _WARPS
            cuda(
                "cuMemAlloc_v2",
                ctypes.byref(buffer),
                ctypes.c_size_t(16 + blocks * warps * 32 * 4),
            )

            def start(rounds):
                count = ctypes.c_uint32(rounds)
                addresses = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), ctypes.addressof(count))
                cuda(
                    "cuLaunchKernel",
                    function,
                    *([ctypes.c_uint(n) for n in (blocks, 1, 1, warps * 32, 1, 1, 0)]),
                    *(self.timer.stream, addresses, None),
                )

            seen = {}
            rounds, samples = self.timer.sampled(start, lambda: seen.update(self.nvml.state()))
            counted = (ctypes.c_uint64 * 2)()
            cuda("cuMemcpyDtoH_v2", counted, buffer, ctypes.c_size_t(16))
        finally:
            if buffer.value:
                cuda.try_("cuMemFree_v2", buffer)
            cuda.try_("cuModuleUnload", module)
        return {
            "instruction": entry[2],
            "fma": entry[4] * per_round * rounds * blocks * warps,
            "ms": samples,
            "cycles": counted[0],
            "nanoseconds": counted[1],
            "during": seen,
        }

    def copies(self):
        """Time copies within the device and between it and page-locked memory of the host."""
        cuda = self.cuda
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        cuda("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        size = min(_COPY, free.value // 16 & ~0xFFFFF)
        if size == 0:
            raise Refused("%d MiB of its memory are free" % (free.value >> 20))
        pinned = min(_PINNED, size)
        here, there, host = ctypes.c_uint64(), ctypes.c_uint64(), ctypes.c_void_p()
        try:
            cuda("cuMemAlloc_v2", ctypes.byref(here), ctypes.c_size_t(size))
            cuda("cuMemAlloc_v2", ctypes.byref(there), ctypes.c_size_t(size))
            cuda("cuMemAllocHost_v2", ctypes.byref(host), ctypes.c_size_t(pinned))
            for key, name, to, of, bytes_ in (
                ("d2d", "cuMemcpyDtoDAsync_v2", there, here, size),
                ("h2d", "cuMemcpyHtoDAsync_v2", here, host, pinned),
                ("d2h", "cuMemcpyDtoHAsync_v2", host, here, pinned),
            ):

                def start(many):
                    for _ in range(many):
                        cuda(name, to, of, ctypes.c_size_t(bytes_), self.timer.stream)

                link = []
                many, samples = self.timer.sampled(start, lambda: link.extend(self.nvml.link()))
                told = {"bytes": bytes_ * many, "ms": samples}
                self.about["copies"][key] = told if key == "d2d" else dict(told, link=link)
        finally:
            if host.value:
                cuda.try_("cuMemFreeHost", host)
            for buffer in (here, there):
                if buffer.value:
                    cuda.try_("cuMemFree_v2", buffer)

    def tell(self, kind, ends_at):
        try:
            if time.monotonic() > ends_at:
                raise Refused("time")
            self.about["kinds"][kind] = self.kind(kind)
        except Refused as error:
            self.about["kinds"][kind] = {"error": str(error)}

    def measure(self, ends_at):
        about = self.about
        try:
            self.open()
        except Refused as error:
            about["error"] = str(error)
            self.close()
            return about
        try:
            # The clocks of an idle GPU take a moment to rise.
            until = min(time.monotonic() + 0.3, ends_at)
            while time.monotonic() < until:
                self.kind("fp32")
        except Refused:
            # It is told with the kind.
            pass
        late = [kind for kind in _FORMS if kind.startswith("wgmma")]
        for kind in _FORMS:
            if kind not in late:
                self.tell(kind, ends_at)
        try:
            with _ONE_COPIES:
                if time.monotonic() > ends_at:
                    raise Refused("time")
                self.copies()
        except Refused as error:
            about["copies_error"] = str(error)
        # Last, since an error in a kernel that reads memory would end all that comes after it.
        for kind in late:
            if form(kind, (about["major"], about["minor"])) is not None:
                self.tell(kind, ends_at)
        self.close()
        return about


def main(payload):
    # Nothing is written into the user's cache of assembled kernels, and assembling is not forbidden.
    os.environ["CUDA_CACHE_DISABLE"] = "1"
    os.environ.pop("CUDA_DISABLE_PTX_JIT", None)
    ends_at = time.monotonic() + payload["seconds"]
    try:
        cuda = Cuda()
    except OSError as error:
        return {"loader": str(error)}
    try:
        cuda("cuInit", 0)
        count = cuda.number("cuDeviceGetCount")
    except Refused as error:
        return {"refused": str(error)}
    devices = [None] * count

    def work(ordinal):
        try:
            devices[ordinal] = _Device(cuda, ordinal, payload).measure(ends_at)
        except Refused as error:
            devices[ordinal] = {"ordinal": ordinal, "error": str(error)}
        except Exception as error:
            said = "%s: %s" % (type(error).__name__, error)
            devices[ordinal] = {"ordinal": ordinal, "error": said}

    # Each has its own SMs and memory, and a context is its thread's.
    threads = [threading.Thread(target=work, args=(ordinal,)) for ordinal in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"devices": devices}
