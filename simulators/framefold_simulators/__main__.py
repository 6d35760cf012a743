"""``python -m framefold_simulators``."""

from framefold_simulators.cli import main

if __name__ == "__main__":
    main()
