"""The filesystems of the server the exporter runs on: what is mounted, and what lies in chosen directory trees.

Imports nothing: each worker process of a scan begins here.
"""
