"""The task `linking`: find the concept, such as MESH:D010300 or NCBIGene:7157, that a mention refers to."""
