"""
Text from the last level of IR.

c/  C99 with OpenMP pragmas and vector types
"""
