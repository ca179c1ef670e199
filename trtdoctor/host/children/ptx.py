# PTX of kernels that do one kind of arithmetic and nothing else. A part of other scripts.
# Each kind in the forms that it has, the oldest first: the compute capability that has it, the PTX
# version that knows it, the instruction, its 32-bit registers (accumulator, first, second operand)
# and its multiply-adds a warp. PTX for an older target runs on every newer GPU, except a wgmma's.
# Four warps together: 64 rows by 256 columns, which lie in shared memory.
_WGMMA = "wgmma.mma_async.sync.aligned."
_FORMS = {
    "fp32": [((5, 0), "6.0", "fma.rn.f32", None, 32)],
    "fp16": [((5, 3), "6.0", "fma.rn.f16x2", None, 64)],
    "bf16": [((8, 0), "7.0", "fma.rn.bf16x2", None, 64)],
    "int8": [((6, 1), "6.0", "dp4a.s32.s32", None, 128)],
    "tensor-fp16": [
        ((7, 0), "6.4", "mma.sync.aligned.m8n8k4.row.col.f16.f16.f16.f16", (4, 2, 2), 1024),
        ((7, 5), "6.5", "mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16", (2, 2, 1), 1024),
        ((8, 0), "7.0", "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16", (2, 4, 2), 2048),
    ],
    "tensor-fp16-fp32": [
        ((7, 0), "6.4", "mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32", (8, 2, 2), 1024),
        ((7, 5), "6.5", "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32", (4, 2, 1), 1024),
        ((8, 0), "7.0", "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", (4, 4, 2), 2048),
    ],
    "tensor-bf16": [
        ((8, 0), "7.0", "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", (4, 4, 2), 2048)
    ],
    "tensor-tf32": [
        ((8, 0), "7.0", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", (4, 4, 2), 1024)
    ],
    "tensor-int8": [
        ((7, 5), "6.5", "mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32", (2, 1, 1), 1024),
        ((8, 0), "7.0", "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32", (4, 4, 2), 4096),
    ],
    "tensor-fp8": [
        ((8, 9), "8.4", "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32", (4, 4, 2), 4096)
    ],
    "wgmma-fp16": [((9, 0), "8.0", _WGMMA + "m64n256k16.f32.f16.f16", (128, 0, 0), 65536)],
    "wgmma-bf16": [((9, 0), "8.0", _WGMMA + "m64n256k16.f32.bf16.bf16", (128, 0, 0), 65536)],
    "wgmma-tf32": [((9, 0), "8.0", _WGMMA + "m64n256k8.f32.tf32.tf32", (128, 0, 0), 32768)],
    "wgmma-int8": [((9, 0), "8.0", _WGMMA + "m64n256k32.s32.s8.s8", (128, 0, 0), 131072)],
    "wgmma-fp8": [((9, 0), "8.0", _WGMMA + "m64n256k32.f32.e4m3.e4m3", (128, 0, 0), 131072)],
}
# What turns random bits into numbers of either sign near 1/16: the bits kept, and those set.
_NUMBERS = {
    "f32": (0x807FFFFF, 0x3D800000),
    "tf32": (0x807FE000, 0x3D800000),
    "f16": (0x83FF83FF, 0x2C002C00),
    "bf16": (0x807F807F, 0x3D803D80),
    "e4m3": (0x87878787, 0x18181818),
    "s8": (0xFFFFFFFF, 0),
}


# Where the PTX assembler makes other instructions of a form, as its output for these shows: what is
# timed then is not this kind of arithmetic. Compute capabilities from and before.
_EMULATED = {"int8": ((6, 2), (7, 0)), "tensor-fp8": ((9, 0), (12, 0))}


def emulated(kind, capability):
    since, until = _EMULATED.get(kind, ((99, 0), (99, 0)))
    return since <= tuple(capability) < until


def form(kind, capability):
    """The newest form of a kind that a compute capability (a pair) has; None where it has none."""
    if emulated(kind, capability) or (kind.startswith("wgmma") and tuple(capability) != (9, 0)):
        return None
    found = [entry for entry in _FORMS[kind] if entry[0] <= tuple(capability)]
    return found[-1] if found else None


def _operand_type(instruction):
    if instruction.startswith("mma"):
        return instruction.split(".")[-3]
    if instruction.startswith("wgmma"):
        return instruction.split(".")[-1]
    return {"fma.rn.f32": "f32", "fma.rn.f16x2": "f16", "fma.rn.bf16x2": "bf16"}.get(
        instruction, "s8"
    )


def _braced(names):
    return "{%s}" % ", ".join(names)


def program(entry):
    """PTX that repeats one instruction over independent accumulators.

    Returns the text and how many of them one round of its loop has. The kernel's parameters are
    where to write and the number of rounds. It writes the SM's cycles and the nanoseconds that its
    first thread counted, then a word a thread, so that no result is unused.
    """
    if entry[2].startswith("wgmma"):
        return _warpgroups(entry)
    instruction, registers = entry[2], entry[3]
    tensor = registers is not None
    many, first, second = registers or (1, 1, 1)
    chains, repeats = (8, 8) if tensor else (8, 32)
    a = ["%%a%d" % n for n in range(first)]
    b = ["%%b%d" % n for n in range(second)]
    c = ["%%c%d" % n for n in range(chains * many)]
    before = [".reg .b32 %%a<%d>, %%b<%d>;" % (first, second)]
    for register in a + b + c:
        before += _number(entry) + ["mov.b32 %s, %%t6;" % register]
    loop = []
    for number in list(range(chains)) * repeats:
        mine = c[number * many : (number + 1) * many]
        if tensor:
            operands = [_braced(mine), _braced(a), _braced(b), _braced(mine)]
        elif instruction.startswith("dp4a"):
            operands = [mine[0], a[0], b[0], mine[0]]
        else:
            operands = [mine[0], mine[0], a[0], b[0]]
        loop.append("%s %s;" % (instruction, ", ".join(operands)))
    return _kernel(entry, "", c, before, loop), chains * repeats


def _warpgroups(entry):
    """The same for wgmma, of compute capability 9.0 alone."""
    instruction, repeats = entry[2], 16
    c = ["%%c%d" % n for n in range(128)]
    before = [
        # Rows of 128 bytes: 64 of the first matrix, 256 of the second, in the layout that is swizzled
        # by 128 bytes, eight rows after 1024.
        ".shared .align 1024 .b8 tile[40960];",
        ".reg .b64 %e<8>;",
        "mov.u32 %t1, tile;",
        "shl.b32 %t2, %t3, 2;",
        "mov.u32 %t3, %tid.x;",
        "shl.b32 %t3, %t3, 2;",
        "add.u32 %t3, %t3, %t1;",
        "add.u32 %t7, %t1, 40960;",
        "FILL:",
    ]
    before += _number(entry)
    before += [
        "st.shared.u32 [%t3], %t6;",
        "add.u32 %t3, %t3, %t2;",
        "setp.lt.u32 %p1, %t3, %t7;",
        "@%p1 bra FILL;",
        "fence.proxy.async;",
        "bar.sync 0;",
        "shr.u32 %t1, %t1, 4;",
        "cvt.u64.u32 %e0, %t1;",
        "or.b64 %e0, %e0, 0x4000004000010000;",
        "setp.eq.u32 %p1, %t1, %t1;",
    ]
    # Four steps along a row, 32 bytes each, of the first matrix and of the second behind it.
    for step in range(4):
        before.append("add.u64 %%e%d, %%e0, %d;" % (step + 4, 512 + 2 * step))
    for step in range(1, 4):
        before.append("add.u64 %%e%d, %%e0, %d;" % (step, 2 * step))
    before += ["mov.b32 %s, 0;" % register for register in c]
    scales = {"f16": ", 1, 1, 0, 0", "bf16": ", 1, 1, 0, 0", "s8": ""}
    scale = scales.get(_operand_type(instruction), ", 1, 1")
    loop = ["wgmma.fence.sync.aligned;"]
    for number in range(repeats):
        step = number % 4
        loop.append(
            "%s %s, %%e%d, %%e%d, %%p1%s;" % (instruction, _braced(c), step, step + 4, scale)
        )
    loop += ["wgmma.commit_group.sync.aligned;", "wgmma.wait_group.sync.aligned 0;"]
    return _kernel(entry, "a", c, before, loop), repeats


def _number(entry):
    """The next random number of the operands' type, in %t6."""
    keep, put = _NUMBERS[_operand_type(entry[2])]
    return [
        "mad.lo.u32 %t5, %t5, 1664525, 1013904223;",
        "shr.u32 %t6, %t5, 7;",
        "xor.b32 %t6, %t6, %t5;",
        "and.b32 %%t6, %%t6, 0x%08x;" % keep,
        "or.b32 %%t6, %%t6, 0x%08x;" % put,
    ]


def _kernel(entry, family, c, before, loop):
    """The text around a loop: %t4 is the thread's number among all, %t3 the threads of a block."""
    (major, minor), version = entry[0], entry[1]
    lines = [
        ".version %s" % version,
        ".target sm_%d%d%s" % (major, minor, family),
        ".address_size 64",
        ".visible .entry measure(.param .u64 to, .param .u32 rounds)",
        "{",
        ".reg .pred %p<2>;",
        ".reg .b32 %%c<%d>, %%t<8>;" % len(c),
        ".reg .b64 %d<6>;",
        "ld.param.u64 %d0, [to];",
        "cvta.to.global.u64 %d0, %d0;",
        "ld.param.u32 %t0, [rounds];",
        "mov.u32 %t1, %tid.x;",
        "mov.u32 %t2, %ctaid.x;",
        "mov.u32 %t3, %ntid.x;",
        "mad.lo.u32 %t4, %t2, %t3, %t1;",
        "add.u32 %t5, %t4, %t0;",
    ]
    lines += before + ["mov.u64 %d1, %clock64;", "mov.u64 %d2, %globaltimer;", "AGAIN:"] + loop
    lines += [
        "sub.u32 %t0, %t0, 1;",
        "setp.ne.u32 %p0, %t0, 0;",
        "@%p0 bra AGAIN;",
        "mov.u64 %d3, %clock64;",
        "mov.u64 %d4, %globaltimer;",
        "mov.u32 %t6, 0;",
    ]
    lines += ["xor.b32 %%t6, %%t6, %s;" % register for register in c]
    lines += [
        "mul.wide.u32 %d5, %t4, 4;",
        "add.u64 %d5, %d5, %d0;",
        "st.global.u32 [%d5+16], %t6;",
        "setp.ne.u32 %p1, %t4, 0;",
        "@%p1 ret;",
        "sub.u64 %d3, %d3, %d1;",
        "sub.u64 %d4, %d4, %d2;",
        "st.global.u64 [%d0], %d3;",
        "st.global.u64 [%d0+8], %d4;",
        "ret;",
        "}",
    ]
    return "\n".join(lines) + "\n"
