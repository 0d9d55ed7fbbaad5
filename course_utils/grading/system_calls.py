"""The filter of system calls for the student's process, which refuses calls that no notebook needs.

The filter is a seccomp filter: a program for a small virtual machine in the kernel (classic BPF), which reads
the number and the arguments of each system call.

Sources: https://docs.kernel.org/userspace-api/seccomp_filter.html, and Linux's headers seccomp.h, filter.h,
audit.h and unistd.h
"""

import ctypes
import platform
import struct

# The refused system calls, with their numbers on x86-64 and on 64-bit ARM.
REFUSED = {
    # calls that make new namespaces
    "unshare": (272, 97),
    "setns": (308, 268),
    # calls that mount file systems: a new tmpfs would have no size limit
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # calls for tracing and for keys
    "ptrace": (101, 117),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # other calls through which kernels have been attacked
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}
CLONE = (56, 220)  # refused only with the flag for a new user namespace
CLONE3 = (435, 435)  # refused as not implemented: the filter can't read its flags. libc then uses clone
CLONE_NEWUSER = 0x10000000
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # in the order of the numbers in REFUSED
X32_SYSCALL_BIT = 0x40000000  # set in the numbers of x86-64's second interface, x32

# Instructions that load a word of struct seccomp_data, compare this word and jump, or return.
LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_IF_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
JUMP_IF_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
ALLOW = 0x7FFF0000  # SECCOMP_RET_ALLOW
NOT_PERMITTED = 0x00050000 | 1  # SECCOMP_RET_ERRNO | EPERM
NOT_IMPLEMENTED = 0x00050000 | 38  # SECCOMP_RET_ERRNO | ENOSYS
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2  # from prctl.h and seccomp.h


def program(machine: str) -> list[tuple[int, int, int, int]]:
    """Return the filter for "x86_64" or "aarch64".

    Each instruction is (code, how many instructions to skip if the comparison is true, how many if false,
    operand).
    """
    column = list(AUDIT_ARCH).index(machine)

    def return_if(comparison, operand, answer):
        return [(comparison, 0, 1, operand), (RETURN, 0, 0, answer)]

    lines = [(LOAD, 0, 0, ARCHITECTURE)]
    lines += [(JUMP_IF_EQUAL, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, NOT_PERMITTED)]
    lines += [(LOAD, 0, 0, NUMBER)]
    lines += return_if(JUMP_IF_AT_LEAST, X32_SYSCALL_BIT, NOT_IMPLEMENTED)
    for numbers in REFUSED.values():
        lines += return_if(JUMP_IF_EQUAL, numbers[column], NOT_PERMITTED)
    lines += return_if(JUMP_IF_EQUAL, CLONE3[column], NOT_IMPLEMENTED)
    lines += [(JUMP_IF_EQUAL, 0, 3, CLONE[column]), (LOAD, 0, 0, FIRST_ARGUMENT)]
    lines += return_if(JUMP_IF_ANY_BIT, CLONE_NEWUSER, NOT_PERMITTED)
    return [*lines, (RETURN, 0, 0, ALLOW)]


def install_filter(libc: ctypes.CDLL):
    """Install the filter for this process and its children. The filter can't be removed.

    On processors other than x86-64 and 64-bit ARM there is no filter. Raises OSError if the kernel refuses
    the filter.
    """
    if platform.machine() not in AUDIT_ARCH:
        return
    lines = program(platform.machine())
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    filter_ = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code))  # struct sock_fprog
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(filter_), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refused the filter of system calls")
