"""`python -m embedsheet` is the same as `embedsheet`."""

from embedsheet.cli import main

if __name__ == "__main__":
    main()
