"""Makes a cluster secure: keys, passwords and rights, and the commands that bring them to Kafka.

Not in the services' images: these have only a password, and the certificate of the authority to trust.
"""
