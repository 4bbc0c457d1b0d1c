"""Decides who gets a conversation and keeps the heads of conversations."""
