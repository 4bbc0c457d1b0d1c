"""What processes ask each other by `rpc`: a file a subject, and in it each verb with the Structs of its request and its
reply. Who asks and who answers import the same, so that neither can know another form of it.

They travel between neighbouring versions: fields are only added, with defaults.
"""
