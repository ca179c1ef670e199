# Asks NVML everything the probes want, through nvidia-ml-py, and returns it raw: for each call its
# value or its error. Nothing is judged or translated here.
# Payload: {"system": [function names], "device": {key: [function names to try, [arguments]]}}.
import ctypes


def _plain(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    fields = getattr(type(value), "_fields_", None)
    if fields is not None:
        return dict((field[0], _plain(getattr(value, field[0], None))) for field in fields)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _library():
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                path = line.split(None, 5)[-1].strip()
                if os.path.basename(path).startswith("libnvidia-ml.so"):
                    return path
    except OSError:
        pass
    return None


def main(payload):
    try:
        # nvidia-ml-py says "not found" whatever the loader said; only the loader tells why.
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError as error:
        return {"loader": str(error)}
    import pynvml

    def refusal(error):
        return [int(getattr(error, "value", 999)), str(error)]

    def ask(names, *args):
        error = None
        for name in names:
            function = getattr(pynvml, name, None)
            if function is None:
                error = error or [-1, "this nvidia-ml-py has no " + name]
                continue
            try:
                return {"value": _plain(function(*args))}
            except pynvml.NVMLError as refused:
                error = refusal(refused)
            except Exception as raised:
                error = [-1, "%s: %s" % (type(raised).__name__, raised)]
        return {"error": error}

    def fabric(handle):
        answer = None
        for name, kind in (
            ("nvmlDeviceGetGpuFabricInfoV", "c_nvmlGpuFabricInfoV_t"),
            ("nvmlDeviceGetGpuFabricInfo", "c_nvmlGpuFabricInfo_t"),
        ):
            if not hasattr(pynvml, name) or not hasattr(pynvml, kind):
                continue
            info = getattr(pynvml, kind)()
            answer = ask([name], handle, ctypes.byref(info))
            if "value" in answer:
                return {"value": {"state": int(info.state), "status": int(info.status)}}
        return answer or {"error": [-1, "this nvidia-ml-py has no nvmlDeviceGetGpuFabricInfo"]}

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return {"init": refusal(error), "library": _library()}
    answer = {"init": [0, None], "library": _library(), "devices": []}
    for name in payload["system"]:
        answer[name] = ask([name])
    count = ask(["nvmlDeviceGetCount"])
    answer["count"] = count
    for index in range(count.get("value") or 0):
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        except pynvml.NVMLError as error:
            answer["devices"].append({"handle": {"error": refusal(error)}})
            continue
        device = {}
        for key, (names, args) in payload["device"].items():
            device[key] = ask(names, handle, *args)
        # Only how many there are: the processes themselves are nobody's business.
        processes = device.get("compute_processes", {})
        if isinstance(processes.get("value"), list):
            processes["value"] = len(processes["value"])
        device["fabric"] = fabric(handle)
        answer["devices"].append(device)
    return answer
