"""Lenses: tables that read a document into changes and write a view back into a document."""
