"""How a model's width, heads and head width hang together.

Knows nothing of tensors.
"""


def width_of(heads: int, head_width: int, width: int | None) -> int:
    """The model's number of channels: `width` where it is given (then `head_width` does not
    count), else heads × head_width.

    ValueError where a number is below 1 or the heads do not divide the width.
    """
    check_positive("heads", heads)
    if width is None:
        check_positive("head_width", head_width)
        return heads * head_width
    check_width(width)
    if width % heads:
        raise ValueError(f"width {width} does not divide into {heads} heads")
    return width


def check_width(width: int) -> None:
    """ValueError where it is below 1."""
    check_positive("width", width)


def check_positive(name: str, value: int) -> None:
    """ValueError where it is below 1."""
    if value < 1:
        raise ValueError(f"{name} {value} is not at least 1")
