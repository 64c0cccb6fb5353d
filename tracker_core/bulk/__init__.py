"""Bulk orders: exports and imports of very many records, done by workers piece by piece, resumed where they were."""

from tracker_core.bulk.orders import File, Order

__all__ = ["File", "Order"]
