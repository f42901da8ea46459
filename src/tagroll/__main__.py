"""`python -m tagroll`."""

from tagroll.cli import main

main()
