"""Who a visitor is: log-in, sessions, API tokens and lock-out."""
