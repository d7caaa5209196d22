# SPDX-License-Identifier: MIT
"""A machine that runs the functions of a linked program, and sees each access to memory that it shares.

The processor is unicorn's, which Debian has. The kernel's part is here: what <linux/rseq.h> says, and what the kernel
does with a thread that it has preempted. The memory is a near_shards and the shards of two CPUs.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import re
import struct
import subprocess
from pathlib import Path

LONGEST = 1000  # instructions of a call: only one that does not end takes as many

# Of the thread's area, and of a section.
AREA_BYTES, CPU_ID, RSEQ_CS = 32, 4, 8
DESCRIPTOR = struct.Struct("<IIQQQ")

# What a pool calls where a section has done nothing. Here it does nothing, and returns nothing.
MISS = re.compile("(get|put|borrow)_slow|end_borrow")

# A CPU, and what the magazine of its shard is, where it has one.
World = tuple[int, bytes]


class Problem(Exception):
    """What keeps us from finding out; the message says what to do."""


class Difference(Exception):
    """The assembly is not what it must be; the message says where."""


@dataclasses.dataclass(frozen=True)
class Access:
    """Of shared memory: a place is a shard's index, "near" for the near_shards, or "area" for the thread's."""

    stores: bool
    place: str
    offset: int
    bytes: int
    value: int  # of what is stored; 0 of what is read
    order: str = "relaxed"  # a step's
    line: int = 0  # a step's, in its header
    counter: int = 0  # the address of the instruction, of the assembly's

    def agrees(self, step: Access) -> bool:
        """Whether this is the step. A read may be of a part: what it makes of it is seen by what it does then."""
        if (self.stores, self.place) != (step.stores, step.place):
            return False
        if self.stores:
            return (self.offset, self.bytes, self.value) == (step.offset, step.bytes, step.value)
        return step.offset <= self.offset and self.offset + self.bytes <= step.offset + step.bytes

    def __str__(self) -> str:
        what = f"stores {self.value:#x} to" if self.stores else "reads"
        return f"{what} {self.place}+{self.offset} ({self.bytes} bytes)"


# ---- A program, as a compiler has made it --------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Section:
    """A descriptor, as the kernel reads it."""

    address: int
    version: int
    flags: int
    start: int
    length: int
    handler: int

    def has(self, counter: int) -> bool:
        return 0 <= counter - self.start < self.length


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What its header and the emulator's names are."""

    name: str
    header: str
    unicorn: tuple[str, str]
    registers: tuple[str, str]  # the module that has them, and how their names begin
    arguments: tuple[str, ...]
    result: str
    counter: str
    stack: str
    back: str | None  # the register of the return address; else it is on the stack
    thread: str
    zero: bytes  # returns zeros
    acquire: tuple[int, tuple[int, ...]] | None  # a mask of bits, and what ldar has there; else every load acquires


# By the number in the head of an ELF file.
ARCHITECTURES = {
    62: Architecture("x86-64", "rseq_x86_64.hpp", ("UC_ARCH_X86", "UC_MODE_64"), ("x86_const", "UC_X86_REG_"),
                     ("RDI", "RSI", "RDX"), "RAX", "RIP", "RSP", None, "FS_BASE",
                     bytes.fromhex("31c0 31d2 c3"), None),
    183: Architecture("aarch64", "rseq_aarch64.hpp", ("UC_ARCH_ARM64", "UC_MODE_ARM"), ("arm64_const", "UC_ARM64_REG_"),
                      ("X0", "X1", "X2"), "X0", "PC", "SP", "X30", "TPIDR_EL0",
                      bytes.fromhex("000080d2 010080d2 c0035fd6"), (0xfffffc00, (0x88dffc00, 0xc8dffc00))),
}


def architecture_of(path: Path) -> Architecture:
    with path.open("rb") as file:
        (number,) = struct.unpack_from("<H", file.read(20), 18)
    if number not in ARCHITECTURES:
        raise Problem(f"there is no assembly for machine {number}, as ELF calls what the compiler makes")
    return ARCHITECTURES[number]


class Program:
    """A linked ELF file of 64 bits, little-endian."""

    def __init__(self, path: Path, objdump: str) -> None:
        self.path, self.objdump = path, objdump
        self.bytes = path.read_bytes()
        self.architecture = architecture_of(path)
        head = struct.unpack_from("<16sHHIQQQIHHHHHH", self.bytes)
        rows = [struct.unpack_from("<IIQQQQIIQQ", self.bytes, head[6] + i * head[11]) for i in range(head[12])]
        names = rows[head[13]][4]
        sections = {self.text(names + row[0]): row for row in rows}
        self.segments: list[tuple[int, bytes]] = []
        for i in range(head[10]):
            row = struct.unpack_from("<IIQQQQQQ", self.bytes, head[5] + i * head[9])
            kind, _, offset, address, _, in_file, in_memory, _ = row
            if kind == 1:
                self.segments.append((address, self.bytes[offset:offset + in_file].ljust(in_memory, b"\0")))
        self.symbols: dict[str, int] = {}
        symbols = sections[".symtab"]
        for at in range(symbols[4], symbols[4] + symbols[5], 24):
            name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", self.bytes, at)
            self.symbols[self.text(rows[symbols[6]][4] + name)] = value
        _, _, _, begin, _, size, *_ = sections["__rseq_cs"]
        if size == 0 or size % DESCRIPTOR.size:
            raise Difference(f"__rseq_cs has {size} bytes: these are no descriptors")
        self.sections = {at: Section(at, *DESCRIPTOR.unpack(self.read(at, DESCRIPTOR.size)))
                         for at in range(begin, begin + size, DESCRIPTOR.size)}

    def text(self, offset: int) -> str:
        return self.bytes[offset:self.bytes.index(b"\0", offset)].decode()

    def read(self, address: int, size: int) -> bytes:
        for begin, content in self.segments:
            if begin <= address and address + size <= begin + len(content):
                return content[address - begin:address - begin + size]
        raise Difference(f"the program has nothing at {address:#x}")

    def number(self, symbol: str, size: int, signed: bool = False) -> int:
        return int.from_bytes(self.read(self.symbols[symbol], size), "little", signed=signed)

    @functools.cached_property
    def listing(self) -> dict[int, str]:
        done = subprocess.run([self.objdump, "--disassemble", "--no-show-raw-insn", self.path], capture_output=True,
                              text=True, check=True)
        found = re.findall(r"^\s*([0-9a-f]+):\t(.*)$", done.stdout, re.MULTILINE)
        return {int(address, 16): re.sub(r"\s+", " ", text).strip() for address, text in found}


# ---- The machine ---------------------------------------------------------------------------------


@dataclasses.dataclass
class Run:
    """What a call has done. After each interruption another part of it begins."""

    counters: list[int] = dataclasses.field(default_factory=list)
    accesses: list[Access] = dataclasses.field(default_factory=list)
    parts: list[tuple[int, int]] = dataclasses.field(default_factory=list)  # where they begin in the two above
    result: int = 0


class Machine:
    """Runs a program's functions."""

    PAGE = 4096
    SHARED, STACK, THREAD, RETURN = 0x1000_0000, 0x2000_0000, 0x3000_0000, 0x4000_0000
    NEAR, SHARDS = SHARED + PAGE // 2, SHARED + PAGE
    HANDLE = STACK
    CPUS = 2

    def __init__(self, program: Program) -> None:
        import unicorn

        self.program, self.architecture = program, program.architecture
        architecture = self.architecture
        self.error = unicorn.UcError
        self.emulator = unicorn.Uc(*(getattr(unicorn, name) for name in architecture.unicorn))
        module, prefix = architecture.registers
        registers = importlib.import_module(f"unicorn.{module}")
        self.register = {name: getattr(registers, prefix + name) for name in
                         (*architecture.arguments, architecture.result, architecture.counter, architecture.stack,
                          *([architecture.back] if architecture.back else []), architecture.thread)}
        self.shard_bytes = program.number("shard_bytes", 8)
        self.signature = program.number("signature", 4)
        self.area = self.THREAD + self.PAGE // 2 + program.number("__rseq_offset", 8, signed=True)
        pages: set[int] = set()
        for address, content in program.segments:
            pages |= set(range(address // self.PAGE, (address + len(content) - 1) // self.PAGE + 1))
        pages |= {each // self.PAGE for each in (self.SHARED, self.SHARDS, self.STACK, self.THREAD, self.RETURN)}
        for page in pages:
            self.emulator.mem_map(page * self.PAGE, self.PAGE)
        for address, content in program.segments:
            self.emulator.mem_write(address, content)
        for name, address in program.symbols.items():
            if MISS.search(name):
                self.emulator.mem_write(address, architecture.zero)
        self.run = Run()
        self.sizes: dict[int, int] = {}  # of the instructions that were run
        self.counter = 0
        self.emulator.hook_add(unicorn.UC_HOOK_CODE, self.sees_instruction)
        self.emulator.hook_add(unicorn.UC_HOOK_MEM_READ, self.sees_read, begin=self.SHARED, end=self.RETURN)
        self.emulator.hook_add(unicorn.UC_HOOK_MEM_WRITE, self.sees_write)

    # What the emulator calls.

    def sees_instruction(self, _: object, counter: int, size: int, __: object) -> None:
        self.counter = counter
        self.sizes[counter] = size
        self.run.counters.append(counter)

    def sees_read(self, _: object, __: int, address: int, size: int, ___: int, ____: object) -> None:
        self.sees(False, address, size, 0)

    def sees_write(self, _: object, __: int, address: int, size: int, value: int, ___: object) -> None:
        self.sees(True, address, size, value & ((1 << 8 * size) - 1))

    def sees(self, stores: bool, address: int, size: int, value: int) -> None:
        if address // self.PAGE == self.STACK // self.PAGE:
            return
        if self.area <= address < self.area + AREA_BYTES:
            place, offset = "area", address - self.area
        elif address >= self.THREAD or address < self.SHARED:
            if not stores:
                return
            place, offset = "memory", address
        elif address >= self.SHARDS:
            shard, offset = divmod(address - self.SHARDS, self.shard_bytes)
            place = str(shard)
        else:
            place, offset = "near", address - self.NEAR
        self.run.accesses.append(Access(stores, place, offset, size, value, counter=self.counter))

    # What we do to it.

    def write(self, address: int, number: int, size: int = 8) -> None:
        self.emulator.mem_write(address, number.to_bytes(size, "little"))

    def number(self, address: int, size: int = 8) -> int:
        return int.from_bytes(self.emulator.mem_read(address, size), "little")

    def put(self, *worlds: World) -> None:
        """What the thread finds: magazines, and the first one's CPU, which the kernel tells it."""
        for cpu, image in worlds[::-1]:
            if cpu < self.CPUS:
                self.emulator.mem_write(self.SHARDS + cpu * self.shard_bytes, image)
        cpu = worlds[0][0]
        self.write(self.area, cpu if cpu < self.CPUS else 0, 4)
        self.write(self.area + CPU_ID, cpu, 4)

    def announced(self) -> int:
        return self.number(self.area + RSEQ_CS)

    def memory(self) -> bytearray:
        return bytearray(self.emulator.mem_read(self.SHARDS, self.CPUS * self.shard_bytes))

    def show(self, reach: int) -> None:
        """The near_shards, by the headers' own function."""
        self.call("show", self.NEAR, self.SHARDS, reach)
        if self.call("magazine_of", self.SHARDS).result != self.SHARDS:
            raise Difference("a magazine is not at the beginning of its shard")

    def call(self, function: str, *arguments: int, interruptions: tuple[tuple[int, World], ...] = ()) -> Run:
        """Runs a function to its return. An interruption comes after so many instructions, and puts a world."""
        names = self.architecture
        self.run = run = Run(parts=[(0, 0)])
        for name, value in zip(names.arguments, arguments):
            self.set(name, value)
        stack = self.STACK + self.PAGE - 64
        if names.back:
            self.set(names.back, self.RETURN)
        else:
            stack -= 8
            self.write(stack, self.RETURN)
        self.set(names.stack, stack)
        self.set(names.thread, self.THREAD + self.PAGE // 2)
        counter = self.program.symbols[function]
        for count, world in interruptions:
            counter = self.interrupted(self.advance(counter, count) if count else counter)
            self.put(world)
            run.parts.append((len(run.counters), len(run.accesses)))
        if self.advance(counter, LONGEST) != self.RETURN:
            raise Difference("does not return")
        run.result = self.get(names.result)
        return run

    def advance(self, counter: int, count: int) -> int:
        run, before = self.run, len(self.run.counters)
        try:
            self.emulator.emu_start(counter, self.RETURN, count=count)
        except self.error as error:
            raise Difference(f"cannot go on at {self.text(self.counter)}: {error}") from None
        del run.counters[before + count:]  # the emulator may have shown us the next one already
        return self.get(self.architecture.counter)

    def interrupted(self, counter: int) -> int:
        """Where the thread goes on: what kernel/rseq.c does when the thread has been preempted."""
        address = self.announced()
        if address == 0:
            return counter
        section = self.program.sections.get(address)
        if section is None:
            raise Difference(f"the kernel would look for a descriptor at {address:#x}, where there is none")
        self.write(self.area + RSEQ_CS, 0)
        if section.has(section.handler) or self.number(section.handler - 4, 4) != self.signature:
            raise Difference("the kernel would kill the thread: there is no signature before the abort handler, or the "
                             "handler is in the section")
        return section.handler if section.has(counter) else counter

    def set(self, name: str, value: int) -> None:
        self.emulator.reg_write(self.register[name], value)

    def get(self, name: str) -> int:
        return int(self.emulator.reg_read(self.register[name]))

    def text(self, counter: int) -> str:
        return f"{counter:#x} '{self.program.listing.get(counter, '?')}'"
