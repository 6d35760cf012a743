"""``python -m framefold`` is the command ``framefold``."""

from framefold.cli import main

if __name__ == "__main__":
    main()
