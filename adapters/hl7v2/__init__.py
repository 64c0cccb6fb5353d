"""HL7 version 2 (ER7 over MLLP and HTTP)."""
