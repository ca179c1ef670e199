# Says which Python this is. Must run on every Python there is, so nothing newer than 2.7 here.
def main(payload):
    import platform

    config = {}
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg")) as stream:
            for line in stream:
                key, found, value = line.partition("=")
                if found:
                    config[key.strip()] = value.strip()
    except Exception:
        config = {}
    base = getattr(sys, "base_prefix", sys.prefix)
    free_threaded = False
    try:
        import sysconfig

        free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    except Exception:
        pass
    return {
        "executable": sys.executable,
        "version": list(sys.version_info[:3]),
        "implementation": platform.python_implementation(),
        "prefix": sys.prefix,
        "base_prefix": base,
        "system_site_packages": config.get("include-system-site-packages"),
        "machine": platform.machine(),
        "free_threaded": free_threaded,
    }
