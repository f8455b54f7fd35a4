"""What sessions record in a folder, and how it becomes one page that outlives them.

Promise: files of living processes are never touched; those of the dead are folded into one, and no counter falls or
doubles by it, whenever anything is killed.
"""

__all__: list[str] = []
