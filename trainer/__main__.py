"""`python -m trainer`: train a classifier from audio folders or compiled datasets."""

from trainer.cli import cli

if __name__ == "__main__":
    cli()
