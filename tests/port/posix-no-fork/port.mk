# SPDX-License-Identifier: MIT
# posix-no-fork: port/posix with resolve_sync.c in place of resolve.c, which the linker then leaves in the archive.
PORT_SRC := tests/port/posix/port.c port/posix/no_fork/resolve_sync.c
PORT_CPPFLAGS := -DPOPCL_NO_FORK
