"""Calls to addresses that a tenant's admin or a platform's answer chose: resolved once, checked, and connected to what
was checked (SSRF).
"""
