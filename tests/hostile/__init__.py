"""Workbooks that ask for more than any machine has, small, made anew by each test."""
