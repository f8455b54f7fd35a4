"""Files in, whole lines out: every byte once, in the order it was written, through rotation and restart.

Promise: a line is yielded exactly once as long as its bytes exist somewhere beside the path; what was destroyed unread
is measured. `tail` is the stage's door; `finder` finds files, `opener` opens them, in turns if `descriptors` are few,
`stream` reads one of them, `generations` holds the open ones. `fingerprint`, `evidence` and `proof` tell whether a file
still is the one that was read; `backups`, `text` and `unpack` look at what was rotated, `classify` says what a backup
is, `openings` opens what that says, `undecided` waits where it cannot be told yet. `history` remembers files that were
let go, `search` and `recover` go on after a restart, `catch_up` takes over what was found late. `quiet` saves looks,
`watcher` wakes the loop early, and `one_shot` reads each input once.
"""
