# Asks NVML everything the probes want, through nvidia-ml-py, and returns it raw: for each call its
# value or its error. Nothing is judged or translated here.
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
    try:
        return _plain(list(value))
    except TypeError:
        return str(value)


def main(payload):
    import pynvml

    def ask(name, *args):
        function = getattr(pynvml, name, None)
        if function is None:
            return {"error": [-1, "this nvidia-ml-py has no " + name]}
        try:
            return {"value": _plain(function(*args))}
        except pynvml.NVMLError as error:
            return {"error": [int(getattr(error, "value", 999)), str(error)]}
        except Exception as error:
            return {"error": [-1, "%s: %s" % (type(error).__name__, error)]}

    def fabric(handle):
        for name, kind in (
            ("nvmlDeviceGetGpuFabricInfoV", getattr(pynvml, "c_nvmlGpuFabricInfoV_t", None)),
            ("nvmlDeviceGetGpuFabricInfo", getattr(pynvml, "c_nvmlGpuFabricInfo_t", None)),
        ):
            if kind is None or getattr(pynvml, name, None) is None:
                continue
            info = kind()
            answer = ask(name, handle, __import__("ctypes").byref(info))
            if "value" in answer:
                return {"value": {"state": int(info.state), "status": int(info.status)}}
        return answer

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return {"init": [int(getattr(error, "value", 999)), str(error)]}
    answer = {"init": [0, None], "devices": []}
    for name in (
        "nvmlSystemGetDriverVersion",
        "nvmlSystemGetNVMLVersion",
        "nvmlSystemGetCudaDriverVersion_v2",
        "nvmlDeviceGetCount",
    ):
        answer[name] = ask(name)
    for index in range(answer["nvmlDeviceGetCount"].get("value") or 0):
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        except pynvml.NVMLError as error:
            answer["devices"].append({"handle": [int(getattr(error, "value", 999)), str(error)]})
            continue
        device = {"handle": [0, None]}
        for key, args in payload["calls"]:
            name, _, _ = key.partition(":")
            device[key] = ask(name, handle, *args)
        device["fabric"] = fabric(handle)
        answer["devices"].append(device)
    return answer
