"""Tests of the directory's records."""
