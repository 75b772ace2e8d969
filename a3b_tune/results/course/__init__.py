"""The course's questions, one after the other, and what was measured that answers them.

Reads studies and tries out the code that it quotes; trains nothing.
"""
