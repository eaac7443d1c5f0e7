"""`python -m callsheet_server` is `callsheet`."""

from callsheet_server.cli import main

main()
