"""corrin: an executable model of vitamin B12 and the nerves it keeps alive."""

__version__ = "0.1.0"
