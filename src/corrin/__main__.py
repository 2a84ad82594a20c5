"""`python -m corrin`."""

from corrin.shells.cli import main

main()
