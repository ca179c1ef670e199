# Put before every script that runs in a child: standard library only, and so plain that any Python
# which is handed to --python by mistake gets far enough to say its version.
import sys

# Before the first real import: the working directory must not get to answer it.
sys.path[:] = [entry for entry in sys.path if entry]
import json  # noqa: E402
import os  # noqa: E402

_LEADER = os.getpid()
_DESCRIPTOR = int(sys.argv[1])
_MOST = 16 << 20
_PAYLOADS = json.loads(sys.argv[2])
_LATE = json.loads(sys.argv[3])
sys.argv[1:] = []
try:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except Exception:
    pass


if _LATE:
    # What the scripts use themselves, before a folder of the user's can answer for it.
    for _name in ("ctypes", "importlib.util", "platform", "re", "sysconfig"):
        try:
            __import__(_name)
        except Exception:
            pass
    for _number, _entry in _LATE:
        sys.path.insert(_number, _entry)


def _answer(work):
    payload = _PAYLOADS.pop(0)
    try:
        answer = {"ending": "returned", "value": work(payload)}
    except Exception as error:
        answer = {"ending": "raised", "detail": "%s: %s" % (type(error).__name__, error)}
    # A module that forks while it is imported comes here twice; only one of the two may speak.
    if os.getpid() != _LEADER:
        os._exit(0)
    data = (json.dumps(answer) + "\n").encode("utf-8")
    if len(data) > _MOST:
        said = "an answer of %d MiB, and no more than %d are read" % (len(data) >> 20, _MOST >> 20)
        data = (json.dumps({"ending": "raised", "detail": said}) + "\n").encode("utf-8")
    while data:
        data = data[os.write(_DESCRIPTOR, data) :]
