"""Reaching other people's servers without being led to our own."""
