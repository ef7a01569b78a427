"""The dataset editor: a terminal program to look at samples, hear them, and put their labels right."""
