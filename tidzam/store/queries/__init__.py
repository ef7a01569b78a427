"""What pages and the API ask of the store, a module per topic."""
