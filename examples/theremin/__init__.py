"""A theremin: a camera sees a hand, and the hand's area sets the pitch of a tone in JACK. See docs/theremin.md."""
