"""`python -m keepfit`: the command line."""

from keepfit.cli import app

app()
