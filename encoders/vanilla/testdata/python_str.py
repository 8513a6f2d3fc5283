"""Prints python_str.tsv: floats, and the text that Python's str() gives for them.

Each line has the bits of a float as hexadecimal digits (16 for a float64, 8 for a float32), a tab, and the text.
Python has no float32: its text is that of the shortest decimal number that reads back as the same float32.

    python3 python_str.py > python_str.tsv
"""
import random
import struct

random.seed(20240229)

doubles = [0.0, -0.0, 1.0, -1.0, 5.0, 0.1, 0.2, 0.1 + 0.2, 1 / 3, 2 / 3, 100.0, 1e2, 123456789.0, 1.5, -2.5,
           1e15, 1e16, 1e17, 1e21, 1e22, 1e23, 9999999999999998.0, 9007199254740991.0, 9007199254740992.0,
           9007199254740993.0, 123456789012345680.0, 1e-3, 1e-4, 1e-5, 1.5e-4, 1.5e-5, 9.999e-5, 0.00012345, 1e100,
           1e-100, 3.141592653589793, 2.718281828459045, 1.7976931348623157e308, 2.2250738585072014e-308, 5e-324,
           -5e-324, 4.35, 0.3, 2.675, 1e-7, 299792458.0, 6.02214076e23, 6.62607015e-34, 1234567890123456.7,
           float("inf"), float("-inf"), float("nan")]
doubles += [struct.unpack(">d", random.randbytes(8))[0] for _ in range(60)]
doubles += [random.uniform(-1, 1) * 10 ** random.randint(-6, 18) for _ in range(60)]
doubles += [float(random.randint(-10 ** 17, 10 ** 17)) for _ in range(20)]

singles = [0.0, -0.0, 1.0, 0.1, 0.2, 1 / 3, 100.0, 16777216.0, 16777217.0, 33554432.0, 1e15, 1e16, 1e17, 1e-4, 1e-5,
           1e-7, 3.4028234663852886e38, 1.1754943508222875e-38, 1.401298464324817e-45, 123456.7, 0.3, 4.35, 2.675,
           float("inf"), float("-inf"), float("nan")]
singles += [struct.unpack(">f", random.randbytes(4))[0] for _ in range(40)]


def shortest_single(f):
    """Returns the double nearest to the shortest decimal number that reads back as the float32 f."""
    if f != f or f in (float("inf"), float("-inf")) or f == 0:
        return f
    for digits in range(9):
        text = f"{f:.{digits}e}"
        try:
            if struct.unpack(">f", struct.pack(">f", float(text)))[0] == f:
                return float(text)
        except OverflowError:
            continue  # rounded up past the largest float32
    raise ValueError(f)


for f in doubles:
    print(struct.pack(">d", f).hex(), str(f), sep="\t")
for f in singles:
    f = struct.unpack(">f", struct.pack(">f", f))[0]
    print(struct.pack(">f", f).hex(), str(shortest_single(f)), sep="\t")
