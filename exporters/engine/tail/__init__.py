"""Files in, whole lines out: every byte once, in the order it was written, through rotation and restart.

Promise: a line is yielded exactly once as long as its bytes exist somewhere beside the path; what was destroyed unread
is measured. `tail` is the stage's door; `finder` finds files, `stream` reads one of them, `generations` holds the open
ones, `fingerprint` tells whether a file still is the one that was read, `backups` and `unpack` look at what was
rotated, `classify` says what a backup is, `history` remembers files that were let go, `recover` goes on after a
restart, `catch_up` takes over what was found late, and `watcher` wakes the loop early.
"""
