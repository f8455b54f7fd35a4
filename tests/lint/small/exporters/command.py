"""Stands for the program: the lint reads flags from its text."""

FLAGS = ("--port", "--file")
