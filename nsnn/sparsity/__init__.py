"""Policies of sparse training: how many weights a layer keeps, which it drops, which it grows."""
