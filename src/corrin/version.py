"""The version of this corrin, apart so that anyone may read it."""

__version__ = "0.1.0"
