"""What other nodes forward to this one: records for the store, and clips that are uploaded in parts."""
