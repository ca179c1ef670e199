# Lists what is installed in this interpreter that bears on TensorRT, without importing any of it.
# Payload: {"families": [name prefixes], "modules": [top-level module names], "requires": [names]}.
import re


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _wanted(name, families):
    for family in families:
        if name == family or (family.endswith("*") and name.startswith(family[:-1])):
            return True
    return False


def _headers(folder):
    for leaf in ("METADATA", "PKG-INFO"):
        path = os.path.join(folder, leaf) if os.path.isdir(folder) else folder
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                lines = []
                for line in stream:
                    if not line.strip():
                        break
                    lines.append(line.rstrip("\n"))
                return lines
        except OSError:
            continue
    return []


def _field(lines, name):
    return [line.partition(":")[2].strip() for line in lines if line.startswith(name + ":")]


def _module(name):
    import importlib.util

    try:
        spec = importlib.util.find_spec(name)
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}
    if spec is None:
        return None
    return {
        "origin": spec.origin,
        "folders": list(spec.submodule_search_locations or []),
        "namespace": spec.origin is None,
    }


def main(payload):
    packages = []
    denied = []
    for entry in list(dict.fromkeys(sys.path)):
        try:
            names = sorted(os.listdir(entry))
        except PermissionError:
            denied.append(entry)
            continue
        except OSError:
            continue
        for leaf in names:
            if not leaf.endswith((".dist-info", ".egg-info")):
                continue
            name = _normal(leaf.rsplit(".", 1)[0].split("-")[0])
            if not _wanted(name, payload["families"]):
                continue
            lines = _headers(os.path.join(entry, leaf))
            version = (_field(lines, "Version") or leaf.rsplit(".", 1)[0].split("-")[1:2] or [""])[
                0
            ]
            package = {"name": name, "version": version, "location": entry}
            if name in payload["requires"] or name.startswith("tensorrt"):
                package["requires"] = _field(lines, "Requires-Dist")
            packages.append(package)
    return {
        "path": list(sys.path),
        "denied": denied,
        "packages": packages,
        "modules": dict((name, _module(name)) for name in payload["modules"]),
    }
