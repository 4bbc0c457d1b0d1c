"""What Meta's platforms share: how callbacks are checked, how the Graph API answers, and for Messenger and Instagram
the Messenger Platform's messages. No channel of its own.
"""
