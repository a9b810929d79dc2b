"""The detector in integers: the specification that ``core/atomicvad.c`` follows to the bit.

Every intermediate value fits 32 bits whatever the samples are; NumPy computes in 64 bits here, so
that a test can see that it does. ``Qn`` means ``n`` binary digits after the point.
"""
