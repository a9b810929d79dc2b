"""``python -m atomicvad``: the command line, where its script is not on the path."""

from atomicvad.cli.main import main

if __name__ == "__main__":
    main()
