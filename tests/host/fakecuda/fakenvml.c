/* An NVML of the imagined GPU: FAKE_BITS is why its clocks are held down, FAKE_OTHERS who computes. */
#include <stdlib.h>
#include <string.h>

int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, void **handle)
{
    *handle = (void *)1;
    return strcmp(pci, "0000:01:00.0") ? 6 : 0;
}
int nvmlDeviceGetClockInfo(void *handle, int kind, unsigned *mhz)
{
    *mhz = kind == 1 ? 1485 : 1;
    return 0;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *bits)
{
    const char *given = getenv("FAKE_BITS");
    if (!given) return 3;
    *bits = strtoull(given, NULL, 0);
    return 0;
}
int nvmlDeviceGetCurrPcieLinkGeneration(void *handle, unsigned *value) { *value = 6; return 0; }
int nvmlDeviceGetCurrPcieLinkWidth(void *handle, unsigned *value) { *value = 16; return 0; }
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, void *processes)
{
    const char *given = getenv("FAKE_OTHERS");
    *count = given ? (unsigned)atoi(given) : 0;
    return *count ? 7 : 0;
}
