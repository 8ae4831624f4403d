"""`python -m ondol.cli` is `ondol`."""

from ondol.cli import main

if __name__ == "__main__":
    main()
