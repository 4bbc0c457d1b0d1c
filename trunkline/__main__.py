"""`python -m trunkline` is `trunkline`."""

from trunkline.main import main

if __name__ == "__main__":
    main()
