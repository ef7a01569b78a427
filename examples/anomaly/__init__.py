"""A recorder that looks for unusual sound with an isolation forest."""
