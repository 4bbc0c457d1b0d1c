"""Tests of what is called outside."""
