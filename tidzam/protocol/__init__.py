"""What programs say to one another and to clients, as typed values. The wire format lives here alone."""
