"""Kills, full disks and broken ones at every system call of a run: nothing is lost, nothing happens twice.

`make torture` runs the whole matrix, which takes hours; `tests/end_to_end/test_torture.py` a spread sample of it.

A *case* is one fault at one call: ``kill@pwrite64/wal#17`` ends the process by SIGKILL in place of the 17th
`pwrite64` on the journal's write-ahead log. Each case has a workplace of its own (`scenario`): a folder with files
that are booked, refused, duplicates, archives, and one whose name is taken; and a mailbox. `run --once` meets the
fault; it is asserted that the fault struck. Then `run --once` runs again without faults, and `oracle` compares the
folders, the mailbox, the replies, the store and the journal with what the endpoint has in its ledger.

The faults are injected by seccomp's user notification (`injector`): the kernel stops the calling thread and asks us.
strace's `inject` counts the calls of each thread by itself, so that its `when=17` reaches the first thread that
gets that far and no other; here the calls of all threads are counted together. A few cases are run by strace all
the same, as a second witness.

    kill        SIGKILL in place of the call
    EIO, ENOSPC, EXDEV    the call fails so, once
    full        from this call on every call that needs room fails with ENOSPC, until the run ends
"""
