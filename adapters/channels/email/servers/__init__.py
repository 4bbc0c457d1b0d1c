"""IMAP and SMTP: sessions, sign-in, and what servers answer."""
