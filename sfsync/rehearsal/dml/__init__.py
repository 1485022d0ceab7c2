"""Saving records: a batch of columns is converted, checked, given to the rules of its object and written."""
