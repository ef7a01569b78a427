"""The novelty inbox: sounds unlike anything heard before, grouped by what they sound like, for people to name."""
