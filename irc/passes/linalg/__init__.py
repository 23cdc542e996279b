"""
Passes on tensors and perfect loop nests.

convert_nd_to_linalg.py  whole tensors to loop nests over elements, by the table of from_nd/
fuse.py      loop nests that walk the same elements become one; fusion/ decides which
generics.py  making `linalg.generic`, with its indexing maps as plain data
"""
