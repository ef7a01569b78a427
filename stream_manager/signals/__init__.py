"""The health of each channel's signal, measured in JACK's port buffers."""
