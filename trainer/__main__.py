"""`python -m trainer`: train a classifier from audio folders or compiled datasets."""

from tidzam.terminal import exit_on_error
from trainer.cli import cli

if __name__ == "__main__":
    with exit_on_error("trainer"):
        cli()
