"""`python -m emitters EMITTER --out FILE`: the command line of the emitters, alone."""

from emitters.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
