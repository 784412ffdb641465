"""Diorama: a small procedural world seen, heard, scanned and described.

Everything is generated from seeds by the code in this package; nothing is downloaded.
"""
