"""The reference pages, drawn from the code that they are about."""
