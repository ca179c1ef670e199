/* A CUDA driver of an imagined GPU: it runs nothing, and its clock goes on as the kernels would take.
 *
 * FAKE_RATES names multiply-adds a clock and SM by the instruction of the PTX, "fma.rn.f32=128,...";
 * a kernel whose instruction it does not name is refused by the assembler. FAKE_CC is "9.0".
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMS 10
#define MHZ 1500.0
#define GB_PER_S 100.0

static __thread double now_ms;
static __thread long living;
typedef struct { double rate, fma; } Module;

static double setting(const char *names, const char *text, const char *closing)
{
    char copy[1 << 14], *rest;
    snprintf(copy, sizeof copy, "%s", names ? names : "");
    for (char *entry = strtok_r(copy, ",", &rest); entry; entry = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(entry, '=');
        if (!equals) continue;
        *equals = 0;
        char wanted[256];
        snprintf(wanted, sizeof wanted, "\n%s%s", entry, closing);
        if (strstr(text, wanted)) return atof(equals + 1);
    }
    return 0;
}

static double times(const char *text)
{
    /* The multiply-adds of a warp in one round of the loop, from the text alone. */
    static const struct { const char *start; double fma; } known[] = {
        {".m64n256k16.", 65536}, {".m64n256k8.", 32768}, {".m64n256k32.", 131072},
        {"\nfma.rn.f32 ", 32}, {"\nfma.rn.f16x2 ", 64}, {"\nfma.rn.bf16x2 ", 64}, {"\ndp4a", 128},
        {".m8n8k4.", 1024}, {".m16n8k8.", 1024}, {".m16n8k16.", 2048}, {".m8n8k16.", 1024},
        {".m16n8k32.", 4096},
    };
    for (unsigned n = 0; n < sizeof known / sizeof *known; n++) {
        double count = 0;
        for (const char *at = text; (at = strstr(at, known[n].start)); at++) count++;
        if (count) return count * known[n].fma;
    }
    return 0;
}

int cuInit(unsigned flags) { const char *code = getenv("FAKE_INIT"); return code ? atoi(code) : 0; }
int cuGetErrorName(int code, const char **text)
{
    *text = code == 100 ? "CUDA_ERROR_NO_DEVICE" : code == 218 ? "CUDA_ERROR_INVALID_PTX"
        : code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_UNKNOWN";
    return 0;
}
int cuDeviceGetCount(int *count)
{
    const char *given = getenv("FAKE_COUNT");
    *count = given ? atoi(given) : 1;
    return 0;
}
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int size, int device)
{
    snprintf(name, size, "Imagined GPU");
    return 0;
}
int cuDeviceGetPCIBusId(char *name, int size, int device)
{
    snprintf(name, size, "0000:0%d:00.0", device + 1);
    return 0;
}
int cuDeviceGetAttribute(int *value, int which, int device)
{
    int major = 9, minor = 0;
    const char *cc = getenv("FAKE_CC");
    if (cc) sscanf(cc, "%d.%d", &major, &minor);
    switch (which) {
    case 75: *value = major; return 0;
    case 76: *value = minor; return 0;
    case 16: *value = SMS; return 0;
    case 36: *value = 1000000; return 0;
    case 37: *value = 1024; return 0;
    case 18: *value = 0; return 0;
    }
    return 1;
}
int cuDevicePrimaryCtxRetain(void **context, int device)
{
    const char *code = getenv("FAKE_CONTEXT");
    *context = (void *)1;
    living++;
    return code ? atoi(code) : 0;
}
int cuDevicePrimaryCtxRelease(int device)
{
    living--;
    fprintf(stderr, "living at the end: %ld\n", living);
    return 0;
}
int cuCtxSetCurrent(void *context) { return 0; }
int cuStreamCreate(void **stream, unsigned flags) { *stream = (void *)2; living++; return 0; }
int cuStreamDestroy_v2(void *stream) { living--; return 0; }
int cuEventCreate(void **event, unsigned flags)
{
    *event = calloc(1, sizeof(double));
    living++;
    return 0;
}
int cuEventDestroy_v2(void *event) { free(event); living--; return 0; }
int cuEventRecord(void *event, void *stream) { *(double *)event = now_ms; return 0; }
int cuEventSynchronize(void *event) { if (getenv("FAKE_HANG")) pause(); return 0; }
int cuEventElapsedTime(float *ms, void *first, void *last)
{
    *ms = getenv("FAKE_STILL") ? 0 : (float)(*(double *)last - *(double *)first);
    return 0;
}
int cuModuleLoadDataEx(void **module, const char *text, unsigned count, int *options, void **values)
{
    const char *rates = getenv("FAKE_RATES");
    double rate = setting(rates, text, " ");
    if (!rate) {
        for (unsigned n = 0; n < count; n++)
            if (options[n] == 5) snprintf(values[n], 64, "ptxas application ptx input, line 9;\n  error");
        return 218;
    }
    Module *made = malloc(sizeof *made);
    made->rate = rate;
    made->fma = times(text);
    *module = made;
    living++;
    return 0;
}
int cuModuleGetFunction(void **function, void *module, const char *name)
{
    *function = module;
    return strcmp(name, "measure") ? 500 : 0;
}
int cuModuleUnload(void *module) { free(module); living--; return 0; }
int cuMemGetInfo_v2(size_t *space, size_t *total)
{
    const char *given = getenv("FAKE_FREE");
    *space = given ? strtoull(given, NULL, 10) : (size_t)8 << 30;
    *total = (size_t)16 << 30;
    return 0;
}
int cuMemAlloc_v2(uint64_t *pointer, size_t size)
{
    *pointer = (uint64_t)(uintptr_t)calloc(1, size);
    living++;
    return 0;
}
int cuMemsetD32_v2(uint64_t pointer, unsigned value, size_t count)
{
    memset((void *)(uintptr_t)pointer, (int)value, count * 4);
    return 0;
}
int cuMemFree_v2(uint64_t pointer) { free((void *)(uintptr_t)pointer); living--; return 0; }
int cuMemAllocHost_v2(void **pointer, size_t size)
{
    if (getenv("FAKE_PINNED")) return 2;
    *pointer = malloc(size);
    living++;
    return 0;
}
int cuMemFreeHost(void *pointer) { free(pointer); living--; return 0; }
int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t size)
{
    memcpy(to, (void *)(uintptr_t)from, size);
    return 0;
}
static int copied(size_t size) { now_ms += size / GB_PER_S / 1e6; return 0; }
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t size, void *stream)
{
    return copied(size);
}
int cuMemcpyHtoDAsync_v2(uint64_t to, void *from, size_t size, void *stream)
{
    return copied(size);
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, void *stream)
{
    return copied(size);
}
int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned across, unsigned down,
                   unsigned deep, unsigned shared, void *stream, void **parameters, void **extra)
{
    Module *module = function;
    uint64_t to = *(uint64_t *)parameters[0];
    double rounds = *(uint32_t *)parameters[1];
    double cycles = module->fma * rounds * x * (across / 32.0) / module->rate / SMS;
    double ms = cycles / MHZ / 1000;
    uint64_t *out = (uint64_t *)(uintptr_t)to;
    out[0] = (uint64_t)cycles;
    out[1] = (uint64_t)(ms * 1e6);
    memset(out + 2, 1, (size_t)x * across * 4);
    now_ms += ms;
    return 0;
}
