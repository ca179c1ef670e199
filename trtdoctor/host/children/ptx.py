# PTX of kernels that do one kind of arithmetic and nothing else. A part of other scripts.
# Each kind in the forms that it has, the oldest first: the compute capability that has it, the PTX
# version that knows it, the instruction, its 32-bit registers (accumulator, first, second operand)
# and its multiply-adds a warp. PTX for an older target runs on every newer GPU.
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
_EMULATED = {"tensor-fp8": ((9, 0), (12, 0))}


def emulated(kind, capability):
    since, until = _EMULATED.get(kind, ((99, 0), (99, 0)))
    return since <= tuple(capability) < until


def form(kind, capability):
    """The newest form of a kind that a compute capability (a pair) has; None where it has none."""
    if emulated(kind, capability):
        return None
    found = [entry for entry in _FORMS[kind] if entry[0] <= tuple(capability)]
    return found[-1] if found else None


def _operand_type(instruction):
    if instruction.startswith("mma"):
        return instruction.split(".")[-3]
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
    (major, minor), version, instruction, registers, _ = entry
    tensor = registers is not None
    many, first, second = registers or (1, 1, 1)
    chains, repeats = (8, 8) if tensor else (8, 32)
    keep, put = _NUMBERS[_operand_type(instruction)]
    a = ["%%a%d" % n for n in range(first)]
    b = ["%%b%d" % n for n in range(second)]
    c = ["%%c%d" % n for n in range(chains * many)]
    lines = [
        ".version %s" % version,
        ".target sm_%d%d" % (major, minor),
        ".address_size 64",
        ".visible .entry measure(.param .u64 to, .param .u32 rounds)",
        "{",
        ".reg .pred %p<2>;",
        ".reg .b32 %%a<%d>, %%b<%d>, %%c<%d>, %%t<8>;" % (first, second, len(c)),
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
    for register in a + b + c:
        lines += [
            "mad.lo.u32 %t5, %t5, 1664525, 1013904223;",
            "shr.u32 %t6, %t5, 7;",
            "xor.b32 %t6, %t6, %t5;",
            "and.b32 %%t6, %%t6, 0x%08x;" % keep,
            "or.b32 %s, %%t6, 0x%08x;" % (register, put),
        ]
    lines += ["mov.u64 %d1, %clock64;", "mov.u64 %d2, %globaltimer;", "AGAIN:"]
    for number in list(range(chains)) * repeats:
        mine = c[number * many : (number + 1) * many]
        if tensor:
            operands = [_braced(mine), _braced(a), _braced(b), _braced(mine)]
        elif instruction.startswith("dp4a"):
            operands = [mine[0], a[0], b[0], mine[0]]
        else:
            operands = [mine[0], mine[0], a[0], b[0]]
        lines.append("%s %s;" % (instruction, ", ".join(operands)))
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
    return "\n".join(lines) + "\n", chains * repeats
