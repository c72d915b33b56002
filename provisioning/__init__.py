"""What makes a cluster secure: keys and passwords, who may do what, and the commands that bring both to Kafka.

Not in the services' images: they only have a password, and the certificate of the authority to trust.
"""
