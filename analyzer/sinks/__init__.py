"""Where results go. `base` has the contract of a sink, `queue` runs one beside the live analyzer."""
