"""The demonstration: one invented district day through every adapter, from arrival to the reported number and back."""
