"""Sinks: the receivers of results. `base` has their contract; `queue` runs them beside the live analyzer."""
