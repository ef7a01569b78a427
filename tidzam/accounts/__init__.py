"""Accounts: who may use the console, and what each role may do. The console and `tidzam users` share it."""
