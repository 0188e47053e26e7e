"""`python -m litmine`: the command line."""

from litmine.cli.main import main

if __name__ == "__main__":
    main()
