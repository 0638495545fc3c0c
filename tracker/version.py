"""Which tracker this is: semantic versioning, https://semver.org."""

__version__ = "0.1.0"
