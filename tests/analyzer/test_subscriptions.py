"""What clients ask for: names in any Unicode form."""

from analyzer.subscriptions import Names


def test_a_class_is_meant_in_any_unicode_form() -> None:
    for glob in ("me\u0301sange", "me\u0301s*", "m\u00e9sange"):
        assert "m\u00e9sange" in Names((glob,))
    assert "m\u00e9sange" not in Names(("mesange",))
