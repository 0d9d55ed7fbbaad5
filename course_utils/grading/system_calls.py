"""Filters the system calls of the student's process, and refuses calls that no notebook needs.

Some of these calls would let two students exchange messages. All students read the same files of Python, and
the kernel keeps locks, leases and watchers for each file. So one student could lock a file, for example, and
another could see the lock. Python's libraries need locks (sqlite3 for its files), so a call for a lock
succeeds, but locks nothing.

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
    # calls that mount file systems, because a new tmpfs would have no size limit
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
    # calls for tracing processes, and for the kernel's own store of passwords and keys
    "ptrace": (101, 117),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # calls that make memory, semaphores and queues which don't count towards the limits on a process
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    # calls that use what all runs share: the kernel's log, and its limited number of asynchronous requests
    "syslog": (103, 116),
    "io_setup": (206, 0),
    # calls that tell who else reads a file, and calls that tell or change which parts of files are in memory
    "inotify_add_watch": (254, 27),
    "fanotify_init": (300, 262),
    "mincore": (27, 232),
    "cachestat": (451, 451),
    "process_madvise": (440, 440),
    # other calls through which kernels have been attacked
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}
FLOCK = (73, 32)  # the filter makes this call succeed, but nothing is locked

# The filter makes this call succeed without effect, because the call could make the kernel drop a file from
# memory.
FADVISE64 = (221, 223)
# The filter refuses this call as not implemented, because the call tells which parts of a file are in memory.
PREADV2 = (327, 286)
# The filter refuses this call only with the advice MADV_PAGEOUT, which makes the kernel drop parts of a file
# from memory.
MADVISE = (28, 233)
MADV_PAGEOUT = 21  # from mman.h
FCNTL = (72, 25)  # the filter refuses this call except for the commands below, whose numbers are from fcntl.h

# The filter makes these commands of fcntl succeed, but nothing is locked: F_GETLK, F_SETLK, F_SETLKW,
# F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW.
LOCKS = (5, 6, 7, 36, 37, 38)
# The filter allows these commands of fcntl, because they act on a process's own handle: F_DUPFD, F_GETFD,
# F_SETFD, F_GETFL, F_SETFL, F_SETOWN, F_GETOWN, F_SETSIG, F_GETSIG, F_SETOWN_EX, F_GETOWN_EX,
# F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_GET_SEALS.
HARMLESS = (0, 1, 2, 3, 4, 8, 9, 10, 11, 15, 16, 1030, 1031, 1032, 1034)
# The filter refuses this call except for the FAMILIES below, whose sockets can't leave a network namespace.
SOCKET = (41, 198)
FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
CLONE = (56, 220)  # the filter refuses this call only with the flag for a new user namespace

# The filter refuses this call as not implemented, because the flags of clone3 are in memory that a filter
# can't read. libc then uses clone.
CLONE3 = (435, 435)
CLONE_NEWUSER = 0x10000000
# {machine: its number in audit.h}. The numbers in REFUSED have the order of these machines.
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_SYSCALL_BIT = 0x40000000  # this bit is set in the call numbers of x86-64's second interface, x32

# The instructions. LOAD loads a word of struct seccomp_data. The three JUMP instructions compare this word
# with a number, and jump. RETURN ends the filter.
LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_IF_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
JUMP_IF_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K

# Offsets in struct seccomp_data.
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT = 0, 4, 16, 24, 32
ALLOW = 0x7FFF0000  # SECCOMP_RET_ALLOW
PRETEND = 0x00050000  # SECCOMP_RET_ERRNO | 0: the call seems to have succeeded
NOT_PERMITTED = 0x00050000 | 1  # SECCOMP_RET_ERRNO | EPERM
NO_SUCH_FAMILY = 0x00050000 | 97  # SECCOMP_RET_ERRNO | EAFNOSUPPORT
NOT_IMPLEMENTED = 0x00050000 | 38  # SECCOMP_RET_ERRNO | ENOSYS
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2  # from prctl.h and seccomp.h


def program(machine: str) -> list[tuple[int, int, int, int]]:
    """Return the filter for a machine, "x86_64" or "aarch64", as a list of instructions.

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
    lines += return_if(JUMP_IF_EQUAL, PREADV2[column], NOT_IMPLEMENTED)
    for call in (FLOCK, FADVISE64):
        lines += return_if(JUMP_IF_EQUAL, call[column], PRETEND)

    def by_argument(call, argument, answers, otherwise):
        rest = [(LOAD, 0, 0, argument)]
        for number, answer in answers.items():
            rest += return_if(JUMP_IF_EQUAL, number, answer)
        rest += [(RETURN, 0, 0, otherwise)]
        return [(JUMP_IF_EQUAL, 0, len(rest), call[column]), *rest]

    commands = dict.fromkeys(HARMLESS, ALLOW) | dict.fromkeys(LOCKS, PRETEND)
    lines += by_argument(FCNTL, SECOND_ARGUMENT, commands, NOT_PERMITTED)
    lines += by_argument(MADVISE, THIRD_ARGUMENT, {MADV_PAGEOUT: NOT_PERMITTED}, ALLOW)
    lines += by_argument(SOCKET, FIRST_ARGUMENT, dict.fromkeys(FAMILIES, ALLOW), NO_SUCH_FAMILY)
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
