"""What all requests have in common: who sends them, what they may do, errors, headers and templates."""
