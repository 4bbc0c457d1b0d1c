"""How IMAP writes days and the names of folders."""

from __future__ import annotations

from adapters.channels.email.servers import imap_words


def test_a_day_is_written_as_imap_has_it() -> None:
    assert imap_words.day_before(1_704_164_645.0, 0) == "2-Jan-2024"
    assert imap_words.day_before(1_704_164_645.0, 3) == "30-Dec-2023"


def test_a_folder_is_named_in_modified_utf7() -> None:
    # RFC 3501, 5.1.3, and what Gmail and QQ call their folders.
    assert imap_words.mailbox_name("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"
    assert imap_words.mailbox_name("INBOX") == "INBOX"
    assert imap_words.mailbox_name("A & B") == "A &- B"
    assert imap_words.mailbox_name("其他文件夹") == "&UXZO1mWHTvZZOQ-"
