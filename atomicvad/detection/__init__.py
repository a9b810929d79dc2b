"""Speech in recordings and streams: what the package is installed for."""
