# Why CUDA cannot be used here, if it cannot. A part of other scripts.


def why_no_cuda():
    # Without a driver, Runtime() of several releases dies of SIGSEGV instead of saying so.
    import ctypes

    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError as error:
        return "there is no CUDA driver here (%s)" % error
    code = driver.cuInit(0)
    if code:
        return "CUDA cannot be used here: cuInit returned %d" % code
    count = ctypes.c_int(0)
    if driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value == 0:
        return "no GPU is visible to CUDA"
    return None
