"""Runs docker-compose.yml on a machine that has neither a container engine nor a registry of images.

The engine, the base image and Compose are made of Debian's packages and Go's modules; images of others that cannot be
had are replaced by stand-ins. Nothing of it is in the wheel or in our image.
"""
