"""What happens at present, passed on from the analyzer and the stream manager to browsers."""
