"""`python -m console`: the watch-only console, alone."""

from console.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
