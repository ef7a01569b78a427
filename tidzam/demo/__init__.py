"""A synthesised wetland that says what is to be heard in it, and the classifiers that hear it."""
