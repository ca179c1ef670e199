# Asks the CUDA driver API for its version and devices: through pycuda, else cuda-bindings, else
# ctypes. cuInit makes no context, so nothing on the GPU is disturbed. Payload: {}.
import ctypes

_ATTRIBUTES = {"major": 75, "minor": 76, "multiprocessors": 16, "integrated": 18, "l2": 38}


def _library():
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                path = line.split(None, 5)[-1].strip()
                if os.path.basename(path).startswith("libcuda.so"):
                    return path
    except OSError:
        pass
    return None


def _uuid(raw):
    text = "".join("%02x" % byte for byte in bytearray(raw[:16]))
    return "GPU-%s-%s-%s-%s-%s" % (text[:8], text[8:12], text[12:16], text[16:20], text[20:])


def _with_pycuda():
    import pycuda.driver as cuda

    cuda.init()
    devices = []
    for ordinal in range(cuda.Device.count()):
        device = cuda.Device(ordinal)
        get = device.get_attribute
        kinds = cuda.device_attribute
        devices.append(
            {
                "name": device.name(),
                "pci": device.pci_bus_id(),
                "uuid": None,
                "memory": device.total_memory(),
                "major": get(kinds.COMPUTE_CAPABILITY_MAJOR),
                "minor": get(kinds.COMPUTE_CAPABILITY_MINOR),
                "multiprocessors": get(kinds.MULTIPROCESSOR_COUNT),
                "integrated": get(kinds.INTEGRATED),
                "l2": get(kinds.L2_CACHE_SIZE),
            }
        )
    return {"init": 0, "version": cuda.get_driver_version(), "devices": devices}


def _with_bindings():
    try:
        from cuda.bindings import driver
    except ImportError:
        from cuda import cuda as driver

    def call(name, *args):
        result = getattr(driver, name)(*args)
        if int(result[0]) != 0:
            return None
        return result[1] if len(result) == 2 else result[1:]

    code = int(driver.cuInit(0)[0])
    answer = {"init": code, "version": call("cuDriverGetVersion"), "devices": []}
    if code != 0:
        return answer
    for ordinal in range(call("cuDeviceGetCount") or 0):
        device = call("cuDeviceGet", ordinal)
        name = call("cuDeviceGetName", 128, device)
        bus = call("cuDeviceGetPCIBusId", 32, device)
        unique = call("cuDeviceGetUuid", device)
        entry = {
            "name": name.split(b"\0")[0].decode("utf-8", "replace") if name else None,
            "pci": bus.split(b"\0")[0].decode("ascii", "replace") if bus else None,
            "uuid": _uuid(unique.bytes) if unique is not None else None,
            "memory": call("cuDeviceTotalMem", device),
        }
        for key, number in _ATTRIBUTES.items():
            entry[key] = call("cuDeviceGetAttribute", driver.CUdevice_attribute(number), device)
        answer["devices"].append(entry)
    return answer


def _with_ctypes():
    cuda = ctypes.CDLL("libcuda.so.1")

    def call(name, *args):
        # An older driver lacks the newer functions; what they would tell stays unknown.
        function = getattr(cuda, name, None)
        return function is not None and function(*args) == 0

    version = ctypes.c_int()
    answer = {"init": cuda.cuInit(0), "version": None, "devices": []}
    if call("cuDriverGetVersion", ctypes.byref(version)):
        answer["version"] = version.value
    if answer["init"] != 0:
        return answer
    count = ctypes.c_int()
    call("cuDeviceGetCount", ctypes.byref(count))
    for ordinal in range(count.value):
        device = ctypes.c_int()
        if not call("cuDeviceGet", ctypes.byref(device), ordinal):
            continue
        entry = {"name": None, "pci": None, "uuid": None, "memory": None}
        text = ctypes.create_string_buffer(128)
        if call("cuDeviceGetName", text, 128, device):
            entry["name"] = text.value.decode("utf-8", "replace")
        bus = ctypes.create_string_buffer(32)
        if call("cuDeviceGetPCIBusId", bus, 32, device):
            entry["pci"] = bus.value.decode("ascii", "replace")
        unique = ctypes.create_string_buffer(16)
        if call("cuDeviceGetUuid", unique, device):
            entry["uuid"] = _uuid(unique.raw)
        memory = ctypes.c_size_t()
        if call("cuDeviceTotalMem_v2", ctypes.byref(memory), device):
            entry["memory"] = memory.value
        for key, number in _ATTRIBUTES.items():
            value = ctypes.c_int()
            found = call("cuDeviceGetAttribute", ctypes.byref(value), number, device)
            entry[key] = value.value if found else None
        answer["devices"].append(entry)
    return answer


def _error_name(code):
    # A driver older than CUDA 6.0 has no such function; the code alone says enough then.
    try:
        text = ctypes.c_char_p()
        if ctypes.CDLL("libcuda.so.1").cuGetErrorName(code, ctypes.byref(text)) == 0:
            return text.value.decode("ascii", "replace")
    except (OSError, AttributeError):
        pass
    return None


def main(payload):
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return {"loader": str(error)}
    tried = []
    for via, ask in (
        ("pycuda", _with_pycuda),
        ("cuda-bindings", _with_bindings),
        ("ctypes", _with_ctypes),
    ):
        try:
            answer = ask()
        except Exception as error:
            # pycuda hides cuInit's code behind its own exceptions; the next way in tells the code.
            tried.append([via, "%s: %s" % (type(error).__name__, error)])
            continue
        answer["error"] = _error_name(answer["init"]) if answer["init"] != 0 else None
        answer.update(via=via, library=_library(), tried=tried)
        return answer
    return {"tried": tried}
