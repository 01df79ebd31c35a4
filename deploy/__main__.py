"""`python -m deploy`: the command line without its script, as the supervisor starts stages."""

from deploy.cli import main

if __name__ == "__main__":
    main()
