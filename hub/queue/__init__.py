"""Celery in front of the queue. PostgreSQL holds the work; Celery and Redis only say that there is some.

A task names no message: it claims whatever is due, as the worker threads do. So losing Redis, or any task, loses
nothing, and two tasks for one message do its work once.
"""
